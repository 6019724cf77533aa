// SPDX-License-Identifier: Apache-2.0
#include "cli_http.h"

#include <gtest/gtest.h>

#include "fake/scripted_server.h"

namespace tapewatch {
namespace {

ApiAddress address_of(const ScriptedServer& server) { return {"127.0.0.1", server.port(), "s3cret"}; }

struct Case {
  std::string name;
  std::string answer;
  int status;  // 0: an error
  std::string body;
};

class ApiGet : public testing::TestWithParam<Case> {};

TEST_P(ApiGet, ReadsWholeAnswersAndRefusesOthers) {
  ScriptedServer server({GetParam().answer});
  const auto reply = api_get(address_of(server), "/x?y=1");
  ASSERT_EQ(reply.ok(), GetParam().status != 0);
  if (!reply) return;
  EXPECT_EQ(reply->status, GetParam().status);
  EXPECT_EQ(reply->body, GetParam().body);
  EXPECT_EQ(server.requests()[0].find("GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:"), 0u);
  EXPECT_NE(server.requests()[0].find("Authorization: Bearer s3cret\r\n"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, ApiGet,
    testing::Values(
        Case{"length", json_answer("abc"), 200, "abc"}, Case{"empty", json_answer(""), 200, ""},
        Case{"refused", json_answer("no", "401 Unauthorized"), 401, "no"},
        Case{"chunked",
             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 200,
             "abc0123456789"},
        Case{"until_close", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it"},
        Case{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0, ""},
        Case{"cut_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 0, ""},
        Case{"bad_length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, ""},
        Case{"not_http", "SSH-2.0-x\r\n\r\n", 0, ""}, Case{"nothing", "", 0, ""}),
    [](const testing::TestParamInfo<Case>& test) { return test.param.name; });

TEST(ApiStream, HandsOverEventsOneByOne) {
  ScriptedServer server(
      {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\ndata: {\"a\":1}\n\n"
       "event: x\r\ndata: one\r\ndata: two\r\n\r\ndata: last\n\n"});
  std::vector<std::string> events;
  const auto reply = api_stream(address_of(server), "/tail", [&](std::string_view name, std::string_view data) {
    events.push_back(std::string(name) + "|" + std::string(data));
    return events.size() < 3;
  });
  ASSERT_TRUE(reply);
  EXPECT_EQ(events, (std::vector<std::string>{"|{\"a\":1}", "x|one\ntwo", "|last"}));
}

TEST(ApiUrl, OnlyThisMachine) {
  EXPECT_EQ(parse_api_url("http://127.0.0.1:9600/")->port, 9600);
  EXPECT_EQ(parse_api_url("[::1]:80")->host, "::1");
  EXPECT_TRUE(parse_api_url("localhost:1"));
  for (const char* url : {"http://10.0.0.1:9600", "http://127.0.0.1.example.org:1", "https://127.0.0.1:1", "x", "",
                          "http://127.0.0.1", "http://127.0.0.1:99999"}) {
    EXPECT_FALSE(parse_api_url(url)) << url;
  }
  EXPECT_EQ(url_encoded("a b&é/\"~"), "a%20b%26%C3%A9%2F%22~");
}

TEST(ApiGetAddress, NobodyThere) {
  const auto reply = api_get({"127.0.0.1", 1, ""}, "/");
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("no agent answers at 127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace tapewatch

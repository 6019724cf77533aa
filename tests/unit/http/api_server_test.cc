// SPDX-License-Identifier: Apache-2.0
#include "http/api_server.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "fake/clock.h"
#include "fake/search_backend.h"
#include "http/json_check.h"
#include "http/page.h"
#include "http/routes.h"

namespace tapewatch {
namespace {

class ApiServerTest : public testing::Test {
 protected:
  HttpAnswer get(const std::string& path, const std::string& query = "") const {
    ApiRequest request;
    request.path = path;
    request.query = query;
    return find_route(request) == nullptr ? problem(404, "no route") : server_.serve(request);
  }
  FakeClock clock_;
  FakeSearchBackend backend_;
  AgentMetrics metrics_{"0.1.0"};
  StatusBoard status_;
  ApiServer server_{{}, status_, &backend_, clock_, metrics_};
};

TEST_F(ApiServerTest, EveryRouteAnswers) {
  for (const Route& route : all_routes()) {
    if (route.service != Service::api) continue;
    const char* needed = route.path == "/api/v1/trace" ? "id=x" : route.path == "/api/v1/top" ? "field=a" : "";
    const HttpAnswer answer = get(std::string(route.path), needed);
    EXPECT_EQ(answer.status, 200) << route.path << answer.body;
    if (answer.content_type == "application/json") {
      EXPECT_TRUE(is_json_object(answer.body)) << answer.body;
    }
  }
  EXPECT_EQ(get("/metrics").content_type, content_type_of(MetricsFormat::text));
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/api/v1/search/").status, 404);
}

TEST_F(ApiServerTest, MetricsAreOpenMetricsForThoseWhoAsk) {
  ApiRequest request;
  request.path = "/metrics";
  request.accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
  const HttpAnswer answer = server_.serve(request);
  EXPECT_EQ(answer.content_type, content_type_of(MetricsFormat::openmetrics));
  EXPECT_TRUE(answer.body.ends_with("# EOF\n"));
  EXPECT_EQ(get("/metrics").body.find("# EOF"), std::string::npos);
}

TEST_F(ApiServerTest, ThePageIsWhatWasEmbedded) {
  std::size_t bytes = 0;
  for (const PageFile& file : page_files()) {
    EXPECT_EQ(get(file.path).body, file.content) << file.path;
    EXPECT_EQ(get(file.path).content_type, file.content_type);
    bytes += file.content.size();
    for (const char* banned : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://cdn",
                               "https://", "style=\"", " onclick="}) {
      EXPECT_EQ(file.content.find(banned), std::string_view::npos) << file.path << " has " << banned;
    }
  }
  EXPECT_LE(bytes, 60U * 1024);
}

TEST_F(ApiServerTest, SearchGoesPageByPage) {
  for (int i = 1; i <= 5; ++i) backend_.add("{\"n\":" + std::to_string(i) + "}", 4);
  const HttpAnswer first = get("/api/v1/search", "limit=2");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body.find(R"({"sequence":5,"events":[{"n":5},{"n":4}],"cursor":"4")"), 0U) << first.body;
  EXPECT_NE(first.body.find("\"elapsed_ms\":1.234"), std::string::npos) << first.body;
  const HttpAnswer last = get("/api/v1/search", "limit=10&cursor=4");
  EXPECT_NE(last.body.find("{\"n\":3}"), std::string::npos);
  EXPECT_EQ(last.body.find("{\"n\":4}"), std::string::npos);
  EXPECT_NE(last.body.find("\"cursor\":null"), std::string::npos);
}

TEST_F(ApiServerTest, ADocumentThatIsNotJsonCannotBreakTheAnswer) {
  backend_.add("{\"a\":1}{\"b\":2}");
  backend_.add("\"}]} \xff\n");
  const HttpAnswer answer = get("/api/v1/search");
  EXPECT_TRUE(is_json_object(answer.body)) << answer.body;
  EXPECT_NE(answer.body.find("\"message\":\"{\\\"a\\\":1}"), std::string::npos);
}

TEST_F(ApiServerTest, FaultsAreProblemObjects) {
  struct Case {
    const char* path;
    const char* query;
    int status;
    const char* part;
  };
  for (const Case& c : {Case{"/api/v1/search", "query=(", 400, R"x("offset":0,"length":1,"hint":"write )"})x"},
                        {"/api/v1/search", "query=busy", 503, "too many searches"},
                        {"/api/v1/search", "query=throw", 500, "could not be made"},
                        {"/api/v1/search", "limit=0", 400, "from 1 to 1000"},
                        {"/api/v1/search", "limit=1001", 400, "from 1 to 1000"},
                        {"/api/v1/search", "limit=1&limit=2", 400, "twice"},
                        {"/api/v1/search", "lmit=1", 400, "query, from, to, limit, cursor"},
                        {"/api/v1/search", "from=yesterday", 400, "is not a time"},
                        {"/api/v1/search", "from=now&to=1h", 400, "behind"},
                        {"/api/v1/search", "query=%ff", 400, "UTF-8"},
                        {"/api/v1/search", "cursor=x", 400, "cursor"},
                        {"/api/v1/trace", "", 400, "/api/v1/trace/ID"},
                        {"/api/v1/histogram", "buckets=100000", 400, "buckets"},
                        {"/api/v1/top", "", 400, "field=event.action"},
                        {"/api/v1/top", "field=a&query=(", 400, "write )"},
                        {"/api/v1/top", "field=a&limit=0", 400, "from 1 to 1000"}}) {
    const HttpAnswer answer = get(c.path, c.query);
    EXPECT_EQ(answer.status, c.status) << c.query << answer.body;
    EXPECT_EQ(answer.content_type, "application/problem+json");
    EXPECT_TRUE(is_json_object(answer.body)) << answer.body;
    EXPECT_NE(answer.body.find(c.part), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("secret words"), std::string::npos);
  }
}

TEST_F(ApiServerTest, TopValuesOfAField) {
  EXPECT_EQ(get("/api/v1/top", "field=a.b&limit=2").body,
            R"({"field":"a.b","values":[{"value":"a.b","count":1},{"value":"a.b","count":2}],)"
            R"("others":0,"without":7,"documents":0,"exact":true,"complete":true,"scanned_lines":0})");
}

TEST_F(ApiServerTest, TraceTakesItsIdFromThePath) {
  backend_.add(R"({"id":"a+b&c=d /e"})");
  backend_.add(R"({"id":"other"})");
  const HttpAnswer answer = get("/api/v1/trace/a+b&c=d%20%2fe");
  EXPECT_NE(answer.body.find(R"({"id":"a+b&c=d /e","events":[{"id":"a+b&c=d /e"}],)"), std::string::npos)
      << answer.body;
  EXPECT_EQ(answer.body.find("other"), std::string::npos);
  EXPECT_EQ(get("/api/v1/trace/").status, 404);
  EXPECT_EQ(get("/api/v1/trace/a/b").status, 404);
}

TEST_F(ApiServerTest, TimesComeInEveryForm) {
  backend_.add("{}");
  for (const char* from : {"2026-01-04T23:59:00Z", "1767571140", "1767571140000", "5m", "1h", "2d"}) {
    EXPECT_NE(get("/api/v1/search", std::string("to=2026-01-06T00:00:00Z&from=") + from).body.find("{}"),
              std::string::npos)
        << from;
  }
  EXPECT_EQ(get("/api/v1/search", "from=2026-01-05T00:00:01Z").body.find("{}"), std::string::npos);
}

TEST_F(ApiServerTest, WithoutAStoreItSaysSo) {
  const ApiServer off({}, status_, nullptr, clock_, metrics_);
  for (const char* path : {"/api/v1/search", "/api/v1/trace", "/api/v1/histogram", "/api/v1/top"}) {
    ApiRequest request;
    request.path = path;
    request.query = "id=x";
    EXPECT_EQ(off.serve(request).status, 404) << path;
  }
}

TEST_F(ApiServerTest, AnAnswerThatIsTooLargeIsRefused) {
  const ApiServer small({2000, {}}, status_, &backend_, clock_, metrics_);
  backend_.add("{\"a\":\"" + std::string(3000, 'x') + "\"}");
  ApiRequest request;
  request.path = "/api/v1/search";
  EXPECT_EQ(small.serve(request).status, 500);
}

TEST_F(ApiServerTest, ManyThreadsAskAtOnce) {
  for (int i = 0; i < 100; ++i) backend_.add("{\"n\":" + std::to_string(i) + "}");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(get("/api/v1/search").status, 200);
        EXPECT_EQ(get("/metrics").status, 200);
        status_.publish(std::make_shared<StatusSnapshot>());
        EXPECT_EQ(get("/api/v1/status").status, 200);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(JsonCheck, TellsObjectsFromTheRest) {
  for (const char* good :
       {"{}", " {\"a\":[1,-2.5e+3,true,false,null,\"\\u00e9\\n\"],\"b\":{}} ", "{\"\":0}", "{\"é\":\"日本\"}"}) {
    EXPECT_TRUE(is_json_object(good)) << good;
  }
  for (const char* bad : {"",
                          "[]",
                          "1",
                          "{",
                          "{}}",
                          "{\"a\":1,}",
                          "{\"a\" 1}",
                          "{a:1}",
                          "{\"a\":01}",
                          "{\"a\":.5}",
                          "{\"a\":1.}",
                          "{\"a\":\"\n\"}",
                          "{\"a\":\"\\x\"}",
                          "{\"a\":\"\\u12g4\"}",
                          "{\"a\":tru}",
                          "{\"a\":\"\xff\"}",
                          "{\"a\":[1}",
                          "{\"k\":\"v\"}{\"k\":\"w\"}",
                          "{\"a\":-}",
                          "{\"a\":1e}"}) {
    EXPECT_FALSE(is_json_object(bad)) << bad;
  }
  EXPECT_FALSE(is_json_object("{\"a\":" + std::string(100'000, '[')));
}

}  // namespace
}  // namespace tapewatch

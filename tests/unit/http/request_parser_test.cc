// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace tapewatch {
namespace {

using State = RequestParser::State;

struct Refused {
  std::string name;
  std::string in;
  int status;
};

class HostileRequest : public testing::TestWithParam<Refused> {};

// The same answer whether the bytes come at once or one by one.
TEST_P(HostileRequest, IsRefused) {
  RequestParser whole((RequestLimits()));
  whole.feed(GetParam().in);
  ASSERT_EQ(whole.state(), State::refused);
  EXPECT_EQ(whole.refusal().status, GetParam().status) << whole.refusal().detail;
  RequestParser slow((RequestLimits()));
  for (const char c : GetParam().in) slow.feed(std::string_view(&c, 1));
  ASSERT_EQ(slow.state(), State::refused);
  EXPECT_EQ(slow.refusal().status, GetParam().status);
  EXPECT_EQ(slow.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0U);
}

std::string with(const std::string& headers, const std::string& line = "GET / HTTP/1.1") {
  return line + "\r\nHost: localhost\r\n" + headers + "\r\n";
}
std::string many_headers(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "a: b\r\n";
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Table, HostileRequest,
    testing::Values(
        Refused{"no_host", "GET / HTTP/1.1\r\n\r\n", 400}, Refused{"two_hosts", with("Host: b\r\n"), 400},
        Refused{"two_hosts_other_case", with("hOST: b\r\n"), 400},
        Refused{"bare_lf", "GET / HTTP/1.1\nHost: a\n\n", 400}, Refused{"bare_cr", with("a: b\rc: d\r\n"), 400},
        Refused{"lf_in_header", with("a: b\n"), 400}, Refused{"nul", with(std::string("a: b\0c\r\n", 8)), 400},
        Refused{"escape_byte", with("a: \x1b[2J\r\n"), 400}, Refused{"fold", with("a: b\r\n c\r\n"), 400},
        Refused{"blank_before_colon", with("Transfer-Encoding : chunked\r\n"), 400},
        Refused{"no_name", with(": b\r\n"), 400}, Refused{"no_colon", with("abc\r\n"), 400},
        Refused{"chunked", with("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.1"), 411},
        Refused{"chunked_hidden", with("transfer-encoding:\txchunked\r\nContent-Length: 3\r\n", "POST / HTTP/1.1"),
                411},
        Refused{"gzip", with("Content-Encoding: gzip\r\nContent-Length: 3\r\n", "POST / HTTP/1.1"), 415},
        Refused{"expect", with("Expect: 100-continue\r\n", "POST / HTTP/1.1"), 417},
        Refused{"two_lengths", with("Content-Length: 1\r\nContent-Length: 1\r\n", "POST / HTTP/1.1"), 400},
        Refused{"list_of_lengths", with("Content-Length: 1, 1\r\n", "POST / HTTP/1.1"), 400},
        Refused{"negative_length", with("Content-Length: -2\r\n", "POST / HTTP/1.1"), 400},
        Refused{"plus_length", with("Content-Length: +2\r\n", "POST / HTTP/1.1"), 400},
        Refused{"hex_length", with("Content-Length: 0x2\r\n", "POST / HTTP/1.1"), 400},
        Refused{"endless_length", with("Content-Length: 99999999999999999999\r\n", "POST / HTTP/1.1"), 400},
        Refused{"large_body", with("Content-Length: 65537\r\n", "POST / HTTP/1.1"), 413},
        Refused{"body_of_get", with("Content-Length: 1\r\n"), 400},
        Refused{"long_target", "GET /" + std::string(8000, 'a') + " HTTP/1.1\r\n", 414},
        Refused{"endless_target", "GET /" + std::string(8000, 'a'), 414},
        Refused{"long_header", with("a: " + std::string(5000, 'a')), 431},
        Refused{"many_headers", with(many_headers(100)), 431},
        Refused{"large_headers",
                with("a: " + std::string(4000, 'a') + "\r\nb: " + std::string(4000, 'a') +
                     "\r\nc: " + std::string(4000, 'a') + "\r\nd: " + std::string(4090, 'a') +
                     "\r\ne: " + std::string(4000, 'a') + "\r\n"),
                431},
        Refused{"http10", with("", "GET / HTTP/1.0"), 505}, Refused{"http2", with("", "PRI * HTTP/2.0"), 505},
        Refused{"http09", "GET /\r\n", 400}, Refused{"lower_case_version", with("", "GET / http/1.1"), 400},
        Refused{"long_version", with("", "GET / HTTP/1.10"), 400},
        Refused{"two_blanks", with("", "GET  / HTTP/1.1"), 400}, Refused{"tab", with("", "GET\t/ HTTP/1.1"), 400},
        Refused{"blank_in_target", with("", "GET /a b HTTP/1.1"), 400}, Refused{"put", with("", "PUT / HTTP/1.1"), 405},
        Refused{"connect", with("", "CONNECT a:1 HTTP/1.1"), 405},
        Refused{"lower_case", with("", "get / HTTP/1.1"), 405}, Refused{"no_method", with("", " / HTTP/1.1"), 400},
        Refused{"bad_method", with("", "G\"T / HTTP/1.1"), 400},
        Refused{"absolute", with("", "GET http://a/ HTTP/1.1"), 400},
        Refused{"not_ascii", with("", "GET /\xc3\xa9 HTTP/1.1"), 400},
        Refused{"angle", with("", "GET /<script> HTTP/1.1"), 400},
        Refused{"backslash", with("", "GET /\\..\\ HTTP/1.1"), 400},
        Refused{"fragment", with("", "GET /#a HTTP/1.1"), 400}, Refused{"percent", with("", "GET /%2 HTTP/1.1"), 400},
        Refused{"percent_end", with("", "GET /% HTTP/1.1"), 400},
        Refused{"percent_letters", with("", "GET /%zz HTTP/1.1"), 400},
        Refused{"percent_nul", with("", "GET /a%00b HTTP/1.1"), 400},
        Refused{"empty_lines", "\r\n\r\n" + with(""), 400}, Refused{"tls", "\x16\x03\x01\x02\x01\n", 400}),
    [](const testing::TestParamInfo<Refused>& param) { return param.param.name; });

TEST(RequestParser, AProperRequestIsTakenApart) {
  RequestParser parser((RequestLimits()));
  const std::string in =
      "\r\nPOST /api/v1/search?query=a%20b&limit=5 HTTP/1.1\r\nHOST: localhost:9600\r\nAuthorization:Bearer x \r\n"
      "origin: http://localhost:9600\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nLast-Event-ID: "
      "7\r\nAccept: a/b\r\naccept: c/d\r\n"
      "X-Other: \xff\r\nConnection: keep-alive, Close\r\nContent-Length: 3\r\n\r\nabcGET / ";
  EXPECT_EQ(parser.feed(in), in.size() - 6);
  ASSERT_EQ(parser.state(), State::complete);
  const ApiRequest& request = parser.request();
  EXPECT_EQ(request.method, Method::post);
  EXPECT_EQ(request.path, "/api/v1/search");
  EXPECT_EQ(request.query, "query=a%20b&limit=5");
  EXPECT_EQ(request.host, "localhost:9600");
  EXPECT_EQ(request.authorization, "Bearer x");
  EXPECT_EQ(request.origin, "http://localhost:9600");
  EXPECT_EQ(request.fetch_site, "same-origin");
  EXPECT_EQ(request.last_event_id, "7");
  EXPECT_EQ(request.accept, "a/b,c/d");
  EXPECT_EQ(request.body, "abc");
  EXPECT_TRUE(request.close);
}

TEST(RequestParser, SplitAnywhereItIsTheSameRequest) {
  const std::string in = "POST /a?b HTTP/1.1\r\nHost: c\r\nContent-Length: 5\r\n\r\n12345";
  for (std::size_t cut = 0; cut <= in.size(); ++cut) {
    RequestParser parser((RequestLimits()));
    parser.feed(std::string_view(in).substr(0, cut));
    EXPECT_EQ(parser.started(), cut > 0);
    parser.feed(std::string_view(in).substr(cut));
    ASSERT_EQ(parser.state(), State::complete) << cut;
    EXPECT_EQ(parser.request().body, "12345");
  }
}

TEST(RequestParser, TheNextRequestStartsAfresh) {
  RequestParser parser((RequestLimits()));
  parser.feed("GET /a?b HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n");
  parser.reset();
  EXPECT_FALSE(parser.started());
  parser.feed("GET /d HTTP/1.1\r\nHost: e\r\n\r\n");
  ASSERT_EQ(parser.state(), State::complete);
  EXPECT_EQ(parser.request().path, "/d");
  EXPECT_EQ(parser.request().query, "");
  EXPECT_FALSE(parser.request().close);
}

}  // namespace
}  // namespace tapewatch

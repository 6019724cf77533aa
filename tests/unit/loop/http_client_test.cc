// SPDX-License-Identifier: Apache-2.0
#include "loop/http_client.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "fake/http_server.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;

class HttpClientTest : public testing::Test {
 protected:
  // Sends and waits for the reply.
  HttpReply exchange(HttpRequest request) {
    std::optional<HttpReply> got;
    client_->send(std::move(request), [&](HttpReply reply) { got = std::move(reply); });
    EXPECT_FALSE(got) << "the callback ran inside send()";
    EXPECT_TRUE(run_until(*loop_, [&] { return got.has_value(); }));
    return got.value_or(HttpReply{});
  }
  HttpRequest request(std::string_view body = "") {
    HttpRequest r;
    r.url = server_.url();
    r.body = body;
    return r;
  }

  SystemClock clock_;
  std::unique_ptr<Loop> loop_ = Loop::open(clock_).value();
  FakeHttpServer::Answer answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write(FakeHttpServer::reply(200, "{}"));
  };
  FakeHttpServer server_{*loop_, [this](const FakeHttpServer::Request& r, FakeHttpServer::Peer& p) { answer_(r, p); }};
  std::unique_ptr<HttpClient> client_ = HttpClient::open(*loop_, {}).value();
};

TEST_F(HttpClientTest, SendsMethodHeadersAndBodyAndReturnsWhatIsNeeded) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write(
        FakeHttpServer::reply(429, "slow down", "Retry-After: 7\r\nDATE:  Mon, 05 Jan 2026 00:00:00 GMT \r\n"));
  };
  const std::string body = "{\"create\":{}}\n";
  HttpRequest r = request(body);
  r.headers = {"Content-Type: application/x-ndjson", "Authorization: " + basic_authorization("elastic", "secret")};
  const HttpReply reply = exchange(std::move(r));
  EXPECT_FALSE(reply.error);
  EXPECT_EQ(reply.code, 429);
  EXPECT_EQ(reply.body, "slow down");
  EXPECT_EQ(reply.retry_after, "7");
  EXPECT_EQ(reply.date, "Mon, 05 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_GT(reply.elapsed.count(), 0);
  ASSERT_EQ(server_.requests.size(), 1U);
  const std::string& head = server_.requests[0].head;
  EXPECT_EQ(head.rfind("POST / HTTP/1.1\r\n", 0), 0U) << head;
  EXPECT_NE(head.find("Content-Type: application/x-ndjson\r\n"), std::string::npos);
  EXPECT_NE(head.find("Authorization: Basic ZWxhc3RpYzpzZWNyZXQ=\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Expect"), std::string::npos);
  EXPECT_EQ(server_.requests[0].body, body);
}

TEST_F(HttpClientTest, MethodsGoAsNamed) {
  for (const char* method : {"GET", "PUT", "DELETE", "HEAD"}) {
    HttpRequest r = request();
    r.method = method;
    if (r.method == "PUT") r.body = "{\"a\":1}";
    EXPECT_EQ(exchange(std::move(r)).code, 200);
    EXPECT_EQ(server_.requests.back().head.rfind(std::string(method) + " / ", 0), 0U) << method;
  }
  EXPECT_EQ(server_.requests[1].body, "{\"a\":1}");
}

TEST_F(HttpClientTest, AConnectionIsKept) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(exchange(request("x")).code, 200);
  EXPECT_EQ(server_.connections, 1U);
}

TEST_F(HttpClientTest, ALargeBodyArrivesWhole) {
  std::string body(9'000'001, 'a');
  for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
  EXPECT_EQ(exchange(request(body)).code, 200);
  EXPECT_TRUE(server_.requests[0].body == body);
}

TEST_F(HttpClientTest, RequestsRunSideBySide) {
  std::vector<FakeHttpServer::Peer*> waiting;
  answer_ = [&](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) { waiting.push_back(&peer); };
  int done = 0;
  for (int i = 0; i < 3; ++i) client_->send(request("x"), [&](HttpReply) { ++done; });
  ASSERT_TRUE(run_until(*loop_, [&] { return waiting.size() == 3; }));
  for (FakeHttpServer::Peer* peer : waiting) peer->connection->write(FakeHttpServer::reply(200, ""));
  EXPECT_TRUE(run_until(*loop_, [&] { return done == 3; }));
}

TEST_F(HttpClientTest, AReplyThatIsTooLargeIsCutOff) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write("HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 20, 'x'));  // no length: until it closes
  };
  HttpRequest r = request("x");
  r.reply_bytes_max = 1000;
  const HttpReply reply = exchange(std::move(r));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, Code::limit);
}

TEST_F(HttpClientTest, EndlessHeadersAreCutOff) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    std::string bytes = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 5000; ++i) bytes += "X-Fill: " + std::string(60, 'x') + "\r\n";
    peer.connection->write(bytes);
  };
  ASSERT_TRUE(exchange(request("x")).error);
}

TEST_F(HttpClientTest, ASlowReplyTimesOut) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write("HTTP/1.1 200 OK\r\nContent-Le");
  };
  HttpRequest r = request("x");
  r.total_timeout = milliseconds(50);
  const HttpReply reply = exchange(std::move(r));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, Code::timeout);
}

TEST_F(HttpClientTest, AResetMidBodyIsANetworkError) {
  server_.on_bytes = [](FakeHttpServer::Peer& peer) {
    if (peer.bytes.size() > 100'000) peer.connection.reset();
  };
  const std::string body(8 << 20, 'x');
  const HttpReply reply = exchange(request(body));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, Code::network);
}

TEST_F(HttpClientTest, ACloseAfterTheBodyBeforeTheReplyIsANetworkError) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) { peer.connection.reset(); };
  const HttpReply reply = exchange(request("x"));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, Code::network);
}

TEST_F(HttpClientTest, AnAnswerInTheMiddleOfTheBodyIsTaken) {
  bool answered = false;
  server_.on_bytes = [&](FakeHttpServer::Peer& peer) {
    if (std::exchange(answered, true)) return;
    peer.connection->write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  const std::string body(32 << 20, 'x');
  EXPECT_EQ(exchange(request(body)).code, 413);
}

TEST_F(HttpClientTest, ATruncatedReplyIsAnError) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"took\"");
    peer.connection->shut_down();
  };
  EXPECT_TRUE(exchange(request("x")).error);
}

TEST_F(HttpClientTest, ARedirectIsNotFollowed) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write(FakeHttpServer::reply(302, "", "Location: http://127.0.0.1:1/\r\n"));
  };
  EXPECT_EQ(exchange(request("x")).code, 302);
  EXPECT_EQ(server_.requests.size(), 1U);
}

TEST_F(HttpClientTest, WhatCannotBeSentIsToldLater) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "http://127.0.0.1\r\nX: y/", "http://[::1", ""}) {
    HttpRequest r;
    r.url = url;
    EXPECT_TRUE(exchange(std::move(r)).error) << url;
  }
  HttpRequest r = request("x");
  r.headers = {"X: a\r\nY: b"};
  EXPECT_TRUE(exchange(std::move(r)).error);
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(HttpClientTest, ACancelledRequestNeverCallsBack) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer&) {};
  bool called = false;
  const HttpId id = client_->send(request("x"), [&](HttpReply) { called = true; });
  ASSERT_TRUE(run_until(*loop_, [&] { return server_.requests.size() == 1; }));
  client_->cancel(id);
  client_->cancel(id);
  EXPECT_EQ(client_->in_flight(), 0U);
  EXPECT_EQ(exchange([&] {
              answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
                peer.connection->write(FakeHttpServer::reply(200, ""));
              };
              return request("y");
            }())
                .code,
            200);
  EXPECT_FALSE(called);
}

TEST_F(HttpClientTest, TheClientMayEndInACallbackWithRequestsUnderWay) {
  bool called = false;
  client_->send(request("x"), [&](HttpReply) {
    called = true;
    client_.reset();
  });
  client_->send(request("y"), [](HttpReply) { FAIL(); });
  HttpRequest bad;
  bad.url = "http://127.0.0.1:1/";
  client_->send(std::move(bad), [](HttpReply) {});
  EXPECT_TRUE(run_until(*loop_, [&] { return called; }));
}

TEST_F(HttpClientTest, RefusedConnections) {
  HttpRequest r;
  r.url = "http://127.0.0.1:1/";
  const HttpReply reply = exchange(std::move(r));
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->code, Code::network);
  EXPECT_NE(reply.error->message, "");
}

TEST(BasicAuthorization, Base64) {
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(basic_authorization("a", "b"), "Basic YTpi");
  EXPECT_EQ(basic_authorization("a", "\xff\xfe"), "Basic YTr//g==");
}

}  // namespace
}  // namespace tapewatch

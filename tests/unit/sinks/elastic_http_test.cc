// SPDX-License-Identifier: Apache-2.0
// The Elasticsearch sink over real sockets, against a loopback server that misbehaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fake/bulk.h"
#include "fake/http_server.h"
#include "fake/log.h"
#include "sinks/elastic_sink.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;

class ElasticHttpTest : public testing::Test {
 protected:
  void make() {
    options_.hosts = {server_.url("")};
    options_.index = "logs-x";
    options_.backoff.init = std::chrono::milliseconds(1);
    options_.backoff.max = std::chrono::milliseconds(5);
    ElasticHooks hooks;
    hooks.acked = [this](const Delivered& delivered) { acked_.push_back(delivered.number); };
    hooks.dead_letter = [](const RefusedDocument&, const std::function<void(Status)>& done) { done(success()); };
    sink_ = std::make_unique<ElasticSink>(options_, std::move(hooks), *loop_, clock_, *client_, log_);
  }
  // Misbehaves on the first request, then answers as it should.
  void expect_recovery(FakeHttpServer::Answer first, std::size_t document_bytes = 10) {
    answer_ = [this, first = std::move(first)](const FakeHttpServer::Request& request, FakeHttpServer::Peer& peer) {
      if (server_.requests.size() == 1) return first(request, peer);
      peer.connection->write(FakeHttpServer::reply(200, fake_reply(request.body)));
    };
    make();
    sink_->accept(fake_batch(1, 3, document_bytes));
    EXPECT_TRUE(run_until(*loop_, [this] { return !acked_.empty(); }));
    EXPECT_THAT(acked_, ElementsAre(1));
    EXPECT_EQ(server_.requests.back().body, fake_batch(1, 3, document_bytes).body);
    EXPECT_EQ(sink_->stats().items_created, 3U);
  }

  SystemClock clock_;
  std::unique_ptr<Loop> loop_ = Loop::open(clock_).value();
  FakeHttpServer::Answer answer_;
  FakeHttpServer server_{*loop_, [this](const FakeHttpServer::Request& r, FakeHttpServer::Peer& p) { answer_(r, p); }};
  std::unique_ptr<HttpClient> client_ = HttpClient::open(*loop_, {}).value();
  CapturedLog log_;
  ElasticOptions options_;
  std::vector<std::uint64_t> acked_;
  std::unique_ptr<ElasticSink> sink_;
};

TEST_F(ElasticHttpTest, ConnectionClosedAfterTheBodyBeforeTheReply) {
  expect_recovery([](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) { peer.connection.reset(); });
}

TEST_F(ElasticHttpTest, ConnectionClosedInTheMiddleOfTheReply) {
  expect_recovery([](const FakeHttpServer::Request& request, FakeHttpServer::Peer& peer) {
    const std::string whole = FakeHttpServer::reply(200, fake_reply(request.body));
    peer.connection->write(whole.substr(0, whole.size() - 20));
    peer.connection->shut_down();
  });
}

TEST_F(ElasticHttpTest, ConnectionResetInTheMiddleOfTheBody) {
  bool reset = false;
  server_.on_bytes = [&](FakeHttpServer::Peer& peer) {
    if (peer.bytes.size() > 300'000 && !std::exchange(reset, true)) peer.connection.reset();
  };
  answer_ = [](const FakeHttpServer::Request& request, FakeHttpServer::Peer& peer) {
    peer.connection->write(FakeHttpServer::reply(200, fake_reply(request.body)));
  };
  make();
  sink_->accept(fake_batch(1, 3, 2'000'000));
  EXPECT_TRUE(run_until(*loop_, [this] { return !acked_.empty(); }));
  EXPECT_TRUE(reset);
  ASSERT_EQ(server_.requests.size(), 1U);
  EXPECT_TRUE(server_.requests[0].body == fake_batch(1, 3, 2'000'000).body);
}

TEST_F(ElasticHttpTest, AReplyThatNeverComesTimesOut) {
  options_.request_timeout = std::chrono::milliseconds(50);
  expect_recovery([](const FakeHttpServer::Request&, FakeHttpServer::Peer& peer) {
    peer.connection->write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  });
}

TEST_F(ElasticHttpTest, AnEndlessReplyIsCutOff) {
  options_.reply_bytes_base = 10'000;
  answer_ = [this](const FakeHttpServer::Request& request, FakeHttpServer::Peer& peer) {
    if (server_.requests.size() == 1) {
      peer.connection->write("HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 20, ' '));
    } else {
      peer.connection->write(FakeHttpServer::reply(200, fake_reply(request.body)));
    }
  };
  make();
  sink_->accept(fake_batch(1, 4));
  EXPECT_TRUE(run_until(*loop_, [this] { return !acked_.empty(); }));
  EXPECT_EQ(server_.requests.size(), 3U) << "in halves the second time";
  EXPECT_EQ(sink_->stats().items_created, 4U);
}

TEST_F(ElasticHttpTest, DestroyedWithRequestsUnderWay) {
  answer_ = [](const FakeHttpServer::Request&, FakeHttpServer::Peer&) {};
  make();
  sink_->accept(fake_batch(1, 3, 1'000'000));
  loop_->poll();
  sink_.reset();
  EXPECT_EQ(client_->in_flight(), 0U);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// What stands behind the pipeline, on a real loop: who acknowledges what, and what the shutdown waits for.
#include "delivery.h"

#include <gmock/gmock.h>

#include "fake/bulk.h"
#include "fake/folder.h"
#include "fake/http_server.h"
#include "fake/log.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class DeliveryTest : public testing::Test {
 protected:
  void open(bool elastic, bool store) {
    if (elastic) {
      config_.elastic.emplace().hosts = {server_.url("")};
      config_.elastic->data_stream = "logs-test";
      config_.elastic->backoff_init = config_.elastic->backoff_max = milliseconds(1);
    }
    config_.state_dir = folder_.path();
    config_.store.enabled = store;
    config_.store.path = folder_.path("store");
    config_.store.flush_interval = milliseconds(1);
    auto opened = Delivery::open(config_, *loop_, clock_, log_, metrics_, [this](std::size_t sink, const Delivered& d) {
      for (const Span& span : d.spans) acked_.emplace_back(sink, span.end);
    });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    delivery_ = std::move(*opened);
  }
  static StoreBatch store_batch(std::uint64_t end) {
    StoreBatch batch;
    batch.documents.add({.time_ns = 1, .file = 1, .offset = end - 1}, R"({"message":"m"})");
    batch.documents.sources.push_back({1, end});
    batch.spans.push_back({1, end - 100, end});
    return batch;
  }
  // Whether everything was resolved; nullopt when drain() never called back.
  std::optional<bool> drain(std::chrono::nanoseconds limit) {
    std::optional<bool> answer;
    delivery_->drain(clock_.steady_ns() + limit.count(), [&](bool all) { answer = all; });
    run_until(*loop_, [&] { return answer.has_value(); });
    return answer;
  }

  TemporaryFolder folder_;
  SystemClock clock_;
  CapturedLog log_;
  AgentMetrics metrics_{"test"};
  std::unique_ptr<Loop> loop_ = Loop::open(clock_).value();
  std::function<std::string(const FakeHttpServer::Request&)> answer_ = [](const FakeHttpServer::Request& request) {
    return FakeHttpServer::reply(200, fake_reply(request.body));
  };
  FakeHttpServer server_{*loop_, [this](const FakeHttpServer::Request& request, FakeHttpServer::Peer& peer) {
                           if (const std::string text = answer_(request); !text.empty()) peer.connection->write(text);
                         }};
  Config config_;
  std::vector<std::pair<std::size_t, std::uint64_t>> acked_;  // sink, end of the span
  std::unique_ptr<Delivery> delivery_;
};

TEST_F(DeliveryTest, SinksAreNumberedByTheConfiguration) {
  EXPECT_EQ(Delivery::sinks(config_), 0u);
  open(true, true);
  EXPECT_EQ(Delivery::sinks(config_), 2u);
  delivery_->accept(fake_batch(1, 3));
  delivery_->accept(store_batch(300));
  EXPECT_EQ(drain(std::chrono::seconds(5)), true);
  EXPECT_THAT(acked_, testing::UnorderedElementsAre(Pair(0u, 200u), Pair(1u, 300u)));
  delivery_->update_metrics();
  EXPECT_EQ(metrics_.output_items.with({"elasticsearch", "created"}).value(), 3u);
  EXPECT_EQ(metrics_.output_items.with({"store", "created"}).value(), 1u);
}

TEST_F(DeliveryTest, TheStoreAloneIsSinkZero) {
  open(false, true);
  delivery_->accept(store_batch(200));
  EXPECT_EQ(drain(std::chrono::seconds(5)), true);
  EXPECT_THAT(acked_, ElementsAre(Pair(0u, 200u)));
}

TEST_F(DeliveryTest, WithoutOutputsTheDrainEndsAtOnce) {
  open(false, false);
  EXPECT_EQ(drain({}), true);
}

TEST_F(DeliveryTest, WhatWasNotAnsweredIsNotAcknowledged) {
  answer_ = [](const FakeHttpServer::Request&) { return ""; };
  open(true, true);
  delivery_->accept(fake_batch(1, 3));
  delivery_->accept(store_batch(300));
  EXPECT_EQ(drain(std::chrono::milliseconds(50)), false);
  EXPECT_THAT(acked_, ElementsAre(Pair(1u, 300u))) << "the store's share is done all the same";
}

TEST_F(DeliveryTest, ARefusedDocumentIsADeadLetterBeforeItIsAcknowledged) {
  answer_ = [](const FakeHttpServer::Request& request) {
    return FakeHttpServer::reply(200, fake_reply(request.body, {{201, ""}, {400, "mapper_parsing_exception"}}));
  };
  open(true, false);
  delivery_->accept(fake_batch(1, 3));
  EXPECT_EQ(drain(std::chrono::seconds(5)), true);
  EXPECT_THAT(acked_, ElementsAre(Pair(0u, 200u)));
  delivery_->update_metrics();
  EXPECT_EQ(metrics_.output_items.with({"elasticsearch", "dead_lettered"}).value(), 1u);
  EXPECT_EQ(metrics_.output_items.with({"elasticsearch", "created"}).value(), 2u);
}

TEST_F(DeliveryTest, ARefusalOfTheCredentialsIsToldAsTheReason) {
  answer_ = [](const FakeHttpServer::Request&) { return FakeHttpServer::reply(401, "{}"); };
  open(true, false);
  std::string reason;
  EXPECT_TRUE(delivery_->healthy(reason));
  delivery_->accept(fake_batch(1, 1));
  EXPECT_TRUE(run_until(*loop_, [&] { return !delivery_->healthy(reason); }));
  EXPECT_EQ(reason, "elasticsearch refuses the credentials");
  EXPECT_THAT(acked_, IsEmpty());
}

}  // namespace
}  // namespace tapewatch

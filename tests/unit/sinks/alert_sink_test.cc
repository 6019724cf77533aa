// SPDX-License-Identifier: Apache-2.0
#include "sinks/alert_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fake/folder.h"
#include "fake/http_poster.h"
#include "fake/log.h"
#include "fake/scheduler.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

class AlertSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.url = "https://hooks.example/x";
    make();
  }
  void make() {
    sink_ = std::make_unique<AlertSink>(options_, time_, time_, poster_, log_, [] { return 0.5; });
  }
  void deliver(const std::string& rule) {
    Alert alert;
    alert.rule_id = rule;
    alert.title = rule;
    alert.id = alert_id(rule, {}, 1);
    sink_->deliver(alert);
  }

  AlertSinkOptions options_;
  FakeScheduler time_;
  FakePoster poster_;
  CapturedLog log_;
  std::unique_ptr<AlertSink> sink_;
};

TEST_F(AlertSinkTest, AlertsArePostedOneByOneInOrder) {
  deliver("one");
  deliver("two");
  ASSERT_EQ(poster_.pending(), 1U);
  EXPECT_EQ(poster_.at().request.url, options_.url);
  EXPECT_THAT(poster_.at().body, HasSubstr("one"));
  EXPECT_THAT(poster_.at().request.headers, Contains("X-Tapewatch-Alert-Id: " + to_hex(alert_id("one", {}, 1))));
  poster_.answer(204, "");
  EXPECT_THAT(poster_.at().body, HasSubstr("two"));
  poster_.answer(200, "");
  EXPECT_EQ(sink_->stats().delivered, 2U);
  EXPECT_EQ(sink_->stats().queued_bytes, 0U);
}

TEST_F(AlertSinkTest, TroubleIsRetriedAndRefusalIsNot) {
  deliver("one");
  for (const int code : {429, 500, 503, 408}) {
    poster_.answer(code, "");
    EXPECT_EQ(poster_.pending(), 0U);
    time_.advance(seconds(30));
    ASSERT_EQ(poster_.pending(), 1U) << code;
  }
  poster_.fail(Code::network, "refused");
  time_.advance(seconds(30));
  poster_.answer(404, "");
  EXPECT_EQ(sink_->stats().retried, 5U);
  EXPECT_EQ(sink_->stats().rejected, 1U);
  EXPECT_EQ(sink_->stats().queued, 0U);
}

TEST_F(AlertSinkTest, RetryAfterIsObeyed) {
  deliver("one");
  HttpReply reply;
  reply.code = 429;
  reply.retry_after = "20";
  poster_.answer(std::move(reply));
  time_.advance(milliseconds(19'999));
  deliver("two");
  EXPECT_EQ(poster_.pending(), 0U);
  time_.advance(milliseconds(1));
  EXPECT_THAT(poster_.at().body, HasSubstr("one"));
}

TEST_F(AlertSinkTest, SignsTimeAndBody) {
  options_.hmac_key = "key";
  make();
  deliver("one");
  const std::string time = std::to_string(time_.wall_ns() / ns_per_second);
  const auto mac = hmac_sha256("key", time + "." + poster_.at().body);
  std::string want = "X-Tapewatch-Signature: t=" + time + ",v1=";
  char digits[3];
  for (const std::uint8_t byte : mac) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    want += digits;
  }
  EXPECT_THAT(poster_.at().request.headers, Contains(want));
}

TEST_F(AlertSinkTest, AFullQueueDropsTheOldestThatWaits) {
  options_.queue_count_max = 3;
  make();
  for (const char* rule : {"a1", "a2", "a3", "a4", "a5"}) deliver(rule);
  EXPECT_EQ(sink_->stats().dropped, 2U);
  for (const char* rule : {"a1", "a4", "a5"}) {
    EXPECT_THAT(poster_.at().body, HasSubstr(rule));
    poster_.answer(200, "");
  }
  EXPECT_EQ(poster_.pending(), 0U);
}

TEST_F(AlertSinkTest, TheQueueIsBoundedByBytesToo) {
  deliver("x");
  options_.queue_bytes_max = poster_.at().body.size() * 2 + 10;
  make();
  deliver("a");
  deliver("b");
  deliver("c");
  EXPECT_EQ(sink_->stats().dropped, 1U);
  EXPECT_LE(sink_->stats().queued_bytes, options_.queue_bytes_max);
  deliver(std::string(10'000, 'x'));
  EXPECT_EQ(sink_->stats().dropped, 2U);
  EXPECT_EQ(sink_->stats().queued, 2U);
}

TEST_F(AlertSinkTest, DrainWaitsForTheQueueOrItsDeadline) {
  deliver("one");
  int all = -1;
  sink_->drain(time_.steady_ns() + ns_per_second, [&](bool delivered) { all = delivered ? 1 : 0; });
  poster_.answer(200, "");
  time_.settle();
  EXPECT_EQ(all, 1);
  make();
  deliver("two");
  sink_->drain(time_.steady_ns() + ns_per_second, [&](bool delivered) { all = delivered ? 1 : 0; });
  time_.advance(seconds(1));
  EXPECT_EQ(all, 0);
  EXPECT_EQ(poster_.pending(), 0U);
  EXPECT_EQ(time_.timers(), 0U);
}

TEST_F(AlertSinkTest, WhatWasTakenIsNotToldAgainByTheNextLife) {
  const TemporaryFolder folder;
  options_.taken_file = folder.path("webhook.taken");
  make();
  deliver("one");
  deliver("two");
  poster_.answer(200, "");
  ASSERT_EQ(sink_->waiting().size(), 1u);
  const AlertMessage two = sink_->waiting().front();
  sink_.reset();
  make();
  sink_->deliver(two);  // as it was kept
  deliver("one");
  deliver("three");
  EXPECT_EQ(sink_->stats().known, 1u);
  for (const char* rule : {"two", "three"}) {
    ASSERT_EQ(poster_.pending(), 1u);
    EXPECT_THAT(poster_.at().body, HasSubstr(rule));
    poster_.answer(200, "");
  }
  deliver("three");
  EXPECT_EQ(poster_.pending(), 1u) << "in one life the same alert may well be told again";
}

TEST_F(AlertSinkTest, WhatWasTakenIsReadAsFarAsItIsWhole) {
  const TemporaryFolder folder;
  options_.taken_file = folder.path("webhook.taken");
  options_.taken_max = 2;
  const std::string id = to_hex(alert_id("one", {}, 1));
  const std::string older(32, 'a');
  folder.write("webhook.taken", older + "\nnonsense\n" + std::string(32, 'b') + "\n" + id + "\n" + id.substr(0, 7));
  make();
  deliver("one");
  EXPECT_EQ(sink_->stats().known, 1u);
  sink_->deliver(AlertMessage{older, "{}"});
  EXPECT_EQ(sink_->stats().known, 1u) << "only the newest are kept";
  for (int i = 0; i < 6; ++i) {
    deliver("x" + std::to_string(i));
    while (poster_.pending() > 0) poster_.answer(200, "");
  }
  EXPECT_LE(std::filesystem::file_size(options_.taken_file), 33u * 5);
}

}  // namespace
}  // namespace tapewatch

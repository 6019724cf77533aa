// SPDX-License-Identifier: Apache-2.0
#include "sinks/alertmanager_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/timestamp.h"
#include "fake/folder.h"
#include "fake/http_poster.h"
#include "fake/log.h"
#include "fake/scheduler.h"

namespace tapewatch {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class AlertmanagerSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.urls = {"http://one:9093/"};
    options_.service = "orders";
    options_.instance = "host-1";
    time_.advance(seconds(1));
    make();
  }
  void make() {
    sink_.reset();
    sink_ = std::make_unique<AlertmanagerSink>(options_, time_, time_, poster_, log_, [] { return 1.0; });
  }
  Alert alert(const std::string& user, AlertState state = AlertState::firing, const std::string& rule = "r1") const {
    Alert alert;
    alert.rule_id = rule;
    alert.title = "Too many";
    alert.level = "high";
    alert.group = {{"user.id", user}};
    alert.labels = {{"desk", "tokyo"}, {"severity", "mine"}};
    alert.correlation_id = "ORD-1";
    alert.started_ns = time_.wall_ns() - 10 * ns_per_second;
    alert.time_ns = time_.wall_ns();
    alert.state = state;
    alert.id = alert_id(rule, alert.group, 1);
    return alert;
  }
  std::string later(std::chrono::nanoseconds duration) const {
    return format_rfc3339(time_.wall_ns() + duration.count());
  }
  static std::string ends(const std::string& time) { return "\"endsAt\":\"" + time + "\""; }

  AlertmanagerOptions options_;
  FakeScheduler time_;
  FakePoster poster_;
  CapturedLog log_;
  std::unique_ptr<AlertmanagerSink> sink_;
};

TEST_F(AlertmanagerSinkTest, TellsLabelsAnnotationsAndTimes) {
  const std::string starts = later(seconds(-10));
  sink_->deliver(alert("u1"));
  ASSERT_EQ(poster_.pending(), 1u);
  EXPECT_EQ(poster_.at().request.url, "http://one:9093/api/v2/alerts");
  const std::string& body = poster_.at().body;
  EXPECT_THAT(
      body, HasSubstr(R"([{"labels":{"alertname":"Too many","desk":"tokyo","instance":"host-1",)"
                      R"("rule_id":"r1","rule_severity":"mine","service":"orders","severity":"high","user_id":"u1"})"));
  EXPECT_THAT(body, HasSubstr(R"("correlation_id":"ORD-1")"));
  EXPECT_THAT(body, HasSubstr(R"x("summary":"Too many (user.id=u1)")x"));
  EXPECT_THAT(body, HasSubstr("\"startsAt\":\"" + starts + "\""));
  EXPECT_THAT(body, HasSubstr(ends(later(minutes(4)))));
  poster_.answer(200, "");
  EXPECT_EQ(sink_->stats().delivered, 1u);
  EXPECT_EQ(sink_->stats().firing, 1u);
}

TEST_F(AlertmanagerSinkTest, SendsAgainEveryMinuteAndTheEndForFive) {
  sink_->deliver(alert("u1"));
  poster_.answer(200, "");
  time_.advance(seconds(59));
  EXPECT_EQ(poster_.pending(), 0u);
  time_.advance(seconds(1));
  ASSERT_EQ(poster_.pending(), 1u);
  EXPECT_THAT(poster_.at().body, HasSubstr(ends(later(minutes(4)))));
  poster_.answer(200, "");
  const std::string end = later({});
  sink_->deliver(alert("u1", AlertState::resolved));
  int told = 0;
  for (int second = 0; second < 600; ++second) {
    while (poster_.pending() > 0) {
      EXPECT_THAT(poster_.at().body, HasSubstr(ends(end)));
      poster_.answer(200, "");
      ++told;
    }
    time_.advance(seconds(1));
  }
  EXPECT_EQ(told, 5);
  EXPECT_EQ(sink_->stats().held, 0u);
}

TEST_F(AlertmanagerSinkTest, AlertsWithTheSameLabelsLastUntilTheLastIsOver) {
  Alert first = alert("u1");
  Alert second = alert("u1");
  second.id = alert_id("r1", {}, 2);
  sink_->deliver(first);
  poster_.answer(200, "");
  sink_->deliver(second);
  poster_.answer(200, "");
  first.state = second.state = AlertState::resolved;
  sink_->deliver(first);
  EXPECT_EQ(sink_->stats().firing, 1u);
  sink_->deliver(second);
  EXPECT_EQ(sink_->stats().firing, 0u);
  EXPECT_EQ(poster_.pending(), 1u);
}

TEST_F(AlertmanagerSinkTest, AnOutageIsWaitedOutAndWhatEndedInItIsToldAsFiringFirst) {
  sink_->deliver(alert("u1"));
  poster_.fail(Code::network, "refused");
  sink_->deliver(alert("u1", AlertState::resolved));
  EXPECT_EQ(poster_.pending(), 0u) << "it waits";
  const std::string end = later({});
  time_.advance(seconds(60));
  ASSERT_EQ(poster_.pending(), 1u);
  EXPECT_THAT(poster_.at().body, Not(HasSubstr(ends(end))));
  poster_.answer(200, "");
  EXPECT_EQ(poster_.pending(), 0u);
  time_.advance(seconds(60));
  ASSERT_EQ(poster_.pending(), 1u);
  EXPECT_THAT(poster_.at().body, HasSubstr(ends(end)));
  EXPECT_EQ(sink_->stats().retried, 1u);
}

TEST_F(AlertmanagerSinkTest, EachIsToldByItself) {
  options_.urls = {"http://one", "http://two"};
  make();
  sink_->deliver(alert("u1"));
  ASSERT_EQ(poster_.pending(), 2u);
  poster_.answer(200, "", 1);
  poster_.answer(503, "");
  time_.advance(seconds(2));
  ASSERT_EQ(poster_.pending(), 1u);
  EXPECT_EQ(poster_.at().request.url, "http://one/api/v2/alerts");
  poster_.answer(400, "");
  EXPECT_EQ(sink_->stats().rejected, 1u);
  EXPECT_EQ(poster_.pending(), 0u);
}

TEST_F(AlertmanagerSinkTest, WhatFiresSurvivesARestart) {
  TemporaryFolder folder;
  options_.state_file = folder.path("alertmanager.state");
  make();
  sink_->deliver(alert("u1"));
  poster_.fail(Code::network, "refused");
  time_.advance(seconds(1));
  make();
  EXPECT_EQ(sink_->stats().firing, 1u);
  time_.advance(seconds(1));
  ASSERT_EQ(poster_.pending(), 1u);
  EXPECT_THAT(poster_.at().body, HasSubstr("\"user_id\":\"u1\""));
  poster_.answer(200, "");
  sink_->deliver(alert("u1", AlertState::resolved));
  EXPECT_EQ(sink_->stats().firing, 0u) << "its end is told under the same identity";
}

TEST_F(AlertmanagerSinkTest, WhatNoRuleConfirmsEnds) {
  TemporaryFolder folder;
  options_.state_file = folder.path("alertmanager.state");
  make();
  sink_->deliver(alert("u1"));
  sink_->deliver(alert("u2"));
  time_.advance(seconds(1));
  make();
  sink_->deliver(alert("u2"));
  time_.advance(minutes(16));
  EXPECT_EQ(sink_->stats().unconfirmed, 1u);
  EXPECT_EQ(sink_->stats().firing, 1u);
}

TEST_F(AlertmanagerSinkTest, WhatTheRulesKnewIsConfirmedUnlessItEndedHere) {
  const TemporaryFolder folder;
  options_.state_file = folder.path("alertmanager.state");
  make();
  for (const char* user : {"u1", "u2"}) sink_->deliver(alert(user));
  sink_->deliver(alert("u2", AlertState::resolved));
  time_.advance(seconds(1));
  make();
  for (const char* user : {"u1", "u2", "u3"}) sink_->confirm(alert(user));
  EXPECT_EQ(sink_->stats().firing, 2u) << "u3 had not come to the file";
  time_.advance(minutes(16));
  EXPECT_EQ(sink_->stats().unconfirmed, 0u);
  EXPECT_EQ(sink_->stats().firing, 2u);
}

TEST_F(AlertmanagerSinkTest, ABrokenFileIsLeftOut) {
  TemporaryFolder folder;
  options_.state_file = folder.path("alertmanager.state");
  std::ofstream(options_.state_file) << "tapewatch alertmanager 1\nnonsense and more of it";
  make();
  EXPECT_EQ(sink_->stats().held, 0u);
}

TEST_F(AlertmanagerSinkTest, IsBounded) {
  options_.alerts_max = 2;
  make();
  for (const char* user : {"u1", "u2", "u3"}) sink_->deliver(alert(user));
  EXPECT_EQ(sink_->stats().firing, 2u);
  EXPECT_EQ(sink_->stats().dropped, 1u);
  sink_->deliver(alert("u1", AlertState::resolved));
  sink_->deliver(alert("u4"));
  EXPECT_EQ(sink_->stats().firing, 2u) << "what is over makes room";
}

TEST_F(AlertmanagerSinkTest, DrainTellsWhatIsNew) {
  sink_->deliver(alert("u1"));
  int all = -1;
  sink_->drain(time_.steady_ns() + 5 * ns_per_second, [&](bool delivered) { all = delivered ? 1 : 0; });
  EXPECT_EQ(all, -1);
  poster_.answer(200, "");
  time_.settle();
  EXPECT_EQ(all, 1);
}

}  // namespace
}  // namespace tapewatch

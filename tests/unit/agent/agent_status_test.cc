// SPDX-License-Identifier: Apache-2.0
#include "agent_status.h"

#include <gmock/gmock.h>

#include "detect/rule_loader.h"
#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class AgentStatusTest : public testing::Test {
 protected:
  AgentStatusTest() {
    config_.service.instance = "test-1";
    config_.limits.in_flight_bytes = 1000;
    rig_.start();
    status_ = std::make_unique<AgentStatus>(config_, rig_.clock, metrics_, rig_.clock.steady_ns());
  }
  std::shared_ptr<const StatusSnapshot> update() {
    status_->update(*rig_.tailer, *delivery_, true);
    return status_->board().current();
  }
  static Alert alert(const std::string& rule, int number) {
    Alert alert;
    alert.rule_id = rule;
    alert.level = "high";
    alert.time_ns = number;
    alert.id = alert_id(rule, {}, number);
    return alert;
  }

  TailRig rig_;
  Config config_;
  AgentMetrics metrics_{"test"};
  std::unique_ptr<Loop> loop_ = Loop::open(rig_.clock).value();
  std::unique_ptr<Delivery> delivery_ =
      Delivery::open(config_, *loop_, rig_.clock, rig_.log, metrics_, [](std::size_t, const Delivered&) {}).value();
  std::unique_ptr<AgentStatus> status_;
};

TEST_F(AgentStatusTest, TheSnapshotChangesOnceASecond) {
  const auto first = update();
  EXPECT_TRUE(first->ready);
  EXPECT_EQ(first->instance, "test-1");
  EXPECT_EQ(first->health, Health::healthy);
  rig_.clock.advance(std::chrono::milliseconds(999));
  EXPECT_EQ(update(), first);
  rig_.clock.advance(std::chrono::milliseconds(1));
  EXPECT_NE(update(), first);
}

TEST_F(AgentStatusTest, RateAndBufferFollowFromWhatWasRead) {
  static_cast<void>(update());
  rig_.append("a.log", "one\ntwo\n");
  rig_.scan();
  rig_.read();
  metrics_.input_events.with({"in"}).add(2);
  rig_.clock.advance(std::chrono::seconds(2));
  const auto snapshot = update();
  EXPECT_EQ(snapshot->events, 2u);
  EXPECT_DOUBLE_EQ(snapshot->events_per_second, 1.0);
  EXPECT_EQ(snapshot->last_event_ns, rig_.clock.wall_ns());
  EXPECT_EQ(snapshot->buffer_bytes, 8u) << "read and not acknowledged";
  EXPECT_EQ(snapshot->buffer_limit_bytes, 1000u);
  ASSERT_THAT(snapshot->inputs, SizeIs(1));
  EXPECT_EQ(snapshot->inputs[0].read_bytes, 8u);
  ASSERT_THAT(snapshot->files, SizeIs(1));
  EXPECT_EQ(snapshot->files[0].offset, 8u);
  EXPECT_EQ(snapshot->files[0].committed, 0u);
  EXPECT_EQ(metrics_.buffer_bytes.value(), 8.0);
}

TEST_F(AgentStatusTest, AnAlertShowsAtOnceUnderItsRule) {
  FieldTable fields;
  Diagnostics diagnostics;
  RuleLoader loader(fields, {}, diagnostics);
  loader.add_text("r.yaml",
                  "title: A\nid: a\ndetection: {s: {x: 1}, condition: s}\n---\n"
                  "title: B\nid: b\ndetection: {s: {x: 2}, condition: s}\n");
  const Detector detector(loader.finish(), {});
  status_->set_rules(detector);
  const auto before = update();
  status_->on_alert(alert("b", 1));
  status_->on_alert(alert("b", 2));
  const auto after = update();
  EXPECT_NE(after, before) << "without waiting for the second to pass";
  ASSERT_THAT(after->rules, SizeIs(2));
  EXPECT_EQ(after->rules[0].alerts, 0u);
  EXPECT_EQ(after->rules[1].alerts, 2u);
  EXPECT_EQ(after->rules[1].last_alert_ns, 2);
  ASSERT_THAT(after->alerts, SizeIs(2));
  EXPECT_EQ(after->alerts[0].time_ns, 2) << "newest first";
  EXPECT_EQ(after->alerts_fired, 2u);
}

TEST_F(AgentStatusTest, OnlyTheNewestAlertsAreKept) {
  for (int i = 1; i <= 250; ++i) status_->on_alert(alert("a", i));
  const auto snapshot = update();
  ASSERT_THAT(snapshot->alerts, SizeIs(200));
  EXPECT_EQ(snapshot->alerts.front().time_ns, 250);
  EXPECT_EQ(snapshot->alerts.back().time_ns, 51);
  EXPECT_EQ(snapshot->alerts_fired, 250u);
}

TEST_F(AgentStatusTest, ARefusedReloadDegrades) {
  status_->set_config_error("error[TW0101] bad");
  const auto snapshot = update();
  EXPECT_EQ(snapshot->health, Health::degraded);
  EXPECT_THAT(snapshot->reasons, ElementsAre(HasSubstr("reload")));
  EXPECT_EQ(snapshot->config_error, "error[TW0101] bad");
}

TEST_F(AgentStatusTest, LossesAreToldWhenThereAreNoneToo) {
  EXPECT_THAT(update()->losses, SizeIs(5));
  rig_.append("a.log", "one\n");
  rig_.scan();
  rig_.truncate("a.log");
  rig_.pass(std::chrono::seconds(2));
  rig_.clock.advance(std::chrono::seconds(2));
  const auto snapshot = update();
  EXPECT_EQ(snapshot->losses[0].name, "missed bytes");
  EXPECT_EQ(snapshot->losses[0].count, 4u);
  EXPECT_EQ(metrics_.input_missed_bytes.value(), 4u);
}

}  // namespace
}  // namespace tapewatch

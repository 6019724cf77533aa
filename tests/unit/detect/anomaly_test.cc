// SPDX-License-Identifier: Apache-2.0
// Anomalies: when each type fires, and what is refused.
#include <gmock/gmock.h>

#include <algorithm>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr std::int64_t second = 1'000'000'000;

class AnomalyTest : public RulesFixture {
 protected:
  // The rule "any" matches every event with e, "error" those with e: error.
  static std::string anomaly(const std::string& body) {
    return "title: any\nname: any\ndetection: {s: {e: '*'}, condition: s}\n---\n"
           "title: error\nname: error\ndetection: {s: {e: error}, condition: s}\n---\n"
           "title: x\nid: x\nanomaly: {" +
           body + "}\n";
  }
  bool fires(int time, const std::string& e, const std::string& more = "") {
    return !see(R"({"t":)" + std::to_string(time) + R"(,"e":")" + e + "\"" + more + "}").empty();
  }
};

TEST_F(AnomalyTest, SilenceNamesTheGroupThatFellSilent) {
  start(anomaly("type: silence, rules: [any], group-by: [host], window: 1m, min-events: 2"));
  for (int time = 0; time <= 90; time += 10) {
    EXPECT_FALSE(fires(time, "x", R"(,"host":"a")"));
    if (time <= 60) {
      EXPECT_FALSE(fires(time, "x", R"(,"host":"b")"));
    }
  }
  std::vector<Alert> alerts;
  detector_->advance(145 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(2));
  for (const Alert& alert : alerts) {
    EXPECT_EQ(alert.time_ns, (alert.group[0].second == "a" ? 140 : 110) * second);
  }
  detector_->advance(500 * second, alerts);
  EXPECT_THAT(alerts, SizeIs(2)) << "told once";
}

// Two events a second, in steps of 10 s.
TEST_F(AnomalyTest, AdaptiveFindsTheStepThatIsOutOfItsRange) {
  std::vector<double> values;
  detector_options_.window.on_step = [&](const Window::Step& step) { values.push_back(step.value); };
  start(anomaly("type: adaptive, rules: [any], group-by: [host], signal: {agg: count}, step: 10s, direction: up"));
  std::vector<Alert> alerts;
  const auto second_of = [&](int time, int events) {
    for (int i = 0; i < events; ++i) {
      for (Alert& alert : see(R"({"t":)" + std::to_string(time) + R"(,"e":"x","host":"a"})")) alerts.push_back(alert);
    }
  };
  for (int time = 0; time < 2000; ++time) second_of(time, 2 + (time / 10 % 7 == 0 ? 1 : 0));
  EXPECT_THAT(alerts, IsEmpty());
  for (int time = 2000; time < 2010; ++time) second_of(time, 20);
  for (int time = 2010; time < 2050; ++time) second_of(time, 2);
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].time_ns, 2010 * second);
  EXPECT_EQ(alerts[0].started_ns, 2000 * second);
  EXPECT_EQ(alerts[0].count, 200);
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("host", "a")));
  ASSERT_TRUE(alerts[0].measure);
  EXPECT_EQ(alerts[0].measure->value, 200);
  EXPECT_NEAR(alerts[0].measure->expected, 21, 2);
  EXPECT_LT(alerts[0].measure->upper, 200);
  ASSERT_GE(values.size(), 201);
  EXPECT_EQ(values[0], 30);
  EXPECT_EQ(values[1], 20);
}

TEST_F(AnomalyTest, AdaptiveCountsStepsWithoutEvents) {
  std::vector<double> values;
  detector_options_.window.on_step = [&](const Window::Step& step) { values.push_back(step.value); };
  start(anomaly("type: adaptive, rules: [any], signal: {agg: rate}, step: 10s, direction: down"));
  for (int time = 0; time < 1000; time += 2) EXPECT_FALSE(fires(time, "x"));
  std::vector<Alert> alerts;
  detector_->advance(1030 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(1)) << "the first of the three";
  EXPECT_EQ(alerts[0].time_ns, 1010 * second);
  EXPECT_THAT(values, testing::Each(testing::AnyOf(0.5, 0.0)));
  EXPECT_EQ(values.size(), 103);
  detector_->advance(1'000'000'000 * second, alerts);
  EXPECT_LE(values.size(), 1200) << "a long gap is not looked at step by step";
}

TEST_F(AnomalyTest, AdaptiveLeavesOutStepsWithTooFewSamples) {
  std::vector<std::int64_t> steps;
  detector_options_.window.on_step = [&](const Window::Step& step) { steps.push_back(step.begin_ns / second); };
  start(anomaly("type: adaptive, rules: [any], signal: {agg: p50, field: n}, step: 10s, min-samples: 3"));
  for (const int time : {0, 1, 2, 11, 12, 21, 22, 23, 24}) (void)fires(time, "x", R"(,"n":4)");
  EXPECT_FALSE(fires(5, "x", R"(,"n":4)")) << "late, and its step is open";
  std::vector<Alert> alerts;
  detector_->advance(100 * second, alerts);
  EXPECT_THAT(steps, ElementsAre(0, 20));
  EXPECT_FALSE(fires(15, "x", R"(,"n":4)"));
  EXPECT_EQ(detector_->counters().late_events, 1);
}

TEST_F(AnomalyTest, AdaptiveWarmsUp) {
  start(anomaly("type: adaptive, rules: [any], signal: {agg: avg, field: n}, step: 1s, warm-up: 1h"));
  for (int time = 0; time < 500; ++time) EXPECT_FALSE(fires(time, "x", time == 400 ? R"(,"n":99)" : R"(,"n":4)"));
}

TEST_F(AnomalyTest, ThresholdOfASignal) {
  start(
      anomaly("type: threshold, rules: [any], signal: {agg: max, field: n}, step: 10s, condition: {gt: 5}, "
              "min-samples: 3"));
  EXPECT_FALSE(fires(0, "x", R"(,"n":9)"));
  EXPECT_FALSE(fires(1, "x", R"(,"n":1)"));
  EXPECT_TRUE(fires(2, "x", R"(,"n":1)")) << "the third sample";
  EXPECT_FALSE(fires(9, "x", R"(,"n":1)"));
  EXPECT_FALSE(fires(11, "x", R"(,"n":1)")) << "the high one has left";
  EXPECT_TRUE(fires(12, "x", R"(,"n":6)"));
}

TEST_F(AnomalyTest, ThresholdsOfOtherSignals) {
  start(anomaly("type: threshold, rules: [any], signal: {agg: count}, step: 10s, condition: {gte: 2}"));
  EXPECT_FALSE(fires(0, "x"));
  EXPECT_TRUE(fires(1, "x"));
  start(anomaly("type: threshold, rules: [any], signal: {agg: distinct, field: n}, step: 10s, condition: {gte: 2}"));
  EXPECT_FALSE(fires(0, "x", R"(,"n":1)"));
  EXPECT_FALSE(fires(1, "x", R"(,"n":1)"));
  EXPECT_TRUE(fires(2, "x", R"(,"n":2)"));
  start(anomaly("type: threshold, rules: [any], signal: {agg: p50, field: n}, step: 10s, condition: {lt: 3}"));
  EXPECT_FALSE(fires(0, "x", R"(,"n":4)"));
  EXPECT_FALSE(fires(1, "x", R"(,"n":2)")) << "3 is the middle";
  EXPECT_TRUE(fires(2, "x", R"(,"n":2)"));
}

TEST_F(AnomalyTest, RatioIsAShareOfEnoughEvents) {
  start(anomaly("type: ratio, rules: [error], of: [any], window: 100s, condition: {gt: 0.5}, min-samples: 4"));
  EXPECT_FALSE(fires(0, "error"));
  EXPECT_FALSE(fires(1, "error"));
  EXPECT_FALSE(fires(2, "ok"));
  EXPECT_FALSE(fires(3, "ok")) << "a half is not more";
  EXPECT_TRUE(fires(4, "error")) << "three of five";
}

TEST_F(AnomalyTest, SpikeComparesWithTheTimeBefore) {
  start(anomaly("type: spike, rules: [any], window: 10s, baseline: 100s, factor: 3, min-current: 4, min-baseline: 5"));
  for (int time = 0; time <= 100; time += 10) EXPECT_FALSE(fires(time, "x")) << time;
  EXPECT_FALSE(fires(105, "x"));
  EXPECT_FALSE(fires(106, "x"));
  EXPECT_TRUE(fires(107, "x")) << "four in ten seconds, where there was one";
  EXPECT_FALSE(fires(108, "x"));
}

TEST_F(AnomalyTest, SpikeWantsABaseline) {
  start(anomaly("type: spike, rules: [any], window: 10s, baseline: 100s, factor: 2, min-current: 2, min-baseline: 2"));
  for (int time = 0; time < 9; ++time) EXPECT_FALSE(fires(time, "x")) << "nothing was before";
}

TEST_F(AnomalyTest, SpikeOfAShareIsAboutTheShare) {
  start(
      anomaly("type: spike, rules: [error], of: [any], window: 10s, baseline: 100s, factor: 2, min-current: 4, "
              "min-baseline: 5"));
  // One in five is an error, ever more often.
  int time = 0;
  for (int i = 0; i < 60; ++i, time += i < 30 ? 4 : 1) EXPECT_FALSE(fires(time, i % 5 == 0 ? "error" : "x")) << time;
  int fired_at = 0;
  for (int i = 0; i < 10 && fired_at == 0; ++i) {
    if (fires(++time, i % 2 == 0 ? "error" : "x")) fired_at = i + 1;
  }
  EXPECT_GT(fired_at, 2) << "two in five are enough";
  EXPECT_LE(fired_at, 7);
}

TEST_F(AnomalyTest, SpikeOfAShareCountsLateEventsWhereTheyBelong) {
  const std::string spike =
      "type: spike, rules: [error], of: [any], window: 10s, baseline: 50s, factor: 1, min-current: 1";
  const std::vector<std::pair<int, const char*>> events = {{0, "x"},  {5, "error"}, {3, "error"}, {7, "x"},
                                                           {6, "x"},  {1, "error"}, {20, "x"},    {21, "error"},
                                                           {19, "x"}, {22, "x"}};
  auto ordered = events;
  std::sort(ordered.begin(), ordered.end());
  const auto value = [&](const auto& list) {
    start(anomaly(spike + ", min-baseline: 6"));
    for (const auto& [time, kind] : list) (void)fires(time, kind);
    const std::vector<Alert> alerts = see(R"({"t":23,"e":"error"})");
    return alerts.empty() ? 0 : alerts[0].value;
  };
  // 2 of 5 in the window, 3 of 6 before: 0.8, and with one more error 3 of 6.
  EXPECT_EQ(value(events), value(ordered));
  EXPECT_DOUBLE_EQ(value(events), 0);
  start(anomaly(spike + ", min-baseline: 6"));
  for (const auto& [time, kind] : events) (void)fires(time, kind);
  (void)fires(23, "error");
  const std::vector<Alert> alerts = see(R"({"t":24,"e":"error"})");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_DOUBLE_EQ(alerts[0].value, (3.0 / 6) / (3.0 / 6));
}

TEST_F(AnomalyTest, SilenceForgetsWhoIsGoneForGood) {
  detector_options_.tell_ends = true;
  start(anomaly("type: silence, rules: [any], group-by: [host], window: 1m, forget-after: 10m"));
  std::vector<Alert> alerts;
  EXPECT_FALSE(fires(0, "x", R"(,"host":"a")"));
  detector_->advance(100 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].time_ns, 60 * second);
  EXPECT_EQ(detector_->counters().groups, 1u);
  detector_->advance(600 * second, alerts);
  EXPECT_THAT(alerts, SizeIs(1));
  detector_->advance(601 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(2)) << "nobody waits for it any more";
  EXPECT_EQ(alerts[1].state, AlertState::resolved);
  EXPECT_EQ(alerts[1].time_ns, 600 * second);
  EXPECT_EQ(detector_->counters().groups, 0u);
  EXPECT_FALSE(fires(2000, "x", R"(,"host":"a")"));
  alerts.clear();
  detector_->advance(2100 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(1)) << "it came back, and is missed again";
  EXPECT_EQ(alerts[0].time_ns, 2060 * second);
}

TEST_F(AnomalyTest, SilenceForgetsBeforeItCountsWhoComesBack) {
  detector_options_.tell_ends = true;
  start(anomaly("type: silence, rules: [any], group-by: [host], window: 1m, forget-after: 10m"));
  EXPECT_FALSE(fires(0, "x", R"(,"host":"a")"));
  const std::vector<Alert> alerts = see(R"({"t":3000,"e":"x","host":"a"})");
  ASSERT_THAT(alerts, SizeIs(2));
  EXPECT_EQ(alerts[0].time_ns, 60 * second);
  EXPECT_EQ(alerts[1].time_ns, 600 * second) << "over when it was forgotten, not when it came back";
}

TEST_F(AnomalyTest, SilenceHasHoursOfItsOwn) {
  start(anomaly("type: silence, rules: [any], window: 1m, active: {hours: '01:00-02:00'}"));
  std::vector<Alert> alerts;
  EXPECT_FALSE(fires(0, "x"));
  detector_->advance(3600 * second, alerts);
  EXPECT_THAT(alerts, IsEmpty());
  detector_->advance(3700 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].time_ns, 3660 * second) << "a whole window of those hours was silent";
}

TEST_F(AnomalyTest, NewValueAfterLearning) {
  start(anomaly("type: new_value, rules: [any], fields: [user, ip], learn: 100s"));
  const auto seen = [this](int time, const std::string& user, const std::string& ip) {
    return see(R"({"t":)" + std::to_string(time) + R"(,"e":"x","user":")" + user + R"(","ip":")" + ip + "\"}");
  };
  EXPECT_THAT(seen(0, "u", "1"), IsEmpty());
  EXPECT_THAT(seen(50, "u", "2"), IsEmpty());
  EXPECT_THAT(seen(100, "u", "1"), IsEmpty());
  const auto alerts = seen(101, "u", "3");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("user", "u"), Pair("ip", "3")));
  EXPECT_THAT(seen(102, "u", "3"), IsEmpty());
  EXPECT_THAT(seen(150, "u", "2"), IsEmpty()) << "seen within the time";
  EXPECT_THAT(seen(202, "u", "1"), SizeIs(1)) << "forgotten, so new again";
}

TEST_F(AnomalyTest, ChangeOfAFieldOfAGroup) {
  start(anomaly("type: change, rules: [any], field: version, group-by: [host], within: 60s"));
  const auto seen = [this](int time, const std::string& host, int version) {
    return fires(time, "x", R"(,"host":")" + host + R"(","version":)" + std::to_string(version));
  };
  EXPECT_FALSE(seen(0, "a", 1));
  EXPECT_FALSE(seen(1, "b", 2));
  EXPECT_FALSE(seen(2, "a", 1));
  EXPECT_TRUE(seen(3, "a", 2));
  EXPECT_FALSE(seen(4, "a", 2));
  EXPECT_FALSE(seen(100, "a", 3)) << "not within the time";
  EXPECT_FALSE(seen(1, "a", 4)) << "late";
  EXPECT_EQ(detector_->counters().late_events, 1u);
}

TEST_F(AnomalyTest, WhatIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"rules: [any]", "an anomaly needs type"},
      {"type: silense, rules: [any], window: 1m", "unknown anomaly type \"silense\""},
      {"type: silence, rules: [any]", "an anomaly needs window"},
      {"type: silence, rules: [any], window: 1m, min-events: 0", "min-events must be 1 at least"},
      {"type: silence, rules: [any], window: 1m, forget-after: 30s", "forget-after is shorter than the window"},
      {"type: silence, rules: [any], window: 1m, forget-after: soon", "bad timespan \"soon\""},
      {"type: silence, rules: [any], window: 1m, active: always", "active must be a map"},
      {"type: spike, rules: [any], of: [], window: 1m, baseline: 1h, factor: 2", "of must name a rule"},
      {"type: spike, rules: [any], window: 1m, baseline: 1h, factor: 2, offset: 1d",
       "with an offset the time before is as long as the window"},
      {"type: silence, rules: [anyy], window: 1m", "no rule has the id or name \"anyy\""},
      {"type: threshold, rules: [any], signal: {agg: mode, field: n}, step: 1m, condition: {gt: 1}",
       "unknown agg \"mode\""},
      {"type: threshold, rules: [any], signal: n, step: 1m, condition: {gt: 1}", "a signal needs agg"},
      {"type: ratio, rules: [error], window: 1m, condition: {gt: 0.1}", "an anomaly needs of"},
      {"type: spike, rules: [any], window: 1m, baseline: long, factor: 2", "bad timespan \"long\""},
      {"type: spike, rules: [any], window: 1m, baseline: 1h, factor: twice", "\"twice\" is not a number"},
      {"type: spike, rules: [any], window: 1m, baseline: 1h, factor: 2, min-current: few",
       "min-current must be a count"},
      {"type: new_value, rules: [any], learn: 1d", "an anomaly needs fields"},
      {"type: adaptive, rules: [any], step: 1m", "an anomaly needs signal"},
      {"type: adaptive, rules: [any], signal: {agg: count}", "an anomaly needs step"},
      {"type: adaptive, rules: [any], signal: {agg: p99}, step: 1m", "agg p99 needs a field"},
      {"type: adaptive, rules: [any], signal: {agg: count}, step: 1m, direction: sideways",
       "unknown direction \"sideways\""},
      {"type: adaptive, rules: [any], signal: {agg: count}, step: 1m, sensitivity: 2",
       "sensitivity must be a probability between 0 and 1"},
      {"type: adaptive, rules: [any], signal: {agg: count}, step: 1m, season: daily", "bad timespan \"daily\""},
      {"type: adaptive, rules: [any], signal: {agg: count}, step: 1m, season: [1h, 1d, 1w]", "at most two seasons"},
      {"type: adaptive, rules: [any], signal: {agg: count}, step: 1m, warm-up: long", "bad timespan \"long\""},
      {"type: threshold, rules: [any], signal: {agg: rate}, step: 1m, condition: {gt: 1}", "unknown agg \"rate\""},
      {"type: change, rules: [any], field: a, within: soon", "bad timespan \"soon\""},
  };
  for (const auto& [body, message] : cases) {
    diagnostics_ = Diagnostics();
    EXPECT_THAT(load(anomaly(body)).correlations, IsEmpty()) << body;
    ASSERT_FALSE(diagnostics_.all().empty()) << body;
    EXPECT_EQ(diagnostics_.all()[0].message, message) << body;
  }
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Flows: what is expected of the steps of one thing.
#include "detect/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "detect/rule_explain.h"
#include "rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t second = 1'000'000'000;

constexpr const char* steps = R"(
title: submitted
name: order_submitted
id: s1
detection: {s: {e: submitted}, condition: s}
---
title: approved
name: approval_granted
id: s2
detection: {s: {e: approved}, condition: s}
---
title: executed
name: trade_executed
id: s3
detection: {s: {e: executed}, condition: s}
---
)";

std::string flow(const std::string& expect, const std::string& more = "timeout: 10m") {
  return std::string(steps) + R"(
title: Order flow
id: f
level: critical
flow:
  key: order.id
  steps: {submitted: order_submitted, approved: approval_granted, executed: trade_executed}
  expect: [)" +
         expect + "]\n  " + more + "\n";
}

class FlowTest : public RulesFixture {
 protected:
  FlowTest() { detector_options_.flows.flows_max = 100; }

  // A line of a step: "executed", 12, "o1".
  static std::string line(const std::string& step, int t, const std::string& order = "o1",
                          const std::string& user = "") {
    return "{\"t\":" + std::to_string(t) + ",\"e\":\"" + step + "\",\"order\":{\"id\":\"" + order + "\"}" +
           (user.empty() ? "" : ",\"user\":{\"id\":\"" + user + "\"}") + "}";
  }
  void put(const std::string& text) {
    document_ = text;
    for (const Alert& alert : see(text)) tell(alert);
  }
  void clock(int t) {
    std::vector<Alert> alerts;
    detector_->advance(t * second, alerts);
    for (const Alert& alert : alerts) tell(alert);
  }
  void tell(const Alert& alert) {
    alerts_.push_back(alert);
    std::string text = std::to_string(alert.time_ns / second);
    for (const auto& [name, value] : alert.group) text += " " + name + "=" + value;
    for (const auto& [name, value] : alert.annotations) text += (name == "finding" ? ": " + value : "");
    told_.push_back(text);
  }
  // What comes of lines "t step [user] [order]", and of the clock long after them.
  std::vector<std::string> run(const std::vector<std::string>& lines, int clock_at = 100'000) {
    told_.clear();
    for (const std::string& text : lines) {
      std::vector<std::string> words(1);
      for (const char c : text) c == ' ' ? (void)words.emplace_back() : words.back().push_back(c);
      words.resize(4);
      put(line(words[1], std::stoi(words[0]), words[3].empty() ? "o1" : words[3], words[2]));
    }
    if (clock_at > 0) clock(clock_at);
    return told_;
  }

  std::vector<Alert> alerts_;
  std::vector<std::string> told_;
};

struct Story {
  const char* name;
  const char* expect;
  std::vector<std::string> lines;
  std::vector<std::string> told;
};

class EveryExpectation : public FlowTest, public testing::WithParamInterface<Story> {};

const Story stories[] = {
    {"AfterInOrder", "{step: executed, after: approved}", {"1 submitted", "2 approved", "3 executed"}, {}},
    {"AfterMissing",
     "{step: executed, after: approved}",
     {"1 submitted", "3 executed"},
     {"3 order.id=o1: executed came without approved before it"}},
    {"AfterWrongOrder",
     "{step: executed, after: approved}",
     {"1 submitted", "3 executed", "4 approved"},
     {"3 order.id=o1: executed came without approved before it"}},
    {"AfterLateLine", "{step: executed, after: approved}", {"1 submitted", "5 executed", "4 approved"}, {}},
    {"AfterAtTheSameMoment", "{step: executed, after: approved}", {"1 submitted", "5 executed", "5 approved"}, {}},
    {"AfterOnlyOnce",
     "{step: executed, after: approved}",
     {"3 executed", "4 executed", "5 executed"},
     {"3 order.id=o1: executed came without approved before it"}},
    {"AfterOfAnotherKey",
     "{step: executed, after: approved}",
     {"1 approved  o2", "3 executed  o1"},
     {"3 order.id=o1: executed came without approved before it"}},
    {"AfterForgotten",
     "{step: executed, after: approved}",
     {"1 approved", "602 executed"},
     {"602 order.id=o1: executed came without approved before it"}},
    {"AfterAtTheEndOfTheTimeout", "{step: executed, after: approved}", {"1 approved", "601 executed"}, {}},
    {"TimeoutIsSinceTheLast",
     "{step: executed, after: approved}",
     {"1 approved", "500 executed", "1000 executed", "1500 executed"},
     {}},
    {"WithinInTime", "{step: executed, after: submitted, within: 30s}", {"1 submitted", "31 executed"}, {}},
    {"WithinLate",
     "{step: executed, after: submitted, within: 30s}",
     {"1 submitted", "32 executed"},
     {"31 order.id=o1: executed did not come within 30s of submitted"}},
    {"WithinNever",
     "{step: executed, after: submitted, within: 30s}",
     {"1 submitted"},
     {"31 order.id=o1: executed did not come within 30s of submitted"}},
    {"WithinBeforeIsNotAfter",
     "{step: executed, after: submitted, within: 30s}",
     {"1 executed", "2 submitted"},
     {"32 order.id=o1: executed did not come within 30s of submitted"}},
    {"WithinIsOfTheFirst",
     "{step: executed, after: submitted, within: 30s}",
     {"1 submitted", "20 executed", "25 submitted"},
     {}},
    {"WithinNothingToFollow", "{step: executed, after: submitted, within: 30s}", {"1 executed", "50 executed"}, {}},
    {"BeforeInOrder", "{step: approved, before: executed}", {"1 approved", "2 executed"}, {}},
    {"BeforeMissing",
     "{step: approved, before: executed}",
     {"2 executed"},
     {"2 order.id=o1: executed came without approved before it"}},
    {"BeforeStale",
     "{step: approved, before: executed, within: 1m}",
     {"1 approved", "62 executed"},
     {"62 order.id=o1: executed came without approved before it within 1m"}},
    {"BeforeFresh",
     "{step: approved, before: executed, within: 1m}",
     {"1 approved", "50 approved", "110 executed"},
     {}},
    {"AtMost", "{step: approved, at_most: 1}", {"1 approved", "2 executed"}, {}},
    {"AtMostRepeated",
     "{step: approved, at_most: 1}",
     {"1 approved", "7 approved", "9 approved"},
     {"7 order.id=o1: approved came more than 1 time"}},
    {"AtMostNone",
     "{step: approved, at_most: 0}",
     {"1 submitted", "7 approved"},
     {"7 order.id=o1: approved came more than 0 times"}},
    {"AtMostOfTwoFlows", "{step: approved, at_most: 1}", {"1 approved", "700 approved"}, {}},
    {"AtLeast",
     "{step: approved, at_least: 2}",
     {"1 submitted", "2 approved"},
     {"602 order.id=o1: approved came less than 2 times"}},
    {"AtLeastEnough", "{step: approved, at_least: 2}", {"1 submitted", "2 approved", "3 approved"}, {}},
    {"AtLeastWithin",
     "{step: approved, at_least: 2, within: 1m}",
     {"1 submitted", "2 approved", "62 approved"},
     {"61 order.id=o1: approved came less than 2 times within 1m"}},
    {"Differ", "{differ: [submitted.user.id, approved.user.id]}", {"1 submitted u1", "2 approved u2"}, {}},
    {"DifferNot",
     "{differ: [submitted.user.id, approved.user.id]}",
     {"1 submitted u1", "2 approved U1"},
     {"2 order.id=o1: submitted.user.id and approved.user.id are the same"}},
    {"DifferTheSecond",
     "{differ: [submitted.user.id, approved.user.id]}",
     {"1 submitted u1", "2 approved u2", "3 approved u1"},
     {"3 order.id=o1: submitted.user.id and approved.user.id are the same"}},
    {"DifferBackwards",
     "{differ: [submitted.user.id, approved.user.id]}",
     {"1 approved u1", "2 submitted u1"},
     {"2 order.id=o1: submitted.user.id and approved.user.id are the same"}},
    {"DifferOfOneStep", "{differ: [submitted.user.id, approved.user.id]}", {"1 submitted u1", "2 submitted u1"}, {}},
    {"DifferAbsent", "{differ: [submitted.user.id, approved.user.id]}", {"1 submitted", "2 approved"}, {}},
    {"DifferAmongThemselves",
     "{differ: [approved.user.id, approved.user.id]}",
     {"1 approved u1", "2 approved u2", "3 approved u1"},
     {"3 order.id=o1: approved.user.id and approved.user.id are the same"}},
    {"WhenSeen",
     "{step: executed, after: approved, when: submitted}",
     {"1 submitted", "2 executed"},
     {"2 order.id=o1: executed came without approved before it"}},
    {"WhenNotSeen", "{step: executed, after: approved, when: submitted}", {"2 executed", "3 executed"}, {}},
    {"WhenSeenLater",
     "{step: executed, after: approved, when: submitted}",
     {"2 executed", "3 submitted", "4 executed"},
     {"4 order.id=o1: executed came without approved before it"}},
    {"WithinWhen", "{step: executed, after: approved, within: 30s, when: submitted}", {"1 approved"}, {}},
    {"WithinWhenSeen",
     "{step: executed, after: approved, within: 30s, when: submitted}",
     {"1 approved", "9 submitted"},
     {"31 order.id=o1: executed did not come within 30s of approved"}},
    {"Several",
     "{step: executed, after: approved}, {step: executed, at_most: 1}",
     {"1 submitted", "2 executed", "3 executed"},
     {"2 order.id=o1: executed came without approved before it", "3 order.id=o1: executed came more than 1 time"}},
};

INSTANTIATE_TEST_SUITE_P(, EveryExpectation, testing::ValuesIn(stories),
                         [](const auto& story) { return story.param.name; });

TEST_P(EveryExpectation, IsToldOnceByTheClock) {
  start(flow(GetParam().expect));
  EXPECT_EQ(run(GetParam().lines), GetParam().told);
  EXPECT_EQ(detector_->counters().flows, 0u) << "what has ended is forgotten";
}

// The same whenever the clock looks, and whatever is between the lines.
TEST_P(EveryExpectation, IsToldTheSameHoweverOftenTheClockLooks) {
  start(flow(GetParam().expect));
  for (const std::string& text : GetParam().lines) {
    (void)run({text}, 0);
    const int now = std::stoi(text);
    for (int t = now - 32; t <= now - 30; ++t) clock(t);
  }
  told_.clear();
  for (const Alert& alert : std::exchange(alerts_, {})) tell(alert);
  for (int t = 0; t < 1500; t += 7) put(line("other", 2000 + t));
  clock(100'000);
  EXPECT_EQ(told_, GetParam().told);
}

// In any order of lines within the lateness.
TEST_P(EveryExpectation, IsToldTheSameInAnyOrderOfLines) {
  std::vector<std::string> lines = GetParam().lines;
  const auto time_of = [](const std::string& text) { return std::stoi(text); };
  const auto [first, last] =
      std::minmax_element(lines.begin(), lines.end(), [&](auto& a, auto& b) { return time_of(a) < time_of(b); });
  if (time_of(*last) - time_of(*first) > 30) return;
  std::sort(lines.begin(), lines.end());
  do {
    start(flow(GetParam().expect));
    EXPECT_EQ(run(lines), GetParam().told) << testing::PrintToString(lines);
  } while (std::next_permutation(lines.begin(), lines.end()));
}

TEST_P(EveryExpectation, IsToldTheSameAfterARestartAnywhere) {
  const auto& lines = GetParam().lines;
  for (std::size_t cut = 0; cut <= lines.size(); ++cut) {
    start(flow(GetParam().expect));
    std::vector<std::string> told = run({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(cut)}, 0);
    std::string bytes;
    (void)detector_->save(bytes);
    start(flow(GetParam().expect));
    ASSERT_TRUE(detector_->load(bytes).ok());
    std::string again;
    (void)detector_->save(again);
    EXPECT_TRUE(again == bytes);
    for (const std::string& text : run({lines.begin() + static_cast<std::ptrdiff_t>(cut), lines.end()}))
      told.push_back(text);
    EXPECT_EQ(told, GetParam().told) << "cut at " << cut;
  }
}

TEST_F(FlowTest, AnAlertNamesStepKeyAndLines) {
  start(
      flow("{step: executed, after: approved}") +
      "tapewatch: {runbook: call, labels: {desk: tokyo}, annotations: {what: \"{{ order.id }} by {{ user.id }}\"}}\n");
  (void)run({"1 submitted u1", "3 executed u2"}, 3 + 1);
  ASSERT_THAT(alerts_, SizeIs(1));
  const Alert& alert = alerts_.front();
  EXPECT_EQ(alert.rule_id, "f");
  EXPECT_EQ(alert.level, "critical");
  EXPECT_EQ(alert.started_ns, 1 * second);
  EXPECT_EQ(alert.time_ns, 3 * second);
  EXPECT_EQ(alert.count, 2u);
  EXPECT_EQ(alert.runbook, "call");
  using Pair = std::pair<std::string, std::string>;
  EXPECT_THAT(alert.group, ElementsAre(Pair("order.id", "o1")));
  EXPECT_THAT(alert.labels, ElementsAre(Pair("desk", "tokyo"), Pair("step", "executed"),
                                        Pair("expectation", "executed after approved")));
  EXPECT_THAT(alert.annotations, ElementsAre(Pair("what", "o1 by u2"), Pair("step", "executed"),
                                             Pair("finding", "executed came without approved before it")));
  EXPECT_THAT(alert.evidence, ElementsAre(line("submitted", 1, "o1", "u1"), line("executed", 3, "o1", "u2")));
}

TEST_F(FlowTest, EvidenceIsTheFirstLinesAndTheNewest) {
  start(flow("{step: approved, at_most: 3}") + "tapewatch: {evidence: 2}\n");
  (void)run({"1 submitted", "2 approved", "3 approved", "4 approved", "5 approved"});
  ASSERT_THAT(alerts_, SizeIs(1));
  EXPECT_THAT(alerts_[0].evidence, ElementsAre(line("submitted", 1), line("approved", 5)));
}

TEST_F(FlowTest, EventsWaitForTheLatenessOfTheFlow) {
  start(flow("{step: executed, after: approved}"));
  EXPECT_THAT(run({"3 executed", "33 other"}, 0), IsEmpty());
  EXPECT_THAT(run({"35 other"}, 0), SizeIs(1));
  start(flow("{step: executed, after: approved}", "timeout: 10m\n  lateness: 2s"));
  EXPECT_THAT(run({"3 executed", "5 other"}, 0), IsEmpty());
  EXPECT_THAT(run({"6 other"}, 0), SizeIs(1));
  start(flow("{step: executed, after: approved}", "lateness: 0s"));
  EXPECT_THAT(run({"3 executed", "4 other"}, 0), SizeIs(1));
  start(flow("{step: executed, after: approved}", "lateness: 5m"));
  EXPECT_THAT(run({"3 executed", "35 other"}, 0), SizeIs(1)) << "not more than that of all rules";
}

TEST_F(FlowTest, WhatIsTooLateIsCountedAndLeftOut) {
  start(flow("{step: executed, after: approved}"));
  EXPECT_THAT(run({"3 executed", "40 executed  o2", "2 approved"}), SizeIs(2));
  EXPECT_EQ(detector_->counters().late_events, 1u);
  EXPECT_EQ(detector_->counters().flows, 0u);
}

TEST_F(FlowTest, FlowsBeyondTheLimitPushOutTheQuietest) {
  detector_options_.flows.flows_max = 2;
  start(flow("{step: executed, after: submitted, within: 30s}"));
  const auto told = run({"1 submitted  o1", "2 submitted  o2", "3 approved  o1", "4 submitted  o3"});
  EXPECT_EQ(detector_->counters().flows_evicted, 1u);
  EXPECT_THAT(told, ElementsAre("31 order.id=o1: executed did not come within 30s of submitted",
                                "34 order.id=o3: executed did not come within 30s of submitted"));
}

TEST_F(FlowTest, EventsThatWaitAreBounded) {
  detector_options_.flows.events_max = 3;
  start(flow("{step: executed, at_most: 3}"));
  EXPECT_THAT(run({"1 executed", "2 executed", "3 executed", "4 executed"}), IsEmpty());
  EXPECT_EQ(detector_->counters().points_dropped, 1u);
}

TEST_F(FlowTest, EvidenceIsBounded) {
  detector_options_.flows.evidence_bytes_max = 150;
  start(flow("{step: executed, after: approved}"));
  (void)run({"1 submitted  o1", "2 submitted  o2", "3 submitted  o3", "4 executed  o1"});
  ASSERT_THAT(alerts_, SizeIs(1));
  EXPECT_THAT(alerts_[0].evidence, ElementsAre(line("executed", 4)));
  EXPECT_EQ(detector_->counters().evidence_dropped, 1u);
}

TEST_F(FlowTest, EventsWithoutKeyAreCounted) {
  start(flow("{step: executed, after: approved}"));
  put("{\"t\":1,\"e\":\"executed\"}");
  put("{\"t\":1,\"e\":\"executed\",\"order\":{\"id\":null}}");
  clock(10'000);
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(detector_->counters().events_without_group, 2u);
}

TEST_F(FlowTest, TheRulesOfStepsAreSilentUnlessGenerated) {
  start(flow("{step: executed, after: approved}"));
  EXPECT_THAT(run({"1 approved", "2 executed"}), IsEmpty());
  start(flow("{step: executed, after: approved}", "generate: true"));
  EXPECT_THAT(run({"1 approved", "2 executed"}), SizeIs(2));
}

TEST_F(FlowTest, RealertHoldsBackTheNextFlowOfTheKey) {
  start(flow("{step: executed, after: approved}", "timeout: 1m") + "tapewatch: {realert: 10m}\n");
  EXPECT_THAT(run({"1 executed", "2 executed  o2", "100 executed", "601 executed"}, 3000),
              ElementsAre(HasSubstr("1 order.id=o1"), HasSubstr("2 order.id=o2"), HasSubstr("601 order.id=o1")));
  EXPECT_EQ(detector_->counters().alerts_suppressed, 1u);
  EXPECT_EQ(detector_->counters().flows, 0u);
}

TEST_F(FlowTest, NothingIsToldOutsideItsHours) {
  start(flow("{step: executed, after: approved}") + "tapewatch: {active: {hours: '01:00-02:00'}}\n");
  EXPECT_THAT(run({"1 executed", "3600 executed  o2"}), ElementsAre(HasSubstr("o2")));
  EXPECT_EQ(detector_->counters().alerts_inactive, 1u);
}

TEST_F(FlowTest, AlertsEndByTheClock) {
  detector_options_.tell_ends = true;
  start(flow("{step: executed, after: approved}") + "tapewatch: {keep_firing_for: 1m}\n");
  (void)run({"1 executed"});
  clock(100'001);
  ASSERT_THAT(alerts_, SizeIs(2));
  EXPECT_EQ(alerts_[1].state, AlertState::resolved);
  EXPECT_EQ(alerts_[1].time_ns, 61 * second);
  EXPECT_EQ(alerts_[1].id, alerts_[0].id);
}

TEST_F(FlowTest, EveryExpectationIsAnAlertOfItsOwn) {
  start(flow("{step: executed, after: approved}, {step: executed, after: submitted}"));
  (void)run({"1 executed"});
  ASSERT_THAT(alerts_, SizeIs(2));
  EXPECT_NE(alerts_[0].id, alerts_[1].id);
}

TEST_F(FlowTest, KeysOfSeveralFieldsAndAliases) {
  start(std::string(steps) + R"(
title: t
flow:
  key: [desk, id]
  aliases: {id: {bought: buy.id, sold: sell.id}}
  steps: {bought: [s1, s2], sold: s3}
  expect: [{step: sold, after: bought}]
)");
  put(R"({"t":1,"e":"approved","desk":"d","buy":{"id":7}})");
  put(R"({"t":2,"e":"executed","desk":"d","sell":{"id":"7"}})");
  put(R"({"t":3,"e":"executed","desk":"e","sell":{"id":"7"}})");
  clock(10'000);
  EXPECT_THAT(told_, ElementsAre("3 desk=e id=7: sold came without bought before it"));
}

TEST_F(FlowTest, OneEventCanBeTwoSteps) {
  start(std::string(steps) + R"(
title: t
flow: {key: order.id, steps: {a: s1, b: s1}, expect: [{step: b, after: a}, {differ: [a.user.id, b.boss]}]}
)");
  put(R"({"t":1,"e":"submitted","order":{"id":1},"user":{"id":"x"},"boss":"X"})");
  clock(10'000);
  ASSERT_THAT(told_, ElementsAre("1 order.id=1: a.user.id and b.boss are the same"));
  EXPECT_THAT(alerts_[0].evidence, SizeIs(1)) << "one line, though it is two steps";
}

// Refused, or loaded as something else, but never a crash, and never a flow without an end.
TEST_F(FlowTest, DamagedStateIsSafe) {
  const std::string yaml = flow(
                               "{step: executed, after: approved}, {differ: [submitted.user.id, approved.user.id]}, "
                               "{step: approved, at_least: 2, within: 1m}") +
                           "tapewatch: {realert: 5m}\n";
  start(yaml);
  (void)run({"1 executed u1", "40 submitted u1", "50 approved u2", "60 executed", "61 approved u3 o2"}, 0);
  std::string bytes;
  (void)detector_->save(bytes);
  for (std::size_t at = 8; at < bytes.size() - 8; ++at) {
    for (const int bit : {0, 3, 7}) {
      std::string damaged = bytes.substr(0, bytes.size() - 8);
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      StateWriter(damaged).word(hash64(damaged));
      start(yaml);
      if (!detector_->load(damaged).ok()) continue;
      (void)run({"70 submitted u3", "71 approved u3", "72 executed"});
      (void)run({"70 submitted u3", "71 approved u3", "72 executed"}, INT32_MAX);
    }
  }
}

TEST_F(FlowTest, Explanation) {
  const RuleSet rules = load(flow("{step: executed, after: approved}, {step: approved, at_most: 1}"));
  ASSERT_THAT(rules.flows, SizeIs(1));
  const auto all = summaries(rules);
  EXPECT_EQ(all.back().kind, "flow");
  EXPECT_TRUE(all.front().silent);
  std::string text;
  append_explanation(text, rules, all.back().index, fields_);
  EXPECT_THAT(text, HasSubstr("for each: order.id"));
  EXPECT_THAT(text, HasSubstr("  executed: trade_executed\n"));
  EXPECT_THAT(text, HasSubstr("  approved at most 1, or else: approved came more than 1 time\n"));
  EXPECT_THAT(text, HasSubstr("nothing of it came for 10m"));
}

struct Reject {
  const char* name;
  std::string flow;
  const char* fault;
};

class RejectedFlow : public FlowTest, public testing::WithParamInterface<Reject> {};

// In one line, so that columns are easy to see.
std::string short_flow(const std::string& expect, const std::string& more = "") {
  return "{key: k, steps: {a: s1, b: s2}, expect: [" + expect + "]" + more + "}";
}

INSTANTIATE_TEST_SUITE_P(
    , RejectedFlow,
    testing::Values(
        Reject{"NoMap", "x", "208 2:7 1 flow must be a map"},
        Reject{"NoKey", "{steps: {a: s1}, expect: [{step: a, at_most: 1}]}", "207 2:7 1 a flow needs key"},
        Reject{"NoSteps", "{key: k, expect: [{step: a, at_most: 1}]}", "207 2:7 1 a flow needs steps"},
        Reject{"NoExpect", "{key: k, steps: {a: s1}}", "207 2:7 1 a flow needs expect"},
        Reject{"UnknownKey", "{key: k, stpes: {a: s1}, expect: [{step: a, at_most: 1}]}",
               "209 2:16 5 unknown key \"stpes\" in flow | did you mean \"steps\"?"},
        Reject{"KeyIsMap", "{key: {a: b}, steps: {a: s1}, expect: [{step: a, at_most: 1}]}",
               "208 2:13 1 key must be a field, or a list of fields | key: order.id"},
        Reject{"StepsAreList", "{key: k, steps: [s1], expect: [{step: a, at_most: 1}]}",
               "208 2:23 1 steps must be a map of names and rules | steps: {submitted: order_submitted, approved: "
               "approval_granted}"},
        Reject{"StepName", "{key: k, steps: {a.b: s1}, expect: [{step: a, at_most: 1}]}",
               "210 2:24 3 \"a.b\" is no name for a step | letters, digits, _ and -"},
        Reject{"StepIsMap", "{key: k, steps: {a: {b: s1}}, expect: [{step: a, at_most: 1}]}",
               "208 2:27 1 a step is a rule's id or name, or a list of them"},
        Reject{"UnknownRule", "{key: k, steps: {a: order_submited}, expect: [{step: a, at_most: 1}]}",
               "240 2:27 14 no rule has the id or name \"order_submited\" | did you mean \"order_submitted\"?"},
        Reject{"Correlation", "{key: k, steps: {a: corr}, expect: [{step: a, at_most: 1}]}",
               "240 2:27 4 \"corr\" is a correlation | a step is an event that a detection matches"},
        Reject{"ExpectIsMap", "{key: k, steps: {a: s1}, expect: {step: a, at_most: 1}}",
               "208 2:40 1 expect must be a list | expect: [{step: executed, after: approved}]"},
        Reject{"ExpectIsEmpty", "{key: k, steps: {a: s1}, expect: []}",
               "208 2:40 1 expect must be a list | expect: [{step: executed, after: approved}]"},
        Reject{"ExpectationIsText", short_flow("a"),
               "208 2:48 1 an expectation must be a map | {step: executed, after: approved}"},
        Reject{"UnknownExpectationKey", short_flow("{step: a, afer: b}"),
               "209 2:58 4 unknown key \"afer\" in an expectation | did you mean \"after\"?"},
        Reject{"SaysNothing", short_flow("{step: a}"),
               "207 2:48 1 an expectation needs one of after before at_most at_least differ"},
        Reject{"SaysTwoThings", short_flow("{step: a, after: b, at_most: 1}"),
               "210 2:68 7 an expectation is either \"after\" or \"at_most\" | write two of them"},
        Reject{"NoStep", short_flow("{after: a}"), "207 2:48 1 \"after\" needs step"},
        Reject{"UnknownStep", short_flow("{step: c, at_most: 1}"),
               "246 2:55 1 no step has the name \"c\" | did you mean \"a\"?"},
        Reject{"UnknownOther", "{key: k, steps: {first: s1, second: s2}, expect: [{step: second, after: frist}]}",
               "246 2:79 5 no step has the name \"frist\" | did you mean \"first\"?"},
        Reject{"AfterItself", short_flow("{step: a, after: a}"), "210 2:65 1 a step cannot come after itself"},
        Reject{"WithinTooLong", short_flow("{step: a, after: b, within: 2m}", ", timeout: 1m"),
               "241 2:76 2 within 2m is longer than the timeout of the flow, 1m | by then the flow is forgotten"},
        Reject{"BadWithin", short_flow("{step: a, after: b, within: soon}"),
               "241 2:76 4 bad timespan \"soon\" | a number and a unit: ms s m h d w M y"},
        Reject{"BadTimeout", short_flow("{step: a, after: b}", ", timeout: 10"),
               "241 2:79 2 bad timespan \"10\" | a number and a unit: ms s m h d w M y"},
        Reject{"BadLateness", short_flow("{step: a, after: b}", ", lateness: x"),
               "241 2:80 1 bad timespan \"x\" | a number and a unit: ms s m h d w M y"},
        Reject{"AtMostWhat", short_flow("{step: a, at_most: some}"), "210 2:67 4 at_most must be 0 to 1000000"},
        Reject{"AtMostNegative", short_flow("{step: a, at_most: -1}"), "210 2:67 2 at_most must be 0 to 1000000"},
        Reject{"AtLeastNothing", short_flow("{step: a, at_least: 0}"), "210 2:68 1 at_least must be 1 to 1000000"},
        Reject{"AtMostWithin", short_flow("{step: a, at_most: 1, within: 5s}"),
               "210 2:78 2 within says nothing about at_most | it goes with after, before and at_least"},
        Reject{"DifferFromWhat", short_flow("{differ: [a.user.id]}"),
               "208 2:57 1 differ must be a list of two fields or more | differ: [submitted.user.id, "
               "approved.user.id]"},
        Reject{"DifferNoField", short_flow("{differ: [a, b.user.id]}"),
               "210 2:58 1 \"a\" is not a step and a field | like approved.user.id"},
        Reject{"DifferUnknownStep", short_flow("{differ: [a.user.id, c.user.id]}"),
               "246 2:69 9 no step has the name \"c\" | did you mean \"a\"?"},
        Reject{"DifferOfStep", short_flow("{step: a, differ: [a.user.id, b.user.id]}"),
               "210 2:49 4 differ takes no step"},
        Reject{"WhenWhat", short_flow("{step: a, after: b, when: c}"),
               "246 2:74 1 no step has the name \"c\" | did you mean \"a\"?"},
        Reject{"Twice", short_flow("{step: a, after: b}, {step: a, after: b}"),
               "210 2:69 1 this is expected twice: a after b"},
        Reject{"AliasOfNothing", short_flow("{step: a, after: b}", ", aliases: {x: {a: y, b: z}}"),
               "243 2:80 1 the alias \"x\" is no part of the key | did you mean \"k\"?"},
        Reject{"AliasOfUnknownStep", short_flow("{step: a, after: b}", ", aliases: {k: {a: y, b: z, c: y}}"),
               "246 2:96 1 no step has the name \"c\" | did you mean \"a\"?"},
        Reject{"AliasMissing", short_flow("{step: a, after: b}", ", aliases: {k: {a: y}}"),
               "243 2:83 1 alias \"k\" names no field for the step \"b\""},
        Reject{"Generate", short_flow("{step: a, after: b}", ", generate: perhaps"),
               "208 2:80 7 generate must be true or false"},
        Reject{"For", short_flow("{step: a, after: b}") + "\ntapewatch: {for: 5s}",
               "210 3:13 3 \"for\" needs a condition that lasts, and this rule alerts at single events | put it on a "
               "correlation or an anomaly over this rule"}),
    [](const auto& reject) { return reject.param.name; });

TEST_P(RejectedFlow, WithItsPlace) {
  RuleLoader loader(fields_, options_, diagnostics_);
  loader.add_text("steps.yaml", std::string(steps) + R"(
title: c
name: corr
correlation: {type: event_count, rules: [s1], timespan: 1m, condition: {gte: 1}}
)");
  loader.add_text("rules.yaml", "title: t\nflow: " + GetParam().flow + "\n");
  const RuleSet rules = loader.finish();
  EXPECT_THAT(rules.flows, IsEmpty());
  EXPECT_THAT(faults(), ElementsAre(GetParam().fault));
}

}  // namespace
}  // namespace tapewatch

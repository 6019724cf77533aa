// SPDX-License-Identifier: Apache-2.0
#include "detect/detector.h"

#include <gmock/gmock.h>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr std::int64_t second = 1'000'000'000;

class DetectorTest : public RulesFixture {
 protected:
  // A correlation over the rule "e: login", grouped by user.
  static std::string counting(const std::string& body, const std::string& options = "") {
    return "title: login\nname: login\ndetection: {s: {e: login}, condition: s}\n---\n"
           "title: burst\nid: burst\nlevel: high\ncorrelation:\n  rules: [login]\n  group-by: [user]\n" +
           body + options;
  }
  static std::string login(int time, const std::string& user = "u1") {
    return R"({"t":)" + std::to_string(time) + R"(,"e":"login","user":")" + user + "\"}";
  }
  // The times of the lines of one user at which alerts come.
  std::vector<int> fired_at(const std::vector<int>& times) {
    std::vector<int> fired;
    for (const int time : times) {
      if (!see(login(time)).empty()) fired.push_back(time);
    }
    return fired;
  }
};

const char* const five_a_minute = "  type: event_count\n  timespan: 1m\n  condition: {gte: 5}\n";

TEST_F(DetectorTest, ADetectionGivesOneAlertForEachMatch) {
  start(
      "title: Login\nid: r1\nname: login\ndescription: d\nlevel: low\ntags: [x]\n"
      "detection: {s: {e: login}, condition: s}\ntapewatch: {runbook: 'http://wiki', labels: {desk: tokyo}}\n");
  source_.path = "/var/log/a.log";
  document_ = R"({"e":"login","masked":true})";
  const auto alerts = see(R"({"t":7,"e":"login"})");
  ASSERT_THAT(alerts, SizeIs(1));
  const Alert& alert = alerts[0];
  EXPECT_EQ(alert.rule_id, "r1");
  EXPECT_EQ(alert.rule_name, "login");
  EXPECT_EQ(alert.title, "Login");
  EXPECT_EQ(alert.level, "low");
  EXPECT_THAT(alert.tags, ElementsAre("x", "desk:tokyo"));
  EXPECT_EQ(alert.runbook, "http://wiki");
  EXPECT_EQ(alert.time_ns, 7 * second);
  EXPECT_EQ(alert.started_ns, 7 * second);
  EXPECT_EQ(alert.count, 1u);
  EXPECT_EQ(alert.file_path, "/var/log/a.log");
  EXPECT_THAT(alert.evidence, ElementsAre(document_));
  EXPECT_THAT(see(R"({"t":7,"e":"logout"})"), IsEmpty());
  EXPECT_THAT(detector_->alerts_by_rule(), ElementsAre(1));
}

TEST_F(DetectorTest, IdentityFollowsFromTheLineAlone) {
  const std::string rules = "title: r\ndetection: {s: {e: '*'}, condition: s}\n";
  start(rules);
  const Hash128 first = see(R"({"t":1,"e":"a"})")[0].id;
  const Hash128 other = see(R"({"t":1,"e":"b"})")[0].id;
  EXPECT_NE(first, other) << "two lines of one moment are two alerts";
  detector_ = std::make_unique<Detector>(load(rules), detector_options_);
  EXPECT_EQ(see(R"({"t":1,"e":"a"})")[0].id, first) << "a replay gives the same alert";
}

TEST_F(DetectorTest, RealertHoldsBackADetection) {
  start("title: r\ndetection: {s: {e: login}, condition: s}\ntapewatch: {realert: 60s}\n");
  EXPECT_THAT(fired_at({0, 1, 59, 60, 61, 119, 120, 300}), ElementsAre(0, 60, 120, 300));
  EXPECT_EQ(detector_->counters().alerts_suppressed, 4u);
}

TEST_F(DetectorTest, CountsInASlidingClosedWindow) {
  start(counting(five_a_minute));
  EXPECT_THAT(fired_at({0, 10, 20, 30, 60}), ElementsAre(60)) << "the window is closed at both ends";
  start(counting(five_a_minute));
  EXPECT_THAT(fired_at({0, 10, 20, 30, 61}), IsEmpty());
}

TEST_F(DetectorTest, ACorrelationAlertTellsGroupCountAndStart) {
  start(counting(five_a_minute));
  for (const int time : {0, 10, 20, 30}) EXPECT_THAT(see(login(time)), IsEmpty()) << "the referred rule is silent";
  const auto alerts = see(login(40));
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].rule_id, "burst");
  EXPECT_EQ(alerts[0].level, "high");
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("user", "u1")));
  EXPECT_EQ(alerts[0].count, 5u);
  EXPECT_EQ(alerts[0].started_ns, 0);
  EXPECT_EQ(alerts[0].time_ns, 40 * second);
  EXPECT_THAT(detector_->alerts_by_rule(), ElementsAre(0, 1));
}

TEST_F(DetectorTest, ARisingEdgeIsToldOnceAndAgainAfterTheConditionWasFalse) {
  start(counting(five_a_minute));
  EXPECT_THAT(fired_at({0, 10, 20, 30, 40, 50, 60, 70, 80}), ElementsAre(40)) << "it still holds";
  EXPECT_THAT(fired_at({200, 210, 220, 230, 240, 250}), ElementsAre(240));
}

TEST_F(DetectorTest, AThresholdOfOneIsArmedAgainByAnEmptyWindow) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 1}\n"));
  EXPECT_THAT(fired_at({0, 30, 90, 151}), ElementsAre(0, 151));
}

TEST_F(DetectorTest, RealertRepeatsWhileTheConditionHolds) {
  start(counting(five_a_minute, "tapewatch: {realert: 30s}\n"));
  EXPECT_THAT(fired_at({0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100}), ElementsAre(40, 70, 100));
}

TEST_F(DetectorTest, RealertHoldsBackANewEdgeOfTheGroup) {
  start(counting("  type: event_count\n  timespan: 10s\n  condition: {gte: 2}\n", "tapewatch: {realert: 5m}\n"));
  EXPECT_THAT(fired_at({0, 1, 100, 101, 102, 400, 401}), ElementsAre(1, 401));
}

struct BoundCase {
  const char* condition;
  std::vector<int> want;
};

TEST_F(DetectorTest, Bounds) {
  const std::vector<BoundCase> cases = {{"{gt: 2}", {20}},          {"{gte: 2}", {10}}, {"{eq: 3}", {20}},
                                        {"{gte: 2, lte: 3}", {10}}, {"{gt: 0}", {0}},   {"{gt: 9}", {}}};
  for (const BoundCase& c : cases) {
    start(counting(std::string("  type: event_count\n  timespan: 1m\n  condition: ") + c.condition + "\n"));
    EXPECT_EQ(fired_at({0, 10, 20, 30, 40}), c.want) << c.condition;
    diagnostics_ = Diagnostics();
  }
}

TEST_F(DetectorTest, GroupsAreApart) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 2}\n"));
  EXPECT_THAT(see(login(0, "u1")), IsEmpty());
  EXPECT_THAT(see(login(1, "u2")), IsEmpty());
  EXPECT_THAT(see(login(2, "u1")), SizeIs(1));
  EXPECT_EQ(detector_->counters().groups, 2u);
}

TEST_F(DetectorTest, AnEventWithoutTheGroupFieldIsCountedAndLeftOut) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 1}\n"));
  EXPECT_THAT(see(R"({"t":1,"e":"login"})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":1,"e":"login","user":null})"), IsEmpty());
  EXPECT_EQ(detector_->counters().events_without_group, 2u);
}

TEST_F(DetectorTest, AnEventThatMatchesTwoOfTheRulesCountsOnce) {
  start(
      "title: a\nname: a\ndetection: {s: {x: 1}, condition: s}\n---\n"
      "title: b\nname: b\ndetection: {s: {y: 1}, condition: s}\n---\n"
      "title: c\ncorrelation: {type: event_count, rules: [a, b], timespan: 1m, condition: {gte: 2}}\n");
  EXPECT_THAT(see(R"({"t":1,"x":1,"y":1})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":2,"y":1})"), SizeIs(1));
}

TEST_F(DetectorTest, AliasesGiveEachRuleItsOwnGroupField) {
  start(
      "title: a\nname: a\ndetection: {s: {e: in}, condition: s}\n---\n"
      "title: b\nname: b\ndetection: {s: {e: out}, condition: s}\n---\n"
      "title: c\ncorrelation:\n  type: event_count\n  rules: [a, b]\n  group-by: [who]\n  timespan: 1m\n"
      "  aliases: {who: {a: user, b: target.user}}\n  condition: {gte: 2}\n");
  EXPECT_THAT(see(R"({"t":1,"e":"in","user":"u1"})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":2,"e":"out","user":"u1","target":{"user":"u2"}})"), IsEmpty());
  const auto alerts = see(R"({"t":3,"e":"out","target":{"user":"u1"}})");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("who", "u1")));
}

TEST_F(DetectorTest, GenerateLetsTheReferredRulesAlert) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 2}\n  generate: true\n"));
  EXPECT_THAT(see(login(0)), SizeIs(1));
  EXPECT_THAT(see(login(1)), SizeIs(2));
}

TEST_F(DetectorTest, ValueCountCountsDistinctValues) {
  start(
      "title: a\nname: a\ndetection: {s: {e: in}, condition: s}\n---\n"
      "title: c\ncorrelation: {type: value_count, rules: a, group-by: user, timespan: 10s, "
      "condition: {field: ip, gte: 3}}\n");
  const auto fires = [this](int time, const char* ip) {
    return !see(R"({"t":)" + std::to_string(time) + R"(,"e":"in","user":"u","ip":")" + ip + "\"}").empty();
  };
  EXPECT_FALSE(fires(0, "1"));
  EXPECT_FALSE(fires(1, "1"));
  EXPECT_FALSE(fires(2, "2"));
  EXPECT_FALSE(fires(12, "3")) << "both of the first value have left the window";
  EXPECT_TRUE(fires(12, "4"));
}

TEST_F(DetectorTest, LateEventsCountWhereTheyBelong) {
  start(counting("  type: event_count\n  timespan: 10s\n  condition: {gte: 3}\n"));
  EXPECT_THAT(fired_at({100, 102, 120}), IsEmpty());
  const auto alerts = see(login(101));
  ASSERT_THAT(alerts, SizeIs(1)) << "three within [92, 102]";
  EXPECT_EQ(alerts[0].time_ns, 102 * second);
  EXPECT_EQ(alerts[0].started_ns, 100 * second);
  EXPECT_THAT(see(login(103)), IsEmpty()) << "that window has had its alert";
}

TEST_F(DetectorTest, TooLateEventsAreCounted) {
  start(counting("  type: event_count\n  timespan: 10s\n  condition: {gte: 2}\n"));
  EXPECT_THAT(fired_at({100, 69}), IsEmpty());
  EXPECT_EQ(detector_->counters().late_events, 1u);
  EXPECT_THAT(fired_at({70}), IsEmpty());
  EXPECT_EQ(detector_->counters().late_events, 1u);
}

TEST_F(DetectorTest, GroupsAreBounded) {
  detector_options_.window.groups_max = 2;
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 2}\n"));
  EXPECT_THAT(see(login(0, "u1")), IsEmpty());
  EXPECT_THAT(see(login(1, "u2")), IsEmpty());
  EXPECT_THAT(see(login(2, "u3")), IsEmpty()) << "u1 was quiet for longest";
  EXPECT_THAT(see(login(3, "u2")), SizeIs(1));
  EXPECT_THAT(see(login(4, "u1")), IsEmpty());
  EXPECT_EQ(detector_->counters().groups_evicted, 2u);
  EXPECT_EQ(detector_->counters().groups, 2u);
}

TEST_F(DetectorTest, PointsAreBounded) {
  detector_options_.window.points_max = 3;
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 4}\n"));
  EXPECT_THAT(fired_at({0, 1, 2, 3, 4}), IsEmpty());
  EXPECT_EQ(detector_->counters().points_dropped, 2u);
}

TEST_F(DetectorTest, KeepsTheLastDocumentsAsEvidence) {
  start(counting(five_a_minute, "tapewatch: {evidence: 2}\n"));
  std::vector<Alert> alerts;
  for (int time = 0; time < 5; ++time) {
    document_ = "{\"n\":" + std::to_string(time) + "}";
    alerts = see(login(time));
  }
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_THAT(alerts[0].evidence, ElementsAre("{\"n\":3}", "{\"n\":4}"));
}

TEST_F(DetectorTest, EvidenceIsOfThisWindowOnly) {
  start(counting("  type: event_count\n  timespan: 10s\n  condition: {gte: 2}\n"));
  std::vector<Alert> alerts;
  for (const int time : {0, 100, 108, 115}) {
    document_ = "{\"n\":" + std::to_string(time) + "}";
    alerts = see(login(time));
    if (time == 108) {
      ASSERT_THAT(alerts, SizeIs(1));
      EXPECT_THAT(alerts[0].evidence, ElementsAre("{\"n\":100}", "{\"n\":108}"));
    }
  }
}

TEST_F(DetectorTest, EvidenceIsBounded) {
  detector_options_.window.evidence_bytes_max = 30 + 2 * sizeof(std::string);
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 3}\n"));
  document_ = "{\"a\":\"0123\"}";
  EXPECT_THAT(fired_at({0, 1}), IsEmpty());
  document_ = "{\"b\":1}";
  const auto alerts = see(login(2));
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_THAT(alerts[0].evidence, ElementsAre("{\"a\":\"0123\"}", "{\"b\":1}")) << "the oldest made room";
  EXPECT_EQ(detector_->counters().evidence_dropped, 1u);
}

TEST_F(DetectorTest, ALongDocumentIsNoEvidence) {
  detector_options_.window.evidence_document_bytes_max = 10;
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 2}\n"));
  document_ = "{\"a\":\"" + std::string(20, 'x') + "\"}";
  EXPECT_THAT(see(login(0)), IsEmpty());
  document_ = "{\"b\":1}";
  EXPECT_THAT(see(login(1))[0].evidence, ElementsAre("{\"b\":1}"));
}

TEST_F(DetectorTest, QuietGroupsAreLetGoOnceThereAreMany) {
  detector_options_.window.groups_kept = 3;
  start(counting("  type: event_count\n  timespan: 10s\n  condition: {gte: 2}\n"));
  for (int i = 0; i < 10; ++i) EXPECT_THAT(see(login(0, "old" + std::to_string(i))), IsEmpty());
  EXPECT_EQ(detector_->counters().groups, 10u);
  for (int i = 0; i < 10; ++i) EXPECT_THAT(see(login(100, "new" + std::to_string(i))), IsEmpty());
  EXPECT_EQ(detector_->counters().groups, 10u) << "the new ones";
  EXPECT_THAT(see(login(101, "new0")), SizeIs(1));
  EXPECT_EQ(detector_->counters().groups_evicted, 0u);
}

TEST_F(DetectorTest, AMaskedGroupValueIsNotShown) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {gte: 1}\n"));
  document_ = R"({"t":0,"e":"login","user":"***"})";
  const auto hidden = see(login(0, "secret"));
  ASSERT_THAT(hidden, SizeIs(1));
  EXPECT_THAT(hidden[0].group, ElementsAre(Pair("user", "(masked)")));
  document_ = R"({"t":0,"e":"login","user":"open"})";
  EXPECT_THAT(see(login(0, "open"))[0].group, ElementsAre(Pair("user", "open")));
  document_ = R"({"t":0,"e":"login","user":"***"})";
  EXPECT_NE(see(login(0, "other"))[0].id, hidden[0].id) << "two masked groups are still two";
}

TEST_F(DetectorTest, FewEventsAreNoticedByTheClock) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {lt: 2}\n"));
  EXPECT_THAT(fired_at({0, 30, 50, 80}), IsEmpty()) << "not before a whole timespan has been seen, and not with two";
  std::vector<Alert> alerts;
  detector_->advance(105 * second, alerts);
  EXPECT_THAT(alerts, IsEmpty());
  detector_->advance(111 * second, alerts);
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].time_ns, 110 * second) << "when the one of 50 s left, whatever the clock says now";
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("user", "u1")));
  EXPECT_EQ(alerts[0].count, 1u);
  detector_->advance(200 * second, alerts);
  EXPECT_THAT(alerts, SizeIs(1)) << "told once";
  EXPECT_THAT(fired_at({201, 202, 203}), IsEmpty());
  detector_->advance(400 * second, alerts);
  EXPECT_THAT(alerts, SizeIs(2));
}

TEST_F(DetectorTest, OtherEventsTurnTheClockToo) {
  start(counting("  type: event_count\n  timespan: 1m\n  condition: {lt: 1}\n"));
  EXPECT_THAT(see(login(0)), IsEmpty());
  EXPECT_THAT(see(R"({"t":89,"e":"x"})"), IsEmpty()) << "what is late may still come";
  EXPECT_THAT(see(R"({"t":95,"e":"x"})"), SizeIs(1));
}

TEST_F(DetectorTest, CountersTellWhatRulesDid) {
  start(counting(five_a_minute));
  for (int time = 0; time < 5; ++time) (void)see(login(time));
  (void)see(R"({"t":9,"e":"other"})");
  const Detector::Counters counters = detector_->counters();
  EXPECT_EQ(counters.events, 6u);
  EXPECT_EQ(counters.evaluations, 5u);
  EXPECT_EQ(counters.matches, 5u);
  EXPECT_EQ(counters.alerts, 1u);
}

}  // namespace
}  // namespace tapewatch

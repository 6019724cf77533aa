// SPDX-License-Identifier: Apache-2.0
// Every type of correlation: what it fires on, how its window slides, what late events do, chains, and what is refused.
#include <gmock/gmock.h>

#include "detect/ordered_values.h"
#include "detect/rule_explain.h"
#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr std::int64_t second = 1'000'000'000;

class CorrelationTest : public RulesFixture {
 protected:
  // The rules a, b and c match the events of that name.
  static std::string correlation(const std::string& body) {
    std::string text;
    for (const char* name : {"a", "b", "c"}) {
      text += std::string("title: ") + name + "\nname: " + name + "\ndetection: {s: {e: " + name +
              "}, condition: s}\n---\n";
    }
    return text + "title: x\nid: x\ncorrelation: {" + body + "}\n";
  }
  static std::string event(int time, const std::string& name, const std::string& user = "u", int value = 0) {
    return R"({"t":)" + std::to_string(time) + R"(,"e":")" + name + R"(","user":")" + user + R"(","n":)" +
           std::to_string(value) + "}";
  }
  // Events like "a0 b5 a7": the seconds at which they give an alert.
  std::vector<int> fired(const std::vector<std::pair<std::string, int>>& events) {
    std::vector<int> times;
    for (const auto& [name, time] : events) {
      for (const Alert& alert : see(event(time, name))) times.push_back(static_cast<int>(alert.time_ns / second));
    }
    return times;
  }
  // Values of one rule, a second apart: the places at which they give an alert.
  std::vector<int> fired_values(const std::vector<int>& values) {
    std::vector<int> places;
    for (int i = 0; i < static_cast<int>(values.size()); ++i) {
      if (!see(event(i, "a", "u", values[static_cast<std::size_t>(i)])).empty()) places.push_back(i);
    }
    return places;
  }
  std::vector<int> advanced(int now) {
    std::vector<Alert> alerts;
    detector_->advance(now * second, alerts);
    std::vector<int> times;
    for (const Alert& alert : alerts) times.push_back(static_cast<int>(alert.time_ns / second));
    return times;
  }
};

TEST_F(CorrelationTest, TemporalWantsEveryRuleInAnyOrder) {
  start(correlation("type: temporal, rules: [a, b, c], group-by: [user], timespan: 10s"));
  EXPECT_THAT(fired({{"c", 0}, {"a", 3}, {"a", 4}, {"b", 10}}), ElementsAre(10)) << "the window is closed";
  EXPECT_THAT(fired({{"b", 11}}), IsEmpty()) << "c has left";
  EXPECT_THAT(fired({{"c", 12}}), ElementsAre(12)) << "an edge again";
}

TEST_F(CorrelationTest, TemporalKeepsGroupsApart) {
  start(correlation("type: temporal, rules: [a, b], group-by: [user], timespan: 10s"));
  EXPECT_THAT(see(event(0, "a", "u1")), IsEmpty());
  EXPECT_THAT(see(event(1, "b", "u2")), IsEmpty());
  const auto alerts = see(event(2, "b", "u1"));
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("user", "u1")));
  EXPECT_EQ(alerts[0].count, 2u);
  EXPECT_EQ(alerts[0].started_ns, 0);
}

TEST_F(CorrelationTest, TemporalMayWantFewerThanAllRules) {
  start(correlation("type: temporal, rules: [a, b, c], timespan: 10s, condition: {gte: 2}"));
  EXPECT_THAT(fired({{"a", 0}, {"a", 1}, {"c", 2}}), ElementsAre(2));
}

TEST_F(CorrelationTest, TemporalLateEventsCountWhereTheyBelong) {
  start(correlation("type: temporal, rules: [a, b], timespan: 10s"));
  EXPECT_THAT(fired({{"a", 0}, {"a", 30}, {"b", 5}}), ElementsAre(5)) << "in the window that the late one ends";
  EXPECT_THAT(fired({{"b", 25}}), ElementsAre(30));
}

TEST_F(CorrelationTest, OneEventCanBeSeveralRulesOfATemporal) {
  start(
      "title: a\nname: a\ndetection: {s: {x: 1}, condition: s}\n---\n"
      "title: b\nname: b\ndetection: {s: {y: 1}, condition: s}\n---\n"
      "title: c\ncorrelation: {type: temporal, rules: [a, b], timespan: 1m}\n");
  EXPECT_THAT(see(R"({"t":1,"x":1,"y":1})"), SizeIs(1));
}

TEST_F(CorrelationTest, OrderedWantsTheOrder) {
  start(correlation("type: temporal_ordered, rules: [a, b, c], group-by: [user], timespan: 10s"));
  EXPECT_THAT(fired({{"c", 0}, {"b", 1}, {"a", 2}, {"c", 3}}), IsEmpty());
  EXPECT_THAT(fired({{"b", 4}, {"c", 12}}), ElementsAre(12));
  EXPECT_THAT(fired({{"b", 13}, {"c", 14}}), IsEmpty()) << "its first step has left the window";
  EXPECT_THAT(fired({{"a", 20}, {"b", 21}, {"a", 29}, {"c", 31}}), IsEmpty()) << "11 seconds";
  EXPECT_THAT(fired({{"b", 32}, {"c", 33}}), ElementsAre(33));
}

TEST_F(CorrelationTest, OrderedTakesALateStepWhereItBelongs) {
  start(correlation("type: temporal_ordered, rules: [a, b, c], timespan: 10s"));
  EXPECT_THAT(fired({{"a", 0}, {"c", 8}, {"b", 9}}), IsEmpty());
  EXPECT_THAT(fired({{"b", 4}}), ElementsAre(8));
}

TEST_F(CorrelationTest, OneEventIsNotTwoStepsInARow) {
  start(
      "title: a\nname: a\ndetection: {s: {x: 1}, condition: s}\n---\n"
      "title: b\nname: b\ndetection: {s: {x: '*'}, condition: s}\n---\n"
      "title: c\ncorrelation: {type: temporal_ordered, rules: [a, b], timespan: 1m}\n");
  EXPECT_THAT(see(R"({"t":1,"x":1})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":1,"x":2})"), SizeIs(1));
}

TEST_F(CorrelationTest, AnExpressionOverRules) {
  start(correlation("type: temporal, rules: [a, b, c], timespan: 10s, condition: a and (b or c)"));
  EXPECT_THAT(fired({{"b", 0}, {"c", 1}, {"a", 2}}), ElementsAre(2));
}

TEST_F(CorrelationTest, NotWaitsUntilTheTimeHasPassed) {
  start(correlation("type: temporal, rules: [a, b], group-by: [user], timespan: 10s, condition: a and not b"));
  EXPECT_THAT(fired({{"a", 0}, {"b", 10}, {"a", 20}}), IsEmpty());
  EXPECT_THAT(advanced(30), IsEmpty()) << "the tenth second still counts";
  EXPECT_THAT(advanced(31), ElementsAre(30));
  EXPECT_THAT(advanced(100), IsEmpty()) << "told once";
  EXPECT_THAT(fired({{"a", 200}, {"a", 230}}), IsEmpty());
  EXPECT_THAT(advanced(300), ElementsAre(210, 240)) << "one for each a that stands alone";
}

TEST_F(CorrelationTest, NotHearsALateEvent) {
  start(correlation("type: temporal, rules: [a, b], timespan: 10s, condition: a and not b"));
  EXPECT_THAT(fired({{"a", 0}, {"z", 35}, {"b", 6}, {"z", 80}}), IsEmpty());
}

TEST_F(CorrelationTest, NotIsAskedByOtherEventsToo) {
  start(correlation("type: temporal, rules: [a, b], timespan: 10s, condition: a and not b"));
  EXPECT_THAT(fired({{"a", 0}, {"z", 39}}), IsEmpty());
  EXPECT_THAT(fired({{"z", 45}}), ElementsAre(10));
}

TEST_F(CorrelationTest, NotKeepsItsPointsBounded) {
  detector_options_.window.points_max = 2;
  start(correlation("type: temporal, rules: [a, b], timespan: 10s, condition: a and not b"));
  EXPECT_THAT(fired({{"a", 0}, {"a", 1}, {"a", 2}}), IsEmpty());
  EXPECT_EQ(detector_->counters().points_dropped, 1u);
  EXPECT_THAT(advanced(50), ElementsAre(11));
}

TEST_F(CorrelationTest, SumSlides) {
  start(correlation("type: value_sum, rules: [a], group-by: [user], timespan: 2s, condition: {field: n, gte: 100}"));
  EXPECT_THAT(fired_values({50, 49, 1, 50, 49}), ElementsAre(2)) << "49 + 1 + 50 goes on, 1 + 50 + 49 too";
}

TEST_F(CorrelationTest, SumIsRearmed) {
  start(correlation("type: value_sum, rules: [a], timespan: 1s, condition: {field: n, gt: 10, lte: 20}"));
  EXPECT_THAT(fired_values({6, 6, 30, 1, 11, 0, -5}), ElementsAre(1, 4)) << "a range: 12 is in it, 36 is not";
}

TEST_F(CorrelationTest, SumsOfDecimalsDoNotDrift) {
  start(correlation("type: value_sum, rules: [a], timespan: 1s, condition: {field: n, gt: 0.6}"));
  for (int i = 0; i < 3000; ++i) {
    const std::string line = R"({"t":)" + std::to_string(i) + R"(,"e":"a","n":)" + (i % 7 == 0 ? "1e15" : "0.3") + "}";
    const auto alerts = see(line);
    if (i % 7 == 2) {
      EXPECT_THAT(alerts, IsEmpty()) << i;
    }
  }
  EXPECT_THAT(see(R"({"t":5000,"e":"a","n":0.3})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":5001,"e":"a","n":0.31})"), SizeIs(1));
}

TEST_F(CorrelationTest, Average) {
  start(correlation("type: value_avg, rules: [a], timespan: 2s, condition: {field: n, gt: 10}"));
  EXPECT_THAT(fired_values({10, 10, 10, 11, 0, 100}), ElementsAre(3, 5));
}

TEST_F(CorrelationTest, MedianAndPercentile) {
  start(correlation("type: value_median, rules: [a], timespan: 100s, condition: {field: n, gte: 5}"));
  EXPECT_THAT(fired_values({1, 1, 9, 9, 9}), ElementsAre(3)) << "1 1 9 9: the mean of the middle two is 5";
  start(
      correlation("type: value_percentile, rules: [a], timespan: 100s, condition: {field: n, percentile: 90, gt: 90}"));
  std::vector<int> values;
  for (int i = 1; i <= 100; ++i) values.push_back(i);
  EXPECT_THAT(fired_values(values), ElementsAre(99)) << "between the two nearest ranks";
}

TEST_F(CorrelationTest, ValuesThatAreNoNumbersAreCounted) {
  start(correlation("type: value_sum, rules: [a], timespan: 2s, condition: {field: n, gte: 1}"));
  EXPECT_THAT(see(R"({"t":1,"e":"a","n":"x"})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":1,"e":"a"})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":1,"e":"a","n":"1e999"})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":1,"e":"a","n":"2"})"), SizeIs(1)) << "a number as text is one";
  EXPECT_EQ(detector_->counters().events_without_value, 3u);
}

TEST_F(CorrelationTest, ValueCountOfSeveralFieldsCountsTuples) {
  start(correlation("type: value_count, rules: [a], timespan: 1m, condition: {field: [user, n], gte: 3}"));
  EXPECT_THAT(see(event(0, "a", "u", 1)), IsEmpty());
  EXPECT_THAT(see(event(1, "a", "u", 1)), IsEmpty());
  EXPECT_THAT(see(event(2, "a", "u", 2)), IsEmpty());
  EXPECT_THAT(see(event(3, "a", "v", 1)), SizeIs(1));
}

const char* const bursts =
    "title: a\nname: a\ndetection: {s: {e: a}, condition: s}\n---\n"
    "title: outer\nid: outer\ncorrelation: {type: value_count, rules: [burst], timespan: 1h, group-by: [host], "
    "condition: {field: user, gte: 2}}\n---\n"
    "title: burst\nname: burst\ncorrelation: {type: event_count, rules: [a], timespan: 10s, group-by: [user, host], "
    "condition: {gte: 2}}\n";

TEST_F(CorrelationTest, AChainCarriesTheGroup) {
  start(bursts);
  const auto burst_of = [this](int time, const std::string& user) {
    std::vector<Alert> all;
    for (int i = 0; i < 2; ++i) {
      all = see(R"({"t":)" + std::to_string(time + i) + R"(,"e":"a","host":"h","user":")" + user + "\"}");
    }
    return all;
  };
  EXPECT_THAT(burst_of(0, "u1"), IsEmpty()) << "the inner one is silent";
  EXPECT_THAT(burst_of(100, "u1"), IsEmpty());
  const auto alerts = burst_of(200, "u2");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].rule_id, "outer");
  EXPECT_THAT(alerts[0].group, ElementsAre(Pair("host", "h")));
  EXPECT_EQ(alerts[0].time_ns, 201 * second);
  EXPECT_EQ(alerts[0].count, 2u);
}

TEST_F(CorrelationTest, AChainInOrder) {
  start(
      "title: fail\nname: fail\ndetection: {s: {e: a}, condition: s}\n---\n"
      "title: good\nname: good\ndetection: {s: {e: b}, condition: s}\n---\n"
      "title: burst\nname: burst\ncorrelation: {type: event_count, rules: [fail], timespan: 10s, group-by: [user], "
      "condition: {gte: 3}, generate: false}\n---\n"
      "title: x\ncorrelation: {type: temporal_ordered, rules: [burst, good], timespan: 1m, group-by: [user]}\n");
  EXPECT_THAT(fired({{"b", 0}, {"a", 1}, {"a", 2}, {"a", 3}}), IsEmpty());
  EXPECT_THAT(fired({{"b", 20}}), ElementsAre(20));
}

TEST_F(CorrelationTest, GenerateLetsAnInnerCorrelationAlert) {
  std::string rules = bursts;
  rules.replace(rules.find("gte: 2}}\n---"), 8, "gte: 2}, generate: true}");
  start(rules);
  EXPECT_THAT(see(R"({"t":0,"e":"a","host":"h","user":"u"})"), IsEmpty());
  EXPECT_THAT(see(R"({"t":1,"e":"a","host":"h","user":"u"})"), SizeIs(1));
}

TEST_F(CorrelationTest, WhatIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"type: temporall, rules: [a], timespan: 1m", "unknown correlation type \"temporall\""},
      {"type: temporal, rules: [a, a], timespan: 1m", "a rule stands twice in a temporal correlation"},
      {"type: temporal, rules: [a, b], timespan: 1m, condition: not a", "this holds while nothing happens at all"},
      {"type: temporal, rules: [a, b], timespan: 1m, condition: a and d", "unknown search identifier \"d\""},
      {"type: temporal, rules: [a, b], timespan: 1m, condition: {field: n, gte: 1}",
       "temporal looks at rules and takes no field"},
      {"type: temporal_ordered, rules: [a, b], timespan: 1m, condition: {gte: 2}",
       "temporal_ordered takes no condition: all steps must come"},
      {"type: temporal_ordered, rules: [a, b], timespan: 1m, condition: a and b",
       "a correlation's condition must be a map"},
      {"type: value_sum, rules: [a], timespan: 1m, condition: {gte: 1}", "value_sum needs a field in its condition"},
      {"type: value_avg, rules: [a], timespan: 1m, condition: {field: [n, m], gte: 1}", "value_avg takes one field"},
      {"type: value_sum, rules: [a], timespan: 1m, condition: {field: n, gte: much}", "\"much\" is not a number"},
      {"type: value_sum, rules: [a], timespan: 1m, condition: {field: n}",
       "a condition needs one of gt gte lt lte eq neq"},
      {"type: value_percentile, rules: [a], timespan: 1m, condition: {field: n, gte: 1}",
       "value_percentile needs a percentile in its condition"},
      {"type: value_percentile, rules: [a], timespan: 1m, condition: {field: n, gte: 1, percentile: 101}",
       "a percentile is 0 to 100"},
      {"type: value_median, rules: [a], timespan: 1m, condition: {field: n, gte: 1, percentile: 9}",
       "unknown key \"percentile\" in the condition"},
      {"type: event_count, rules: [a], timespan: 1m, condition: {gte: 1.5}", "\"1.5\" is not a count"},
      {"type: value_sum, rules: [a, b], timespan: 1m, aliases: {n: {a: x}}, condition: {field: n, gte: 1}",
       "alias \"n\" names no field for the rule \"b\""},
  };
  for (const auto& [body, message] : cases) {
    diagnostics_ = Diagnostics();
    EXPECT_THAT(load(correlation(body)).correlations, IsEmpty()) << body;
    ASSERT_FALSE(diagnostics_.all().empty()) << body;
    EXPECT_EQ(diagnostics_.all()[0].message, message) << body;
  }
}

TEST_F(CorrelationTest, ChainsThatAreRefused) {
  const std::string head = "title: a\nname: a\ndetection: {s: {e: a}, condition: s}\n---\n";
  EXPECT_THAT(load(head + "title: p\nname: p\ncorrelation: {type: temporal, rules: [q, a], timespan: 1m}\n---\n"
                          "title: q\nname: q\ncorrelation: {type: temporal, rules: [p, a], timespan: 1m}\n")
                  .correlations,
              IsEmpty());
  EXPECT_THAT(faults(), ElementsAre("245 11:39 1 \"p\" builds on this correlation itself",
                                    "240 7:39 1 no rule has the id or name \"q\" | did you mean \"a\"?"));
  diagnostics_ = Diagnostics();
  (void)load(head +
             "title: p\nname: p\ncorrelation: {type: event_count, rules: [a], group-by: [user], timespan: 1m, "
             "condition: {gte: 1}}\n---\n"
             "title: q\ncorrelation: {type: event_count, rules: [p], group-by: [host], timespan: 1m, "
             "condition: {gte: 1}}\n");
  ASSERT_THAT(diagnostics_.all(), SizeIs(1));
  EXPECT_EQ(diagnostics_.all()[0].message, "the correlation \"p\" does not group by \"host\"");
}

TEST(OrderedValuesTest, IsLikeASortedList) {
  OrderedValues values;
  std::vector<double> plain;
  std::uint32_t random = 1;
  for (int i = 0; i < 3000; ++i) {
    random = random * 1664525u + 1013904223u;
    const double value = (random >> 16) % 500;
    if (i % 3 == 2) {
      const auto at = std::lower_bound(plain.begin(), plain.end(), value);
      if (at != plain.end() && *at == value) plain.erase(at);
      values.erase(value);
    } else {
      plain.insert(std::lower_bound(plain.begin(), plain.end(), value), value);
      values.insert(value);
    }
    ASSERT_EQ(values.size(), plain.size());
  }
  for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_EQ(values.at(i), plain[i]);
  EXPECT_EQ(values.percentile(0), plain.front());
  EXPECT_EQ(values.percentile(100), plain.back());
}

TEST_F(CorrelationTest, IsExplained) {
  const RuleSet rules = load(bursts);
  const std::vector<RuleSummary> all = summaries(rules);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[1].kind, "event_count");
  EXPECT_TRUE(all[1].silent);
  std::string text;
  append_explanation(text, rules, 0, fields_);
  EXPECT_EQ(text,
            "a (medium)\nlooks at: e\nasked only of events in which one of these holds:\n  e is \"a\"\n"
            "does not alert by itself: a correlation refers to it\n");
  text.clear();
  append_explanation(text, rules, 2, fields_);
  EXPECT_EQ(text,
            "outer (medium)\nover the rules: burst\nfor each: host\nwithin 1h: value_count user >= 2\n"
            "alerts when that turns true\n");
}

}  // namespace
}  // namespace tapewatch

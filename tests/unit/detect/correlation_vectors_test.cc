// SPDX-License-Identifier: Apache-2.0
// Vectors of every type of correlation, every bound, aliases, chains and expressions: a story that fires, and one that
// must not.
#include <functional>

#include "unit/detect/story_vectors.h"

namespace tapewatch {
namespace {

using CorrelationVectors = StoryVectors;

TEST_F(CorrelationVectors, EventCount) {
  const std::string head = "type: event_count, rules: [a], timespan: 10s, condition: ";
  const std::vector<StoryVector> bounds = {
      {"{gt: 2}", "0 a; 5 a; 10 a", "x@10", "0 a; 5 a; 11 a; 12 b"},
      {"{gte: 3}", "0 a; 5 a; 10 a", "x@10", "0 a; 5 a; 11 a"},
      {"{eq: 2}", "0 a; 1 a; 2 a", "x@1", "0 a; 11 a; 22 a"},
      {"{lt: 2}", "0 a; 1 a; 12 -", "x@10", "0 a; 1 a; 10 a; 11 -"},
      {"{lte: 1}", "0 a; 1 a; 12 -", "x@10", "0 a; 1 a; 10 a; 11 -"},
      {"{lt: 1}", "0 a; 11 -; 900 -", "x@10", "0 a; 10 -"},
      {"{eq: 0}", "0 a; 3 a; 900 -", "x@13", "0 a; 3 a; 13 -"},
      {"{neq: 2}", "0 a; 1 a; 2 a; 12 -", "x@11", "0 a; 1 a; 10 -"},
      {"{gte: 2, lte: 3}", "0 a; 1 a; 2 a; 3 a; 20 a; 21 a", "x@1 x@21", "0 a; 11 a"},
      {"{gt: 1, neq: 2}", "0 a; 1 a; 2 a", "x@2", "0 a; 1 a"},
      {"{gte: 1}", "0 a", "x@0", "0 b"},
  };
  for (const StoryVector& vector : bounds) {
    const std::string rule = head + vector.rule;
    check("correlation", {{rule.c_str(), vector.fires, vector.want, vector.silent}});
  }
}

TEST_F(CorrelationVectors, EveryType) {
  check(
      "correlation",
      {
          {"type: event_count, rules: [a, b], group-by: [user], timespan: 10s, condition: {gte: 2}",
           "0 a user=u; 1 a user=v; 2 b user=u", "x@2:u", "0 a user=u; 1 b user=v; 2 c user=u; 3 a"},
          {"type: value_count, rules: [a], group-by: [user], timespan: 10s, condition: {field: n, gte: 2}",
           "0 a user=u n=1; 1 a user=u n=1; 2 a user=u n=2", "x@2:u",
           "0 a user=u n=1; 1 a user=v n=2; 2 a user=u; 12 a user=u n=3"},
          {"type: value_count, rules: [a], timespan: 10s, condition: {field: n, gt: 1, lt: 3}",
           "0 a n=1; 1 a n=2; 2 a n=3; 11 a n=2", "x@1 x@11", "0 a n=1; 1 a n=1"},
          {"type: value_count, rules: [a], timespan: 10s, condition: {field: n, gte: 2}", "0 a n=x; 1 a n=5", "x@1",
           "0 a n=5; 1 b n=6"},
          {"type: temporal, rules: [a, b, c], group-by: [user], timespan: 10s", "0 c user=u; 1 a user=u; 10 b user=u",
           "x@10:u", "0 c user=u; 1 a user=u; 11 b user=u; 11 b user=v"},
          {"type: temporal, rules: [a, b, c], timespan: 10s, condition: {gte: 2}", "0 a; 1 c", "x@1", "0 a; 1 a; 12 b"},
          {"type: temporal, rules: [a, b, c], timespan: 10s, condition: {eq: 1}", "0 a", "x@0", "0 -; 900 -"},
          {"type: temporal_ordered, rules: [a, b, c], group-by: [user], timespan: 10s",
           "0 a user=u; 1 b user=u; 10 c user=u", "x@10:u",
           "0 a user=u; 1 c user=u; 2 b user=u; 3 a user=u; 4 c user=v; 11 c user=u"},
          {"type: temporal_ordered, rules: [a, b, a], timespan: 10s", "0 a; 1 b; 2 a", "x@2", "0 a; 1 a; 2 b"},
          {"type: value_sum, rules: [a], group-by: [user], timespan: 10s, condition: {field: n, gt: 9.5}",
           "0 a user=u n=4.5; 1 a user=u n=5.1", "x@1:u", "0 a user=u n=4.5; 1 a user=v n=5.1; 11 a user=u n=9"},
          {"type: value_sum, rules: [a], timespan: 10s, condition: {field: n, lte: -5}", "0 a n=-3; 1 a n=-2", "x@1",
           "0 a n=-3; 1 a n=-1.9"},
          {"type: value_avg, rules: [a], timespan: 10s, condition: {field: n, gte: 5}", "0 a n=4; 1 a n=6", "x@1",
           "0 a n=4; 1 a n=5.9; 2 a n=x; 3 a"},
          {"type: value_median, rules: [a], timespan: 10s, condition: {field: n, eq: 2}", "0 a n=1; 1 a n=9; 2 a n=2",
           "x@2", "0 a n=1; 1 a n=9; 2 a n=3"},
          {"type: value_percentile, rules: [a], timespan: 10s, condition: {field: n, percentile: 75, gte: 4}",
           "0 a n=1; 1 a n=2; 2 a n=3; 3 a n=4; 4 a n=5", "x@4", "0 a n=1; 1 a n=2; 2 a n=3; 3 a n=4"},
          {"type: value_percentile, rules: [a], timespan: 10s, condition: {field: n, percentile: 0, lt: 2}",
           "0 a n=5; 1 a n=1", "x@1", "0 a n=5; 1 a n=2"},
          {"type: value_percentile, rules: [a], timespan: 10s, condition: {field: n, percentile: 100, gte: 9}",
           "0 a n=5; 1 a n=9", "x@1", "0 a n=5; 1 a n=8"},
      });
}

// A field that each rule calls something else.
TEST_F(CorrelationVectors, Aliases) {
  check("correlation",
        {
            {"type: event_count, rules: [a, b], group-by: [who], aliases: {who: {a: user, b: peer}}, timespan: 10s, "
             "condition: {gte: 2}",
             "0 a user=u; 1 b peer=u user=v", "x@1:u", "0 a user=u; 1 b user=u; 2 b peer=v; 3 a peer=u"},
            {"type: temporal_ordered, rules: [id-a, b], group-by: [who, desk], aliases: {who: {id-a: user, b: peer}}, "
             "timespan: 10s",
             "0 a user=u desk=d; 1 b peer=u desk=d", "x@1:u:d", "0 a user=u desk=d; 1 b peer=u desk=e; 2 b peer=u"},
            {"type: temporal, rules: [a, b], group-by: [who], aliases: {who: {a: user, b: peer}}, timespan: 10s",
             "0 b peer=u; 1 a user=u", "x@1:u", "0 b peer=u; 1 a user=v"},
            {"type: value_sum, rules: [a, b], aliases: {n: {a: in, b: out}}, timespan: 10s, condition: {field: n, gte: "
             "5}",
             "0 a in=2 out=9; 1 b out=3 in=9", "x@1", "0 a out=9; 1 b in=9; 2 a in=4"},
            {"type: value_count, rules: [a, b], aliases: {n: {a: in, b: out}}, timespan: 10s, condition: {field: n, "
             "gte: 2}",
             "0 a in=1; 1 b out=2", "x@1", "0 a in=1; 1 b out=1 in=2"},
        });
}

TEST_F(CorrelationVectors, GenerateLetsTheReferredRulesSpeak) {
  const std::string rule = detections() + "title: x\ncorrelation: {type: event_count, rules: [a], timespan: 10s, ";
  EXPECT_EQ(told(rule + "condition: {gte: 2}}\n", "0 a; 1 b; 2 a", true), "b@1 x@2");
  EXPECT_EQ(told(rule + "condition: {gte: 2}, generate: false}\n", "0 a; 1 b; 2 a", true), "b@1 x@2");
  EXPECT_EQ(told(rule + "condition: {gte: 2}, generate: true}\n", "0 a; 1 b; 2 a", true), "a@0 b@1 a@2 x@2");
}

// Each unit, closed at both ends: the second event is the whole span behind the first, or a second more.
TEST_F(CorrelationVectors, Timespans) {
  const std::vector<std::pair<const char*, int>> spans = {{"5000ms", 5},     {"7s", 7},         {"3m", 180},
                                                          {"2h", 7'200},     {"2d", 172'800},   {"2w", 1'209'600},
                                                          {"1M", 2'629'746}, {"1y", 31'556'952}};
  for (const auto& [span, seconds] : spans) {
    const std::string rule = "type: event_count, rules: [a], timespan: " + std::string(span) + ", condition: {gte: 2}";
    const std::string last = std::to_string(seconds);
    const std::string after = std::to_string(seconds + 1);
    check("correlation",
          {{rule.c_str(), ("0 a; " + last + " a").c_str(), ("x@" + last).c_str(), ("0 a; " + after + " a").c_str()}});
  }
}

TEST_F(CorrelationVectors, Chains) {
  const std::string burst =
      detections() +
      "title: burst\nname: burst\ncorrelation: {type: event_count, rules: [a], group-by: [user, host], timespan: 10s, "
      "condition: {gte: 2}}\n---\ntitle: x\ncorrelation: ";
  struct Chain {
    const char* rule;
    const char* fires;
    const char* want;
    const char* silent;
  };
  const std::vector<Chain> chains = {
      {"{type: event_count, rules: [burst], group-by: [host], timespan: 1h, condition: {gte: 2}}",
       "0 a user=u host=h; 1 a user=u host=h; 2 a user=v host=h; 3 a user=v host=h", "x@3:h",
       "0 a user=u host=h; 1 a user=u host=h; 2 a user=u host=h; 3 a user=v host=h; 4 a user=v host=i"},
      {"{type: value_count, rules: [burst], timespan: 1h, condition: {field: host, gte: 2}}",
       "0 a user=u host=h; 1 a user=u host=h; 2 a user=u host=i; 3 a user=u host=i", "x@3",
       "0 a user=u host=h; 1 a user=u host=h; 2 a user=v host=h; 3 a user=v host=h"},
      {"{type: temporal, rules: [burst, b], group-by: [user], timespan: 1m}",
       "0 b user=u; 1 a user=u host=h; 2 a user=u host=h", "x@2:u", "0 b user=u; 1 a user=u host=h; 2 a user=u host=i"},
      {"{type: temporal_ordered, rules: [burst, b], group-by: [user], timespan: 1m}",
       "0 a user=u host=h; 1 a user=u host=h; 2 b user=u", "x@2:u", "0 b user=u; 1 a user=u host=h; 2 a user=u host=h"},
      {"{type: temporal, rules: [burst, b], group-by: [user], timespan: 1m, condition: burst and not b}",
       "0 a user=u host=h; 1 a user=u host=h; 900 -", "x@61:u",
       "0 a user=u host=h; 1 a user=u host=h; 61 b user=u; 900 -"},
      {"{type: value_sum, rules: [burst], timespan: 1m, condition: {field: host, gte: 5}}",
       "0 a user=u host=3; 1 a user=u host=3; 2 a user=v host=3; 3 a user=v host=3", "x@3",
       "0 a user=u host=3; 1 a user=u host=3"},
  };
  for (const Chain& chain : chains) {
    EXPECT_EQ(told(burst + chain.rule + "\n", chain.fires), chain.want) << chain.rule;
    EXPECT_EQ(told(burst + chain.rule + "\n", chain.silent), "") << chain.rule;
  }
}

struct ExpressionVector {
  const char* condition;
  bool (*want)(bool a, bool b, bool c);
};

#define WANT(expression)       \
  [](bool a, bool b, bool c) { \
    (void)(a && b && c);       \
    return expression;         \
  }

// Which of three events of one moment there are, in every combination.
TEST_F(CorrelationVectors, ExpressionsOverAllCombinations) {
  const std::vector<ExpressionVector> vectors = {
      {"a", WANT(a)},
      {"a and b", WANT(a && b)},
      {"a or b", WANT(a || b)},
      {"a and b or c", WANT((a && b) || c)},
      {"a and (b or c)", WANT(a && (b || c))},
      {"id-a and id-c", WANT(a && c)},
      {"1 of id-* and c", WANT(c)},
      {"all of them", WANT(a && b && c)},
      {"any of them", WANT(a || b || c)},
      {"a and not b", WANT(a && !b)},
      {"not b and a", WANT(a && !b)},
      {"a and not b and not c", WANT(a && !b && !c)},
      {"a and not (b and c)", WANT(a && !(b && c))},
      {"(a or b) and not c", WANT((a || b) && !c)},
      {"a and not b or b and not a", WANT(a != b)},
      {"c and not 1 of id-a", WANT(c && !a)},
      {"a and not not b", WANT(a && b)},
  };
  for (const ExpressionVector& vector : vectors) {
    const std::string rules = detections() +
                              "title: x\ncorrelation: {type: temporal, rules: [a, b, c], timespan: 10s, condition: '" +
                              vector.condition + "'}\n";
    for (int bits = 0; bits < 8; ++bits) {
      std::string story = "5 z; ";
      for (int at = 0; at < 3; ++at) {
        if ((bits >> at & 1) != 0) story += std::string("5 ") + "abc"[at] + "; ";
      }
      const bool want = vector.want((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0);
      EXPECT_EQ(told(rules, story + "900 -").starts_with("x@"), want) << vector.condition << "  " << story;
    }
  }
}

// A filter changes what a correlation over its rule counts; it is not applied to the correlation.
TEST_F(CorrelationVectors, FiltersBeneathCorrelations) {
  const std::string rules =
      detections() +
      "title: x\ncorrelation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 2}}\n---\n"
      "title: f\nfilter: {rules: [a], s: {user|startswith: svc}, condition: not s}\n---\n"
      "title: g\nfilter: {rules: any, t: {n: 7}, condition: not t}\n";
  EXPECT_EQ(told(rules, "0 a user=u; 1 a"), "x@1");
  EXPECT_EQ(told(rules, "0 a user=u; 1 a user=svc-1; 2 a n=7; 3 b n=7", true), "");
  EXPECT_EQ(told(rules, "0 a user=u; 1 a user=svc-1; 2 a n=6; 3 b user=svc-1", true), "x@2 b@3");
}

}  // namespace
}  // namespace tapewatch

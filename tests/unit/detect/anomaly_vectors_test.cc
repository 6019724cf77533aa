// SPDX-License-Identifier: Apache-2.0
// Vectors of every type of anomaly: a story that fires, and one that must not.
#include "unit/detect/story_vectors.h"

namespace tapewatch {
namespace {

class AnomalyVectors : public StoryVectors {
 protected:
  // "0 a n=4; 10 a n=4; ...": `count` events of that text from `begin` on, `step` seconds apart.
  static std::string each(int begin, int step, int count, const std::string& text) {
    std::string story;
    for (int i = 0; i < count; ++i) story += std::to_string(begin + i * step) + " " + text + "; ";
    return story;
  }
  void check(const std::string& rule, const std::string& fires, const std::string& want, const std::string& silent) {
    StoryVectors::check("anomaly", {{rule.c_str(), fires.c_str(), want.c_str(), silent.c_str()}});
  }
};

TEST_F(AnomalyVectors, Silence) {
  const std::string alone = "type: silence, rules: [a], window: 1m";
  check(alone, "0 a; 61 -", "x@60", "0 a; 60 -");
  check(alone, "0 a; 30 a; 900 -", "x@90", "0 a; 60 a; 120 a; 180 -");
  check(alone, "0 a; 100 -; 101 a; 200 -", "x@60 x@161", "0 b; 900 -");
  check(alone + ", min-events: 2", "0 a; 10 a; 61 -", "x@60", "0 a; 10 a; 50 a; 70 -");
  check(alone + ", group-by: [host]", "0 a host=h; 0 a host=i; 30 a host=i; 61 -", "x@60:h",
        "0 a host=h; 0 a host=i; 30 a host=i; 30 a host=h; 60 -");
  check(alone + ", group-by: [host], forget-after: 90s", "0 a host=h; 900 -", "x@60:h", "0 a; 900 -");
  check("type: silence, rules: [a, b], window: 1m", "0 a; 40 b; 101 -", "x@100", "0 a; 40 b; 100 -");
  check(alone + ", active: {hours: '00:05-00:10'}", "0 a; 400 -", "x@360", "0 a; 359 -");
}

TEST_F(AnomalyVectors, Threshold) {
  const auto signal = [](const std::string& agg, const std::string& condition) {
    return "type: threshold, rules: [a], signal: {agg: " + agg + "}, step: 10s, condition: {" + condition + "}";
  };
  check(signal("count", "gte: 3"), "0 a; 1 a; 10 a", "x@10", "0 a; 1 a; 11 a; 12 b");
  check(signal("count", "lt: 1"), "0 a; 11 -", "x@10", "0 a; 10 -");
  check(signal("distinct, field: n", "gt: 1"), "0 a n=1; 1 a n=2", "x@1", "0 a n=1; 1 a n=1; 2 a; 12 a n=3; 13 b n=4");
  check(signal("sum, field: n", "gt: 5"), "0 a n=2; 1 a n=3.1", "x@1", "0 a n=2; 1 a n=3; 11 a n=2");
  check(signal("avg, field: n", "gte: 5"), "0 a n=4; 1 a n=6", "x@1", "0 a n=4; 1 a n=5; 2 a n=x");
  check(signal("median, field: n", "gt: 5"), "0 a n=1; 1 a n=6; 2 a n=7", "x@2", "0 a n=1; 1 a n=9; 2 a n=2");
  check(signal("min, field: n", "lt: 2"), "0 a n=5; 1 a n=1", "x@1", "0 a n=5; 1 a n=2");
  check(signal("max, field: n", "gt: 8"), "0 a n=5; 1 a n=9", "x@1", "0 a n=5; 1 a n=8; 2 b n=9");
  check(signal("p90, field: n", "gte: 9"), "0 a n=0; 1 a n=10", "x@1", "0 a n=0; 1 a n=9");
  check(signal("p99.9, field: n", "gte: 9.9"), "0 a n=0; 1 a n=10", "x@1", "0 a n=0; 1 a n=9");
  check(signal("avg, field: n", "gte: 2, lte: 3"), "0 a n=9; 11 a n=2", "x@11", "0 a n=9; 1 a n=5");
  check(signal("max, field: n", "gt: 8") + ", group-by: [venue]", "0 a n=9 venue=v; 1 a n=1 venue=w", "x@0:v",
        "0 a n=9; 1 a n=1 venue=w");
  check(signal("max, field: n", "gt: 8") + ", min-samples: 3", "0 a n=9; 1 a n=1; 2 a n=1", "x@2",
        "0 a n=9; 1 a n=9; 11 a n=9");
}

TEST_F(AnomalyVectors, Ratio) {
  const std::string ratio = "type: ratio, rules: [a], of: [any], window: 100s, ";
  check(ratio + "condition: {gt: 0.5}, min-samples: 4", "0 a; 1 b; 2 b; 3 a; 4 a", "x@4",
        "0 a; 1 a; 2 a; 103 a; 104 b");
  check(ratio + "condition: {lt: 0.25}, min-samples: 4", "0 a; 1 b; 2 b; 3 b; 4 b", "x@4", "0 a; 1 b; 2 b; 3 b");
  check(ratio + "condition: {gte: 0.25, lte: 0.5}, min-samples: 2", "0 a; 1 b", "x@1", "0 a; 1 a; 2 a; 3 b");
  check(ratio + "condition: {gte: 0.5}", each(0, 1, 10, "a") + each(10, 1, 10, "b"), "x@19",
        each(0, 1, 10, "a") + each(10, 1, 9, "b"));
  check(ratio + "condition: {gte: 0.5}, min-samples: 2, group-by: [host]", "0 a host=h; 1 b host=i; 2 b host=h",
        "x@2:h", "0 a host=h; 1 b host=i; 2 b host=i");
}

TEST_F(AnomalyVectors, Spike) {
  const std::string spike = "type: spike, rules: [a], window: 10s, baseline: 100s, factor: 3";
  const std::string few = ", min-current: 4, min-baseline: 5";
  check(spike + few, each(0, 10, 11, "a") + "105 a; 106 a; 107 a", "x@107",
        each(0, 10, 11, "a") + "105 a; 106 a; 115 a");
  check(spike + few, each(0, 20, 5, "a") + each(105, 1, 4, "a"), "x@108", each(20, 20, 4, "a") + each(105, 1, 9, "a"));
  // By default 20 events in the window, and 5 before.
  check(spike, each(0, 20, 5, "a") + each(101, 0, 20, "a"), "x@101", each(0, 20, 5, "a") + each(101, 0, 19, "a"));
  check(spike, each(0, 20, 5, "a") + each(101, 0, 20, "a"), "x@101", each(0, 25, 4, "a") + each(101, 0, 40, "a"));
  check(spike + few + ", group-by: [host]", each(0, 20, 5, "a host=h") + each(105, 1, 4, "a host=h"), "x@108:h",
        each(0, 20, 5, "a host=h") + each(105, 1, 4, "a host=i"));
  // Down: two thirds and less, of 20 before and with 5 in the window.
  const std::string down = "type: spike, rules: [a], window: 10s, baseline: 100s, factor: 1.5, direction: down";
  check(down, each(0, 1, 100, "a") + each(111, 2, 5, "a"), "x@119", each(0, 1, 130, "a"));
  // Against the same window 100 seconds earlier, whatever was between.
  const std::string then =
      "type: spike, rules: [a], window: 10s, offset: 100s, factor: 2, min-current: 4, min-baseline: 2";
  check(then, "2 a; 5 a; 20 a; 30 a; " + each(104, 1, 4, "a"), "x@107",
        "2 a; 5 a; 6 a; " + each(30, 1, 20, "a") + each(104, 1, 4, "a"));
  const std::string share = "type: spike, rules: [a], of: [any], window: 10s, baseline: 100s, factor: 2" + few;
  std::string before;  // one in five
  for (int i = 0; i < 25; ++i) before += std::to_string(1 + 4 * i) + (i % 5 == 0 ? " a; " : " b; ");
  check(share, before + "106 a; 107 b; 108 a; 109 b; 110 a", "x@109", before + "106 b; 107 b; 108 b; 109 a; 110 b");
}

TEST_F(AnomalyVectors, NewValue) {
  const std::string rule = "type: new_value, rules: [a], fields: [user], learn: 100s";
  check(rule, "0 a user=u; 101 a user=v; 102 a user=v", "x@101:v",
        "0 a user=u; 50 a user=v; 100 a user=u; 102 b user=w");
  check(rule, "0 a user=u; 90 a user=v; 191 a user=u", "x@191:u", "0 a user=u; 99 a user=w; 150 a; 199 a user=w");
  check("type: new_value, rules: [a], fields: [user, ip], learn: 100s",
        "0 a user=u ip=i; 1 a user=v ip=j; 101 a user=u ip=j", "x@101:u:j",
        "0 a user=u ip=i; 1 a user=v ip=j; 101 a user=v ip=j; 102 a user=w");
  check("type: new_value, rules: [a], group-by: [host], fields: user, learn: 100s",
        "0 a host=h user=u; 1 a host=i user=v; 101 a host=h user=v", "x@101:h:v",
        "0 a host=h user=u; 1 a host=i user=v; 101 a host=i user=v");
}

TEST_F(AnomalyVectors, Change) {
  const std::string rule = "type: change, rules: [a], field: v, group-by: [host]";
  check(rule, "0 a host=h v=1; 9 a host=i v=2; 900000 a host=h v=2", "x@900000:h",
        "0 a host=h v=1; 1 a host=i v=2; 2 a host=h v=1; 3 a host=h; 4 a host=h v=1; 5 b host=h v=2");
  check(rule + ", within: 60s", "0 a host=h v=1; 60 a host=h v=2", "x@60:h", "0 a host=h v=1; 61 a host=h v=2");
  check("type: change, rules: [a, b], field: v", "0 a v=x; 1 b v=y; 2 a v=x", "x@1 x@2", "0 a v=x; 1 b v=x");
}

// 150 steps of four or five events with values of 4 to 6, then one far out.
TEST_F(AnomalyVectors, Adaptive) {
  const auto rule = [](const std::string& more) {
    return "type: adaptive, rules: [a], step: 10s, season: none, " + more;
  };
  std::string usual;
  for (int step = 0; step < 150; ++step) {
    usual += each(step * 10, 2, 4 + step % 2, "a n=" + std::to_string(4 + step % 3));
  }
  const std::string many = each(1500, 0, 60, "a n=5") + "1600 -";
  const std::string none = "1600 -";
  const std::string high = each(1500, 2, 4, "a n=90") + "1510 -";
  const std::string low = each(1500, 2, 4, "a n=-90") + "1510 -";
  const std::string ordinary = each(1500, 2, 5, "a n=5") + "1510 -";
  check(rule("signal: {agg: count}, direction: up"), usual + many, "x@1510", usual + none);
  check(rule("signal: {agg: rate}, direction: down"), usual + none, "x@1510",
        usual + each(1500, 0, 60, "a") + "1510 -");
  check(rule("signal: {agg: count}"), usual + many, "x@1510", usual + ordinary);
  for (const char* agg : {"avg", "max", "min", "median", "p99", "sum"}) {
    const std::string of = std::string("signal: {agg: ") + agg + ", field: n}";
    check(rule(of + ", direction: up"), usual + high, "x@1510", usual + low);
    check(rule(of + ", direction: down"), usual + low, "x@1510", usual + high);
    check(rule(of), usual + low, "x@1510", usual + ordinary);
  }
  // The way back from the other side is no surprise: what one looks for is beyond the bounds.
  const auto dip = [&](const char* n) {
    return usual + each(1500, 2, 4, "a n=" + std::string(n)) + each(1510, 2, 4, "a n=5") + each(1520, 2, 4, "a n=5") +
           "1600 -";
  };
  const std::string average = "signal: {agg: avg, field: n}, direction: ";
  check(rule(average + "up"), dip("90"), "x@1510", dip("-90"));
  check(rule(average + "down"), dip("-90"), "x@1510", dip("90"));
  std::string values;
  for (int i = 0; i < 40; ++i) values += "1500 a n=" + std::to_string(i) + "; ";
  check(rule("signal: {agg: distinct, field: n}, direction: up"), usual + values + none, "x@1510", usual + many);
  check(rule("signal: {agg: avg, field: n}, min-samples: 4"), usual + high, "x@1510", usual + "1500 a n=90; " + none);
  check(rule("signal: {agg: avg, field: n}, warm-up: 24m"), usual + high, "x@1510",
        each(0, 2, 100, "a n=5") + "200 a n=90; 210 -");
  check(rule("signal: {agg: avg, field: n}, sensitivity: 1e-3"), usual + high, "x@1510", usual + ordinary);
}

TEST_F(AnomalyVectors, GenerateLetsTheReferredRulesSpeak) {
  const std::string head =
      detections() + "title: x\nanomaly: {type: threshold, rules: [a], signal: {agg: count}, step: 10s, ";
  EXPECT_EQ(told(head + "condition: {gte: 2}}\n", "0 a; 1 a", true), "x@1");
  EXPECT_EQ(told(head + "condition: {gte: 2}, generate: true}\n", "0 a; 1 a", true), "a@0 a@1 x@1");
}

}  // namespace
}  // namespace tapewatch

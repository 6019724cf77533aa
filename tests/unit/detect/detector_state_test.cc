// SPDX-License-Identifier: Apache-2.0
// Detectors that are saved, and go on in another one as if nothing had been.
#include <gtest/gtest.h>

#include <random>

#include "rules_fixture.h"

namespace tapewatch {
namespace {

// What is counted, and in `%` the kind of rule that counts it.
constexpr const char* base_rules = R"(
title: a
name: a
id: a
detection: {s: {e: a}, condition: s}
---
title: b
name: b
id: b
detection: {s: {e: b}, condition: s}
---
title: c
name: c
id: c
detection: {s: {e: c}, condition: s}
---
)";

struct Kind {
  const char* name;
  const char* rules;
  int lines = 60;
};

constexpr Kind kinds[] = {
    {"event_count", R"(
title: t
id: t
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gte: 3}})"},
    {"few_events", R"(
title: t
id: t
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 20s, condition: {lt: 2}})"},
    {"value_count", R"(
title: t
id: t
correlation: {type: value_count, rules: [a, b], group-by: [u], timespan: 15s, condition: {gte: 3, field: v}})"},
    {"temporal", R"(
title: t
id: t
correlation: {type: temporal, rules: [a, b, c], group-by: [u], timespan: 8s})"},
    {"temporal_not", R"(
title: t
id: t
correlation: {type: temporal, rules: [a, b], group-by: [u], timespan: 8s, condition: a and not b})"},
    {"temporal_ordered", R"(
title: t
id: t
correlation: {type: temporal_ordered, rules: [a, b, c], group-by: [u], timespan: 20s})"},
    {"value_sum", R"(
title: t
id: t
correlation: {type: value_sum, rules: [a], group-by: [u], timespan: 12s, condition: {gt: 12.05, field: x}})"},
    {"value_avg", R"(
title: t
id: t
correlation: {type: value_avg, rules: [a, b], group-by: [u], timespan: 12s, condition: {gt: 3.3, field: x}})"},
    {"value_percentile", R"(
title: t
id: t
correlation: {type: value_percentile, rules: [a, b], timespan: 25s, condition: {gt: 6, field: x, percentile: 80}})"},
    {"value_median", R"(
title: t
id: t
correlation: {type: value_median, rules: [a], group-by: [u], timespan: 25s, condition: {gt: 4, field: x}})"},
    {"chain", R"(
title: inner
id: inner
name: inner
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 5s, condition: {gte: 2}}
---
title: t
id: t
correlation: {type: value_count, rules: [inner], timespan: 30s, condition: {gte: 2, field: u}})"},
    {"adaptive", R"(
title: t
id: t
level: high
anomaly: {type: adaptive, rules: [a], signal: {agg: count}, step: 3s, group-by: [u], sensitivity: 0.05, warm-up: 9s})",
     400},
    {"adaptive_mean", R"(
title: t
id: t
level: high
anomaly: {type: adaptive, rules: [a, b], signal: {agg: avg, field: x}, step: 2s, season: [20s], sensitivity: 0.1,
          min-samples: 1}
tapewatch: {keep_firing_for: 5s})",
     400},
    {"silence", R"(
title: t
id: t
anomaly: {type: silence, rules: [a], group-by: [u], window: 12s})"},
    {"spike", R"(
title: t
id: t
anomaly: {type: spike, rules: [a], window: 5s, baseline: 15s, factor: 1.2, min-current: 2, min-baseline: 2})"},
    {"forgetful_silence", R"(
title: t
id: t
anomaly: {type: silence, rules: [a], group-by: [u], window: 12s, forget-after: 30s})"},
    {"spike_of_a_share", R"(
title: t
id: t
anomaly: {type: spike, rules: [a], of: [a, b, c], window: 5s, baseline: 15s, factor: 1.2, min-current: 2, min-baseline: 2})"},
    {"new_value", R"(
title: t
id: t
anomaly: {type: new_value, rules: [a, b], fields: [u, v], learn: 25s})"},
    {"change", R"(
title: t
id: t
anomaly: {type: change, rules: [a, c], group-by: [u], field: v, within: 20s})"},
    {"ratio", R"(
title: t
id: t
anomaly: {type: ratio, rules: [a], of: [a, b, c], window: 20s, condition: {gt: 0.6}, min-samples: 3})"},
    {"for_and_keep", R"(
title: t
id: t
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gte: 2}}
tapewatch: {for: 4s, keep_firing_for: 6s, min_samples: 2, evidence: 2})"},
    {"realert", R"(
title: t
id: t
correlation: {type: event_count, rules: [a, b], group-by: [u], timespan: 10s, condition: {gte: 2}}
tapewatch: {realert: {every: 5s, exponential: true, max: 20s}, annotations: {what: "{{ count }} of {{ u }}"}})"},
    {"flow", R"(
title: t
id: t
flow:
  key: u
  steps: {a: a, b: b, c: c}
  expect: [{step: c, after: b}, {step: b, after: a, within: 4s}, {step: a, at_most: 3}, {step: c, at_least: 2},
           {differ: [a.v, b.v]}, {step: b, before: c, within: 6s}]
  timeout: 12s
tapewatch: {evidence: 3, keep_firing_for: 20s})",
     180},
    {"flow_realert", R"(
title: t
id: t
flow: {key: [u, v], steps: {a: [a, b], c: c}, expect: [{step: c, after: a}], timeout: 10s, lateness: 3s}
tapewatch: {realert: {every: 20s, exponential: true, max: 2m}})",
     180},
    {"plain_realert", R"(
title: t
id: t
detection: {s: {e: [a, b]}, condition: s}
tapewatch: {realert: 7s})"},
};

// A stream in which most things happen: three users, late events, pauses.
std::vector<std::string> stream(unsigned seed, int events) {
  std::minstd_rand random(seed);
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::vector<std::string> lines;
  int time = 1000;
  for (int i = 0; i < events; ++i) {
    time += static_cast<int>(below(10) == 0 ? 15 + below(60) : below(3));
    const int late = below(8) == 0 ? static_cast<int>(below(12)) : 0;
    const char* kind = below(2) == 0 ? "a" : below(2) == 0 ? "b" : "c";
    lines.push_back("{\"t\":" + std::to_string(time - late) + ",\"e\":\"" + kind + "\",\"u\":\"u" +
                    std::to_string(below(3)) + "\",\"v\":\"v" + std::to_string(below(4)) +
                    "\",\"x\":" + std::to_string(below(80)) + "." + std::to_string(below(10)) + "}");
  }
  return lines;
}

class DetectorState : public RulesFixture {
 protected:
  DetectorState() {
    detector_options_.tell_ends = true;
    detector_options_.window.lateness_ns = 5'000'000'000;
  }

  // Everything that alerts show, in their order.
  void append(const std::vector<Alert>& alerts, std::vector<std::string>& texts) const {
    for (const Alert& alert : alerts) {
      std::string text = to_hex(alert_message_id(alert)) + " " + std::to_string(alert.time_ns);
      append_alert_document(text, alert);
      append_alert_webhook(text, alert);
      texts.push_back(text);
    }
  }

  void run(const std::vector<std::string>& lines, std::size_t from, std::size_t to, std::vector<std::string>& alerts) {
    for (std::size_t i = from; i < to; ++i) {
      document_ = lines[i];
      append(see(lines[i]), alerts);
    }
    if (to < lines.size()) return;
    std::vector<Alert> last;  // the clock goes on when nothing comes
    for (std::int64_t seconds = 0; seconds < 3; ++seconds) {
      const std::int64_t now_ns = (1000 + 100 * seconds) * 1'000'000'000;
      detector_->advance(now_ns + 1'000'000'000'000, last);
    }
    append(last, alerts);
  }

  std::string saved() {
    std::string bytes;
    EXPECT_EQ(detector_->save(bytes).rules_left_out, 0u);
    return bytes;
  }

  // With a fresh detector of the same rules from `split` on.
  std::vector<std::string> run_split(const std::string& yaml, const std::vector<std::string>& lines,
                                     std::size_t split) {
    std::vector<std::string> alerts;
    offset_ = 0;
    start(yaml);
    run(lines, 0, split, alerts);
    const std::string bytes = saved();
    const std::uint64_t events = detector_->counters().events;
    start(yaml);
    const auto restored = detector_->load(bytes);
    if (!restored.ok()) {
      ADD_FAILURE() << restored.error().message;
      return alerts;
    }
    EXPECT_TRUE(restored->left_out.empty());
    EXPECT_EQ(restored->rules, detector_->rules().size());
    EXPECT_EQ(detector_->counters().events, events);
    EXPECT_TRUE(saved() == bytes) << "saved again it is something else";
    run(lines, split, lines.size(), alerts);
    return alerts;
  }
};

class EveryKind : public DetectorState, public testing::WithParamInterface<Kind> {};

INSTANTIATE_TEST_SUITE_P(, EveryKind, testing::ValuesIn(kinds), [](const auto& kind) { return kind.param.name; });

TEST_P(EveryKind, GoesOnAsIfNothingHadBeenWhereverItIsCut) {
  const std::string yaml = std::string(base_rules) + GetParam().rules;
  const std::vector<std::string> lines = stream(7, GetParam().lines);
  std::vector<std::string> whole;
  start(yaml);
  run(lines, 0, lines.size(), whole);
  const Detector::Counters counters = detector_->counters();
  for (std::size_t split = 0; split <= lines.size(); split += lines.size() / 60) {
    ASSERT_EQ(run_split(yaml, lines, split), whole) << "cut behind line " << split;
    const Detector::Counters now = detector_->counters();
    EXPECT_EQ(now.events, counters.events);
    EXPECT_EQ(now.alerts, counters.alerts);
    EXPECT_EQ(now.alerts_ended, counters.alerts_ended);
    EXPECT_EQ(now.late_events, counters.late_events);
    EXPECT_EQ(now.evidence_dropped, counters.evidence_dropped);
    EXPECT_EQ(now.evaluations, counters.evaluations);
    EXPECT_EQ(now.groups, counters.groups);
  }
}

TEST_P(EveryKind, AlertsInThisStream) {
  start(std::string(base_rules) + GetParam().rules);
  std::vector<std::string> alerts;
  const std::vector<std::string> lines = stream(7, GetParam().lines);
  run(lines, 0, lines.size(), alerts);
  const auto& by_rule = detector_->alerts_by_rule();
  EXPECT_GT(by_rule.back(), 0u) << "a test that sees no alert shows nothing";
}

TEST_F(DetectorState, GoesOnThroughManyLives) {
  std::string yaml = base_rules;
  int number = 0;
  for (const Kind& kind : kinds) {
    std::string rules = kind.rules;
    for (std::size_t at = 0; (at = rules.find("\nid: t", at)) != std::string::npos; ++at)
      rules.replace(at, 6, "\nid: t" + std::to_string(number));
    if (number++ > 0) yaml += "\n---";
    yaml += rules;
  }
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const std::vector<std::string> lines = stream(seed, 400);
    detector_options_.window.groups_kept = 2;
    detector_options_.window.points_max = seed % 2 == 0 ? 4 : 10'000;
    detector_options_.window.evidence_bytes_max = 600;
    std::vector<std::string> whole;
    offset_ = 0;
    start(yaml);
    run(lines, 0, lines.size(), whole);
    std::vector<std::string> parts;
    std::minstd_rand random(seed);
    offset_ = 0;
    start(yaml);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t next = std::min<std::size_t>(lines.size(), at + 1 + random() % 40);
      run(lines, at, next, parts);
      at = next;
      if (at == lines.size()) break;
      const std::string bytes = saved();
      start(yaml);
      ASSERT_TRUE(detector_->load(bytes).ok());
    }
    ASSERT_EQ(parts, whole) << "seed " << seed;
  }
}

TEST_F(DetectorState, DamagedBytesAreRefusedAndChangeNothing) {
  std::string yaml = std::string(base_rules) + kinds[0].rules + "\n---" + kinds[12].rules;
  for (std::size_t at = 0; (at = yaml.rfind("\nid: t")) != std::string::npos;) {
    yaml.replace(at, 6, "\nid: z");
    break;
  }
  const std::vector<std::string> lines = stream(3, 40);
  std::vector<std::string> whole;
  start(yaml);
  run(lines, 0, 30, whole);
  const std::string bytes = saved();
  start(yaml);
  const std::string fresh = saved();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(detector_->load(std::string_view(bytes).substr(0, size)).ok()) << size;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    const auto loaded = detector_->load(flipped);
    ASSERT_FALSE(loaded.ok()) << at;
  }
  // With the checksum put right again: refused, or loaded as something else, but never half.
  for (std::size_t at = 8; at < bytes.size() - 8; ++at) {
    std::string flipped = bytes.substr(0, bytes.size() - 8);
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    StateWriter(flipped).word(hash64(flipped));
    const auto loaded = detector_->load(flipped);
    if (!loaded.ok()) {
      ASSERT_TRUE(saved() == fresh) << at;
    } else {
      start(yaml);
    }
  }
  ASSERT_TRUE(detector_->load(bytes).ok());
}

TEST_F(DetectorState, ChangedRulesStartAnewAndOthersGoOn) {
  const std::string counts =
      "title: t\nid: t\ncorrelation: {type: event_count, rules: [a], group-by: [u], timespan: 10s, condition: {gte: "
      "3}}\n";
  const std::string stays =
      "---\ntitle: s\nid: s\ncorrelation: {type: event_count, rules: [b], group-by: [u], timespan: 10s, condition: "
      "{gte: 2}}\n";
  const std::string head(base_rules);
  start(head + counts + stays);
  for (int i = 0; i < 2; ++i) (void)see("{\"t\":1,\"e\":\"a\",\"u\":\"x\"}");
  (void)see("{\"t\":1,\"e\":\"b\",\"u\":\"x\"}");
  const std::string bytes = saved();

  struct Change {
    const char* from;
    const char* to;
    bool kept;
  };
  for (const Change& change : {Change{"gte: 3", "gte: 3", true},
                               {"title: t", "title: another\nlevel: high", true},
                               {"gte: 3", "gt: 2", false},
                               {"10s", "11s", false},
                               {"[u]", "[v]", false},
                               {"gte: 3}}", "gte: 3}}\ntapewatch: {labels: {a: b}}", true},
                               {"gte: 3}}", "gte: 3}}\ntapewatch: {realert: 5s}", false}}) {
    std::string changed = counts;
    changed.replace(changed.find(change.from), std::string(change.from).size(), change.to);
    // Other fields come first now, so that all have other numbers.
    fields_ = FieldTable();
    (void)fields_.add("before.all.others");
    start(head + changed + stays);
    const auto restored = detector_->load(bytes);
    ASSERT_TRUE(restored.ok());
    EXPECT_EQ(restored->left_out, change.kept ? std::vector<std::string>{} : std::vector<std::string>{"t"})
        << change.to;
    const bool alerted = !see("{\"t\":2,\"e\":\"a\",\"u\":\"x\",\"v\":\"x\"}").empty();
    EXPECT_EQ(alerted, change.kept) << change.to;
    EXPECT_FALSE(see("{\"t\":2,\"e\":\"b\",\"u\":\"x\"}").empty());
  }
  // What a correlation counts is part of it.
  std::string other = head;
  other.replace(other.find("{e: a}"), 6, "{e: [a, d]}");
  start(other + counts + stays);
  EXPECT_EQ(detector_->load(bytes)->left_out, (std::vector<std::string>{"a", "t"}));
}

TEST_F(DetectorState, AlertsOfRulesThatAreGoneEnd) {
  start(std::string(base_rules) + kinds[0].rules);
  for (int i = 0; i < 3; ++i) (void)see("{\"t\":100,\"e\":\"a\",\"u\":\"x\"}");
  EXPECT_EQ(detector_->counters().firing, 1u);
  const std::string bytes = saved();
  start(base_rules);
  ASSERT_TRUE(detector_->load(bytes).ok());
  ASSERT_EQ(detector_->firing().size(), 1u);
  const std::vector<Alert> ends = see("{\"t\":200,\"e\":\"x\"}");
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].state, AlertState::resolved);
  EXPECT_EQ(ends[0].rule_id, "t");
}

TEST_F(DetectorState, WhatDoesNotFitIsLeftOutRuleByRule) {
  start(std::string(base_rules) + kinds[0].rules);
  std::string text(2000, 'x');
  for (int i = 0; i < 2; ++i) (void)see("{\"t\":100,\"e\":\"a\",\"u\":\"" + text + "\"}");
  std::string bytes;
  EXPECT_EQ(detector_->save(bytes, 1000).rules_left_out, 1u);
  EXPECT_LT(bytes.size(), 1000u);
  start(std::string(base_rules) + kinds[0].rules);
  const auto restored = detector_->load(bytes);
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored->left_out, std::vector<std::string>{"t"});
  EXPECT_EQ(restored->rules, 3u);
}

}  // namespace
}  // namespace tapewatch

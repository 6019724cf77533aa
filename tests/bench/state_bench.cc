// SPDX-License-Identifier: Apache-2.0
// What it costs to save what rules remember, and to read it again: a rule over so many groups, each with three events,
// and so many series of a rule that learns. usage: bench_state [GROUPS [SERIES [WITH_DOCUMENTS]]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/rule_loader.h"
#include "event/parser.h"

namespace {

using namespace tapewatch;

constexpr const char* rules = R"(
title: a
name: a
detection: {s: {e: a}, condition: s}
---
title: b
name: b
detection: {s: {e: b}, condition: s}
---
title: counts
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1h, condition: {gte: 100}}
---
title: learns
anomaly: {type: adaptive, rules: [b], signal: {agg: avg, field: x}, step: 10s, group-by: [u], min-samples: 1}
)";

class Bench final {
 public:
  Bench() {
    options_.window.groups_max = options_.window.points_max = 2'000'000;
    options_.window.groups_kept = options_.window.series_max = 2'000'000;
    options_.tell_ends = true;
  }
  std::unique_ptr<Detector> detector() {
    Diagnostics diagnostics;
    RuleLoader loader(fields_, {}, diagnostics);
    loader.add_text("rules", rules);
    return std::make_unique<Detector>(loader.finish(), options_);
  }
  void fill(Detector& detector, int groups, int series, bool documents) {
    Parser parser(fields_, nullptr);
    for (int turn = 0; turn < 3; ++turn) {
      for (int i = 0; i < groups; ++i) see(detector, parser, "a", i, turn, documents);
    }
    for (int turn = 0; turn < 60; ++turn) {
      for (int i = 0; i < series; ++i) see(detector, parser, "b", i, turn, false);
    }
  }

 private:
  void see(Detector& detector, Parser& parser, const char* kind, int group, int turn, bool documents) {
    text_ = std::string("{\"e\":\"") + kind + "\",\"u\":\"user-" + std::to_string(100'000 + group) +
            "\",\"x\":" + std::to_string(group * 7 % 100 + turn) + "}";
    Line line;
    line.text = text_;
    line.full_bytes = text_.size();
    Event& event = parser.parse(line, source_, 0);
    event.time_ns = (1'767'571'200 + turn * 10) * std::int64_t{1'000'000'000} + group;
    detector.see(event, documents ? std::string_view(text_) : std::string_view(), alerts_);
  }

  FieldTable fields_;
  Detector::Options options_;
  SourceFile source_;
  std::string text_;
  std::vector<Alert> alerts_;
};

template <typename Run>
double milliseconds(const Run& run) {
  std::vector<double> all;
  for (int i = 0; i < 7; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    all.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

}  // namespace

int main(int count, char** words) {
  const int groups = count > 1 ? std::atoi(words[1]) : 100'000;
  const int series = count > 2 ? std::atoi(words[2]) : 0;
  Bench bench;
  auto detector = bench.detector();
  bench.fill(*detector, groups, series, count > 3);
  std::string bytes;
  const double save_ms = milliseconds([&] {
    bytes.clear();
    detector->save(bytes);
  });
  bool good = true;
  const double load_ms = milliseconds([&] { good = bench.detector()->load(bytes).ok() && good; });
  std::printf("groups %d series %d: %.1f MiB, save %.1f ms, load %.1f ms%s\n", groups, series,
              static_cast<double>(bytes.size()) / (1 << 20), save_ms, load_ms, good ? "" : " REFUSED");
  return good ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
// What `adaptive` thinks of one series: reads "SECONDS VALUE" lines from stdin and writes a score for each, 0 where a
// larger one was lately (only the largest can be an alarm). What a point cost goes to stderr. tests/bench/nab runs it.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "detect/surprise.h"

int main() {
  struct Point {
    double seconds;
    double value;
  };
  std::vector<Point> points;
  for (Point point{}; std::scanf("%lf %lf", &point.seconds, &point.value) == 2;) points.push_back(point);
  tapewatch::SurpriseOptions options;
  options.sensitivity = 0.999;  // every peak
  tapewatch::Surprise surprise(options);
  std::vector<double> scores;
  scores.reserve(points.size());
  const auto begin = std::chrono::steady_clock::now();
  for (const Point& point : points) {
    const auto verdict = surprise.see(static_cast<std::int64_t>(point.seconds) * 1'000'000'000, point.value);
    scores.push_back(verdict.alarm ? verdict.score : 0);
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
  for (const double score : scores) std::printf("%.9g\n", score);
  std::fprintf(stderr, "%.0f\n", points.empty() ? 0 : spent.count() / static_cast<double>(points.size()));
  return 0;
}

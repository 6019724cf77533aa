// SPDX-License-Identifier: Apache-2.0
#pragma once
// Aggregate: what a correlation measures of the events in one window, kept up as they come and go: distinct values,
// which of its rules have matched and in what order, a sum, an order of values. Owned by a group of a Window. Thread:
// worker.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/state_bytes.h"
#include "detect/ordered_values.h"
#include "detect/rule.h"

namespace tapewatch {

// One event of a group. `value`: the hash of what value_count counts, the position of the rule that matched (temporal),
// or the bits of a number.
struct WindowPoint {
  std::int64_t time_ns = 0;
  std::uint64_t value = 0;
};

class Aggregate final {
 public:
  explicit Aggregate(const CorrelationRule& rule) : rule_(&rule) {}

  // In the order of time; temporal_ordered cannot take a late one and is filled anew.
  void enter(const WindowPoint& point);
  void leave(const WindowPoint& point);
  void clear();
  // What the condition is about; of a window with `points` events that begins at `start_ns`. Not a number: there is
  // nothing to measure. An expression over rules is 1 where it holds.
  [[nodiscard]] double measure(std::size_t points, std::int64_t start_ns) const;

  // What the points alone do not say: sums as they were rounded, and sequences.
  void save(StateWriter& out) const;
  // Behind enter() of the points that are in the window.
  void load(StateReader& in);

 private:
  void add(double value);

  const CorrelationRule* rule_;
  std::unordered_map<std::uint64_t, std::uint32_t> values_;  // how often
  double sum_ = 0;
  double rest_ = 0;  // what the sum lost in rounding
  OrderedValues ordered_;
  std::vector<std::int64_t> chain_;  // per rule: when the latest sequence up to it began
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/aggregate.h"

#include <bit>
#include <cmath>
#include <limits>

namespace tapewatch {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t never = INT64_MIN;

bool node_holds(const CorrelationRule& rule, std::uint32_t index,
                const std::unordered_map<std::uint64_t, std::uint32_t>& seen) {
  const Node& node = rule.nodes[index];
  if (node.kind == Node::Kind::item) return seen.contains(node.item);
  for (const std::uint32_t child : node.children) {
    const bool holds = node_holds(rule, child, seen);
    if (node.kind == Node::Kind::all_of && !holds) return false;
    if (node.kind == Node::Kind::any_of && holds) return true;
    if (node.kind == Node::Kind::none_of && holds) return false;
  }
  return node.kind != Node::Kind::any_of;
}

bool sums(CorrelationType type) {
  return type == CorrelationType::value_sum || type == CorrelationType::value_avg || type == CorrelationType::ratio;
}

}  // namespace

// With what every step loses in rounding kept beside the sum.
void Aggregate::add(double value) {
  const double sum = sum_ + value;
  const double of_value = sum - sum_;
  rest_ += (sum_ - (sum - of_value)) + (value - of_value);
  sum_ = sum;
}

void Aggregate::enter(const WindowPoint& point) {
  switch (rule_->type) {
    case CorrelationType::event_count:
    case CorrelationType::spike:
    case CorrelationType::new_value:
    case CorrelationType::change:
      break;
    case CorrelationType::value_count:
    case CorrelationType::temporal:
      ++values_[point.value];
      break;
    case CorrelationType::temporal_ordered:
      chain_.resize(rule_->rules.size(), never);
      if (point.value == 0) {
        chain_[0] = point.time_ns;
      } else {
        chain_[point.value] = std::max(chain_[point.value], chain_[point.value - 1]);
      }
      break;
    case CorrelationType::value_sum:
    case CorrelationType::value_avg:
    case CorrelationType::ratio:
      add(std::bit_cast<double>(point.value));
      break;
    case CorrelationType::value_percentile:
    case CorrelationType::value_median:
      ordered_.insert(std::bit_cast<double>(point.value));
      break;
  }
}

void Aggregate::leave(const WindowPoint& point) {
  switch (rule_->type) {
    case CorrelationType::event_count:
    case CorrelationType::temporal_ordered:
    case CorrelationType::spike:
    case CorrelationType::new_value:
    case CorrelationType::change:
      break;
    case CorrelationType::value_count:
    case CorrelationType::temporal:
      if (const auto value = values_.find(point.value); value != values_.end() && --value->second == 0) {
        values_.erase(value);
      }
      break;
    case CorrelationType::value_sum:
    case CorrelationType::value_avg:
    case CorrelationType::ratio:
      add(-std::bit_cast<double>(point.value));
      break;
    case CorrelationType::value_percentile:
    case CorrelationType::value_median:
      ordered_.erase(std::bit_cast<double>(point.value));
      break;
  }
}

void Aggregate::clear() { *this = Aggregate(*rule_); }

double Aggregate::measure(std::size_t points, std::int64_t start_ns) const {
  if (points < rule_->points_min) return nothing;
  switch (rule_->type) {
    case CorrelationType::event_count:
    case CorrelationType::spike:
    case CorrelationType::new_value:
    case CorrelationType::change:
      break;
    case CorrelationType::value_count:
      return static_cast<double>(values_.size());
    case CorrelationType::temporal:
      if (!rule_->nodes.empty()) return node_holds(*rule_, rule_->root, values_) ? 1 : 0;
      return static_cast<double>(values_.size());
    case CorrelationType::temporal_ordered:
      return !chain_.empty() && chain_.back() >= start_ns ? static_cast<double>(rule_->rules.size()) : 0;
    case CorrelationType::value_sum:
      return points == 0 ? 0 : sum_ + rest_;
    case CorrelationType::value_avg:
    case CorrelationType::ratio:
      return points == 0 ? nothing : (sum_ + rest_) / static_cast<double>(points);
    case CorrelationType::value_percentile:
    case CorrelationType::value_median:
      return points == 0 || ordered_.size() == 0 ? nothing : ordered_.percentile(rule_->percentile);
  }
  return static_cast<double>(points);
}

void Aggregate::save(StateWriter& out) const {
  if (sums(rule_->type)) {
    out.real(sum_);
    out.real(rest_);
  }
  if (rule_->type != CorrelationType::temporal_ordered) return;
  out.flag(!chain_.empty());
  for (const std::int64_t began_ns : chain_) out.word(static_cast<std::uint64_t>(began_ns));
}

void Aggregate::load(StateReader& in) {
  if (sums(rule_->type)) {
    sum_ = in.real();
    rest_ = in.real();
  }
  if (rule_->type != CorrelationType::temporal_ordered) return;
  chain_.assign(in.flag() ? rule_->rules.size() : 0, never);
  for (std::int64_t& began_ns : chain_) began_ns = static_cast<std::int64_t>(in.word());
}

}  // namespace tapewatch

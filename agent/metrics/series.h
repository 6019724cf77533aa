// SPDX-License-Identifier: Apache-2.0
#pragma once
// Counter, Gauge and Distribution: one number each (a distribution: one a bucket), and Family: those of one name, one a
// set of label values. An update is one relaxed atomic operation; a handle stays valid as long as its family, so that
// whoever counts often keeps it. Label values come from the configuration and from fixed lists only, never from events:
// a family is bounded, and what passes its bound is counted under "other". Owned by AgentMetrics. Thread: any.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace tapewatch {

class Counter final {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  // For what is counted elsewhere and only shown here: the total so far. Never goes back. One thread at a time.
  void raise_to(std::uint64_t total) {
    if (total > value()) value_.store(total, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge final {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Counts per bucket; a value belongs to the first bucket whose bound it does not pass.
class Distribution final {
 public:
  explicit Distribution(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value, std::uint64_t times = 1) {
    const auto at = static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
    counts_[at].fetch_add(times, std::memory_order_relaxed);
    sum_.fetch_add(value * static_cast<double>(times), std::memory_order_relaxed);
  }
  [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }
  // Of bucket `at` alone; the last one, at bounds().size(), has no bound.
  [[nodiscard]] std::uint64_t count(std::size_t at) const { return counts_[at].load(std::memory_order_relaxed); }
  [[nodiscard]] double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;  // ascending
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

// Name, help and label names of a family: string literals.
struct FamilyText {
  std::string_view name;
  std::string_view help;
  std::vector<std::string_view> labels;
};

template <typename Series>
class Family final {
 public:
  using Values = std::vector<std::string>;
  static constexpr std::size_t series_max_default = 200;

  // `on_overflow` counts lookups that passed the bound; may be null.
  Family(FamilyText text, std::function<std::unique_ptr<Series>()> make, Counter* on_overflow = nullptr,
         std::size_t series_max = series_max_default)
      : text_(std::move(text)), make_(std::move(make)), on_overflow_(on_overflow), series_max_(series_max) {}

  // The series of these values, one a label, made when it is new.
  Series& with(std::initializer_list<std::string_view> values) EXCLUDES(mutex_) {
    Values key(values.begin(), values.end());
    key.resize(text_.labels.size());
    MutexLock lock(mutex_);
    if (const auto it = series_.find(key); it != series_.end()) return *it->second;
    if (series_.size() >= series_max_ && !key.empty()) {
      if (on_overflow_ != nullptr) on_overflow_->add();
      std::fill(key.begin(), key.end(), "other");
    }
    std::unique_ptr<Series>& slot = series_[std::move(key)];
    if (!slot) slot = make_();
    return *slot;
  }

  [[nodiscard]] const FamilyText& text() const { return text_; }
  void for_each(const std::function<void(const Values&, const Series&)>& visit) const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (const auto& [values, series] : series_) visit(values, *series);
  }

 private:
  const FamilyText text_;
  const std::function<std::unique_ptr<Series>()> make_;
  Counter* const on_overflow_;
  const std::size_t series_max_;
  mutable Mutex mutex_;
  std::map<Values, std::unique_ptr<Series>> series_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

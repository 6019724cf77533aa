// SPDX-License-Identifier: Apache-2.0
#pragma once
// TableGenerations: a counter per table that only grows. Counters of the same tables have the same sum exactly as long
// as none of them moved, so a value remembers one number; `epoch` tells cheaply that nothing moved at all. Thread: any.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace tapewatch {

class TableGenerations final {
 public:
  explicit TableGenerations(std::size_t tables_max) : tables_max_(tables_max), counters_(1, 0) {}

  using Ids = std::vector<std::uint32_t>;

  [[nodiscard]] Ids ids(std::span<const std::string_view> names) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    Ids out;
    out.reserve(names.size());
    for (const std::string_view name : names) out.push_back(id(name));
    return out;
  }
  [[nodiscard]] std::uint64_t sum(const Ids& ids) const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::uint64_t out = all_;
    for (const std::uint32_t id : ids) out += counters_[id];
    return out;
  }
  void bump(std::string_view name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++counters_[id(name)];
    ++epoch_;
  }
  void bump_all() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++all_;
    ++epoch_;
  }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

 private:
  // Number 0 is shared by the names beyond the limit.
  std::uint32_t id(std::string_view name) REQUIRES(mutex_) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    if (numbers_.size() >= tables_max_) return 0;
    const auto number = static_cast<std::uint32_t>(counters_.size());
    counters_.push_back(0);
    numbers_.emplace(name, number);
    return number;
  }

  const std::size_t tables_max_;
  mutable Mutex mutex_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_ GUARDED_BY(mutex_);
  std::vector<std::uint64_t> counters_ GUARDED_BY(mutex_);
  std::uint64_t all_ GUARDED_BY(mutex_) = 0;
  std::atomic<std::uint64_t> epoch_{0};
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// CommitListeners: who is told which tables a commit changed. A listener that was removed is not called any more when
// the removal has returned. Thread: any.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "tapewatch/storage.h"

namespace tapewatch {

class CommitListeners final {
 public:
  std::uint64_t add(Store::OnCommit listener) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    listeners_.emplace_back(++last_, std::move(listener));
    any_ = true;
    return last_;
  }
  void remove(std::uint64_t number) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::erase_if(listeners_, [number](const auto& each) { return each.first == number; });
    any_ = !listeners_.empty();
  }
  [[nodiscard]] bool any() const { return any_; }
  void tell(const std::vector<const std::string*>& tables) EXCLUDES(mutex_) {
    if (tables.empty() || !any_) return;
    std::vector<std::string_view> names;
    names.reserve(tables.size());
    for (const std::string* table : tables) names.push_back(*table);
    MutexLock lock(mutex_);
    for (const auto& each : listeners_) each.second(names);
  }

 private:
  Mutex mutex_;
  std::vector<std::pair<std::uint64_t, Store::OnCommit>> listeners_ GUARDED_BY(mutex_);
  std::uint64_t last_ GUARDED_BY(mutex_) = 0;
  std::atomic<bool> any_{false};
};

}  // namespace tapewatch

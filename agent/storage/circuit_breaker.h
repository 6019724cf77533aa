// SPDX-License-Identifier: Apache-2.0
#pragma once
// CircuitBreaker: after so many failures in a row nobody tries for a while; then one may, and its success closes the
// circuit again. Thread: any.

#include <chrono>
#include <cstdint>

#include "base/mutex.h"

namespace tapewatch {

class CircuitBreaker final {
 public:
  CircuitBreaker(int failures_max, std::chrono::nanoseconds open_for)
      : failures_max_(failures_max), open_for_ns_(open_for.count()) {}

  // Whoever is allowed tells how it ended.
  [[nodiscard]] bool allow(std::int64_t now_ns) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (failures_ < failures_max_) return true;
    if (now_ns < retry_ns_) return false;
    retry_ns_ = now_ns + open_for_ns_;
    return true;
  }
  void succeeded() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    failures_ = 0;
  }
  void failed(std::int64_t now_ns) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (failures_ < failures_max_) ++failures_;
    retry_ns_ = now_ns + open_for_ns_;
  }
  [[nodiscard]] bool open() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return failures_ >= failures_max_;
  }

 private:
  const int failures_max_;
  const std::int64_t open_for_ns_;
  mutable Mutex mutex_;
  int failures_ GUARDED_BY(mutex_) = 0;
  std::int64_t retry_ns_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tapewatch

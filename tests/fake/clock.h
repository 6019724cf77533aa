// SPDX-License-Identifier: Apache-2.0
#pragma once
// FakeClock: stands still until a test turns it. Thread: any.

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace tapewatch {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override { return wall_ns_; }
  [[nodiscard]] std::int64_t steady_ns() const override { return steady_ns_; }
  void advance(std::chrono::nanoseconds time) {
    wall_ns_ += time.count();
    steady_ns_ += time.count();
  }
  // A step of the wall clock alone, as a time server makes it.
  void set_wall_ns(std::int64_t ns) { wall_ns_ = ns; }

 private:
  std::atomic<std::int64_t> wall_ns_{1'767'571'200'000'000'000};  // 2026-01-05T00:00:00Z
  std::atomic<std::int64_t> steady_ns_{1'000'000'000};
};

}  // namespace tapewatch

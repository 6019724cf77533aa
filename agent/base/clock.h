// SPDX-License-Identifier: Apache-2.0
#pragma once
// Clock: the one place where time comes from, injected into everything that asks, so that tests turn it by hand.
// Thread: any (implementations are immutable or atomic).

#include <cstdint>

namespace tapewatch {

inline constexpr std::int64_t ns_per_second = 1'000'000'000;
inline constexpr std::int64_t ns_per_ms = 1'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since 1970-01-01T00:00:00Z; may jump.
  [[nodiscard]] virtual std::int64_t wall_ns() const = 0;
  // Nanoseconds since an arbitrary start; never goes back. Every deadline and age is measured with it.
  [[nodiscard]] virtual std::int64_t steady_ns() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override;
  [[nodiscard]] std::int64_t steady_ns() const override;
};

}  // namespace tapewatch

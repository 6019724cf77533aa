// SPDX-License-Identifier: Apache-2.0
#pragma once
// Concurrency: how many requests may be in flight: additive increase while replies come as fast as usual,
// multiplicative decrease when they slow down or the engine refuses. Starts at one. Thread: loop.

#include <chrono>
#include <cstdint>

namespace tapewatch {

class Concurrency final {
 public:
  explicit Concurrency(int max);

  [[nodiscard]] int limit() const { return static_cast<int>(limit_); }
  // A request was answered as it should be. `in_flight` counts it too, as of its end: a limit that was not reached has
  // not been proved too low.
  void succeeded(std::int64_t started_ns, std::int64_t now_ns, int in_flight);
  // The engine said that it has too much to do, or was not there.
  void refused(std::int64_t started_ns, std::int64_t now_ns);

 private:
  void lower(double factor, std::int64_t started_ns, std::int64_t now_ns);

  const int max_;
  double limit_ = 1;
  double usual_ms_ = 0;  // moving averages of the time to a reply and of its spread
  double spread_ms_ = 0;
  std::int64_t lowered_ns_ = 0;
  bool measured_ = false;
};

}  // namespace tapewatch

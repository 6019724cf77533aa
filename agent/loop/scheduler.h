// SPDX-License-Identifier: Apache-2.0
#pragma once
// Scheduler: "call this later", the seam between everything that waits and the loop. Loop implements it with real time;
// tests turn one by hand (tests/fake/scheduler.h). Thread: that of the loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace tapewatch {

// Never used twice by one scheduler. 0 names no timer.
using TimerId = std::uint64_t;

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Calls `fn` once, at least `delay` from now, never from inside this call. Timers that are due together run in the
  // order of their deadlines, then of their making.
  virtual TimerId after(std::chrono::nanoseconds delay, std::function<void()> fn) = 0;
  // Forgets a timer. Harmless when it has run already, or is 0.
  virtual void cancel(TimerId id) = 0;
};

// One timer that starts, stops and repeats, and stops when it is destroyed, also from inside its own callback.
// The scheduler must outlive it.
class Timer final {
 public:
  Timer(Scheduler& scheduler, std::function<void()> fn);
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Starts again when running. A `repeat` of zero means once.
  void start(std::chrono::nanoseconds delay, std::chrono::nanoseconds repeat = {});
  void stop();
  [[nodiscard]] bool running() const { return id_ != 0; }

 private:
  void fire();

  Scheduler& scheduler_;
  const std::shared_ptr<const std::function<void()>> fn_;
  std::chrono::nanoseconds repeat_{};
  TimerId id_ = 0;
};

}  // namespace tapewatch

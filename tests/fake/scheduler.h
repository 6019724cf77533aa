// SPDX-License-Identifier: Apache-2.0
#pragma once
// FakeScheduler: a Scheduler and a Clock that stand still until a test moves them. Single-threaded.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "loop/scheduler.h"
#include "loop/timer_queue.h"

namespace tapewatch {

class FakeScheduler final : public Scheduler, public Clock {
 public:
  explicit FakeScheduler(std::int64_t wall_start_ns = 1'767'571'200 * ns_per_second) : wall_start_ns_(wall_start_ns) {}

  TimerId after(std::chrono::nanoseconds delay, std::function<void()> fn) override {
    return timers_.add(now_ns_ + std::max<std::int64_t>(delay.count(), 0), std::move(fn));
  }
  void cancel(TimerId id) override { timers_.cancel(id); }
  [[nodiscard]] std::int64_t wall_ns() const override { return wall_start_ns_ + now_ns_; }
  [[nodiscard]] std::int64_t steady_ns() const override { return now_ns_; }

  // Moves time on and runs what falls due, each at its own moment, also what those callbacks add.
  void advance(std::chrono::nanoseconds duration) {
    const std::int64_t end_ns = now_ns_ + duration.count();
    while (timers_.first_deadline_ns() && *timers_.first_deadline_ns() <= end_ns) {
      now_ns_ = std::max(now_ns_, *timers_.first_deadline_ns());
      timers_.run_one(now_ns_, timers_.next_id());
    }
    now_ns_ = end_ns;
  }
  // Runs what is due now.
  void settle() { advance({}); }
  // How long until the next timer; nullopt when there is none.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> next_delay() const {
    const std::optional<std::int64_t> first = timers_.first_deadline_ns();
    if (!first) return std::nullopt;
    return std::chrono::nanoseconds(*first - now_ns_);
  }
  [[nodiscard]] std::size_t timers() const { return timers_.size(); }

 private:
  const std::int64_t wall_start_ns_;
  std::int64_t now_ns_ = 0;
  TimerQueue timers_;
};

}  // namespace tapewatch

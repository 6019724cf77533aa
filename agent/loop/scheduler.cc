// SPDX-License-Identifier: Apache-2.0
#include "loop/scheduler.h"

#include <utility>

namespace tapewatch {

Timer::Timer(Scheduler& scheduler, std::function<void()> fn)
    : scheduler_(scheduler), fn_(std::make_shared<const std::function<void()>>(std::move(fn))) {}

void Timer::start(std::chrono::nanoseconds delay, std::chrono::nanoseconds repeat) {
  stop();
  repeat_ = repeat;
  id_ = scheduler_.after(delay, [this] { fire(); });
}

void Timer::stop() { scheduler_.cancel(std::exchange(id_, 0)); }

void Timer::fire() {
  id_ = repeat_.count() > 0 ? scheduler_.after(repeat_, [this] { fire(); }) : 0;
  // The callback may destroy this timer, so it is held by a reference of its own.
  const std::shared_ptr<const std::function<void()>> fn = fn_;
  (*fn)();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <uv.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/files.h"

namespace tapewatch {

struct Loop::Handles {
  uv_async_t wake{};
  uv_timer_t timer{};
};

Loop::Loop(const Clock& clock)
    : clock_(clock), handles_(std::make_unique<Handles>()), thread_(std::this_thread::get_id()) {}

Result<std::unique_ptr<Loop>> Loop::open(const Clock& clock) {
  std::unique_ptr<Loop> loop(new Loop(clock));
  if (Status status = loop->init(); !status) return std::move(status).error();
  return loop;
}

Status Loop::init() {
  auto native = std::make_unique<uv_loop_s>();
  if (const int rc = uv_loop_init(native.get()); rc != 0) return errno_error("starting the event loop", -rc);
  native_ = std::move(native);
  native_->data = this;
  const int rc = uv_async_init(native_.get(), &handles_->wake,
                               [](uv_async_t* h) { static_cast<Loop*>(h->loop->data)->run_posted(); });
  if (rc != 0) return errno_error("starting the event loop", -rc);
  CHECK(uv_timer_init(native_.get(), &handles_->timer) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  return success();
}

Loop::~Loop() {
  if (!native_) return;
  adopt_thread();
  // What is still queued may own objects with handles: it goes before the loop does.
  { const TimerQueue forgotten = std::exchange(timers_, TimerQueue()); }
  {
    std::vector<std::function<void()>> forgotten;
    MutexLock lock(mutex_);
    forgotten.swap(posted_);
  }
  for (uv_handle_t* handle :
       {reinterpret_cast<uv_handle_t*>(&handles_->wake), reinterpret_cast<uv_handle_t*>(&handles_->timer)}) {
    if (handle->type != UV_UNKNOWN_HANDLE) uv_close(handle, nullptr);
  }
  // Every handle of ours is closing by now; a round or two runs their close callbacks.
  uv_run(native_.get(), UV_RUN_DEFAULT);
  CHECK(uv_loop_close(native_.get()) == 0);
}

void Loop::adopt_thread() { thread_.store(std::this_thread::get_id(), std::memory_order_relaxed); }

void Loop::run() {
  adopt_thread();
  while (!stop_.exchange(false)) uv_run(native_.get(), UV_RUN_DEFAULT);
}

void Loop::stop() {
  stop_.store(true);
  uv_async_send(&handles_->wake);
}

void Loop::run_once() {
  adopt_thread();
  one_round_ = true;
  uv_run(native_.get(), UV_RUN_ONCE);
  one_round_ = false;
}

void Loop::poll() {
  adopt_thread();
  uv_run(native_.get(), UV_RUN_NOWAIT);
}

void Loop::post(std::function<void()> fn) {
  bool first = false;
  {
    MutexLock lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(fn));
  }
  if (first) uv_async_send(&handles_->wake);
}

void Loop::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    MutexLock lock(mutex_);
    posted.swap(posted_);
  }
  for (const std::function<void()>& fn : posted) fn();
  if (stop_.load()) uv_stop(native_.get());
}

char* Loop::scratch() {
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<char[]>(scratch_bytes);
  return scratch_.get();
}

TimerId Loop::after(std::chrono::nanoseconds delay, std::function<void()> fn) {
  CHECK(on_thread());
  // "Never" may be asked for as the largest number there is, which must not overflow; a year is as good.
  const std::chrono::nanoseconds waited = std::clamp<std::chrono::nanoseconds>(delay, {}, std::chrono::hours(24 * 365));
  const TimerId id = timers_.add(clock_.steady_ns() + waited.count(), std::move(fn));
  arm_timer();
  return id;
}

void Loop::cancel(TimerId id) {
  if (id == 0) return;
  CHECK(on_thread());
  timers_.cancel(id);
}

// A cancelled timer leaves the handle armed: waking once for nothing costs less than arming it again each time.
void Loop::arm_timer() {
  const std::optional<std::int64_t> first = timers_.first_deadline_ns();
  if (in_timers_ || !first) return;
  const std::int64_t wait_ns = std::max<std::int64_t>(*first - clock_.steady_ns(), 0);
  const auto wait_ms = static_cast<std::uint64_t>((wait_ns + ns_per_ms - 1) / ns_per_ms);
  uv_update_time(native_.get());
  uv_timer_start(
      &handles_->timer, [](uv_timer_t* h) { static_cast<Loop*>(h->loop->data)->run_timers(); }, wait_ms, 0);
}

void Loop::run_timers() {
  in_timers_ = true;
  const std::int64_t now_ns = clock_.steady_ns();
  const TimerId id_limit = timers_.next_id();
  while (timers_.run_one(now_ns, id_limit)) {
  }
  in_timers_ = false;
  arm_timer();
  // libuv runs timers first and would then still wait for an event.
  if (one_round_) uv_stop(native_.get());
}

}  // namespace tapewatch

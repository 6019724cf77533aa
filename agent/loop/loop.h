// SPDX-License-Identifier: Apache-2.0
#pragma once
// Loop: the one event loop of the agent, over libuv. Files, timers, sockets and signals live on its thread; other
// threads reach it by post() and nothing else. Owned by the wiring and outlives every object that was made on it; those
// may be destroyed in any order before it, also from inside their own callbacks. Thread: the one that made it, then the
// one that runs it; post() and stop() from any.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "loop/scheduler.h"
#include "loop/timer_queue.h"
#include "tapewatch/result.h"

struct uv_loop_s;

namespace tapewatch {

class Loop final : public Scheduler {
 public:
  // Fails when the process has no descriptors left. Ignores SIGPIPE for the whole process: a peer that hangs up is an
  // error of one connection.
  static Result<std::unique_ptr<Loop>> open(const Clock& clock);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Serves until stop(). A stop() that came before makes it return at once.
  void run();
  void stop();
  // Makes the calling thread the loop's: run() does it by itself; needed to end things after the thread that ran it
  // ended.
  void adopt_thread();
  // One round: waits for at least one event, or only looks.
  void run_once();
  void poll();

  // Queues `fn` for the loop's thread. Order of posts of one thread is kept.
  void post(std::function<void()> fn) EXCLUDES(mutex_);

  TimerId after(std::chrono::nanoseconds delay, std::function<void()> fn) override;
  void cancel(TimerId id) override;

  [[nodiscard]] const Clock& clock() const { return clock_; }
  // For CHECKs: whether the caller is on the loop's thread.
  [[nodiscard]] bool on_thread() const { return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
  // For the files of this folder only.
  [[nodiscard]] uv_loop_s* native() { return native_.get(); }
  // A buffer for one read at a time, for the files of this folder only.
  static constexpr unsigned scratch_bytes = 64 * 1024;
  [[nodiscard]] char* scratch();

 private:
  struct Handles;
  explicit Loop(const Clock& clock);
  Status init();
  void run_posted() EXCLUDES(mutex_);
  void run_timers();
  void arm_timer();

  const Clock& clock_;

  // Loop thread.
  std::unique_ptr<uv_loop_s> native_;
  std::unique_ptr<Handles> handles_;
  TimerQueue timers_;
  std::unique_ptr<char[]> scratch_;
  bool in_timers_ = false;
  bool one_round_ = false;

  std::atomic<std::thread::id> thread_;
  std::atomic<bool> stop_{false};
  Mutex mutex_;
  std::vector<std::function<void()>> posted_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

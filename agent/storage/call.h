// SPDX-License-Identifier: Apache-2.0
#pragma once
// Call: one asynchronous call from its submission to its answer, which it gives exactly once: after it ran, or without
// running when it was cancelled, ran out of time or the store closed. CallLimits answers calls whose time is over while
// they still wait. Thread: any.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "tapewatch/async.h"

namespace tapewatch {

struct CallCounts {
  std::atomic<std::int64_t> in_flight{0};  // not answered yet
  std::atomic<std::int64_t> expired{0};
  std::atomic<std::int64_t> cancelled{0};
};

class Call final : public std::enable_shared_from_this<Call> {
 public:
  using Done = std::function<void(Status)>;

  static std::shared_ptr<Call> make(CallOptions options, Done done, const Clock& clock,
                                    std::shared_ptr<CallCounts> counts);
  Call(CallOptions options, Done done, std::int64_t deadline_ns, std::shared_ptr<CallCounts> counts);
  ~Call() { counts_->in_flight.fetch_sub(1, std::memory_order_relaxed); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // True for the one who is to run and answer it.
  [[nodiscard]] bool claim() { return !claimed_.exchange(true, std::memory_order_acq_rel); }
  void answer(Status result);
  // Answers it unless somebody has claimed it.
  void give_up(Error error) {
    if (claim()) answer(std::move(error));
  }
  // Nobody will answer it: it was refused, and its maker was told.
  void drop() { done_ = nullptr; }

  [[nodiscard]] const CallOptions& options() const { return options_; }
  [[nodiscard]] std::int64_t deadline_ns() const { return deadline_ns_; }  // 0: none
  [[nodiscard]] bool claimed() const { return claimed_.load(std::memory_order_acquire); }

 private:
  const CallOptions options_;
  const std::int64_t deadline_ns_;
  const std::shared_ptr<CallCounts> counts_;
  Done done_;
  Status result_ = success();
  std::atomic<bool> claimed_{false};
  std::optional<std::stop_callback<std::function<void()>>> stopped_;
};

class CallLimits final {
 public:
  explicit CallLimits(const Clock& clock) : clock_(clock) {}
  ~CallLimits();
  // Its thread begins with the first call.
  void add(const std::shared_ptr<Call>& call) EXCLUDES(mutex_);

 private:
  void run() EXCLUDES(mutex_);
  void forget_answered() REQUIRES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  Condition changed_;
  std::multimap<std::int64_t, std::weak_ptr<Call>> calls_ GUARDED_BY(mutex_);
  std::size_t tidy_at_ GUARDED_BY(mutex_) = 1024;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

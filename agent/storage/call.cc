// SPDX-License-Identifier: Apache-2.0
#include "storage/call.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tapewatch {

Call::Call(CallOptions options, Done done, std::int64_t deadline_ns, std::shared_ptr<CallCounts> counts)
    : options_(std::move(options)), deadline_ns_(deadline_ns), counts_(std::move(counts)), done_(std::move(done)) {
  counts_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

std::shared_ptr<Call> Call::make(CallOptions options, Done done, const Clock& clock,
                                 std::shared_ptr<CallCounts> counts) {
  const std::int64_t deadline_ns = options.limit.count() > 0 ? clock.steady_ns() + options.limit.count() : 0;
  auto call = std::make_shared<Call>(std::move(options), std::move(done), deadline_ns, std::move(counts));
  if (call->options_.stop.stop_possible()) {
    // Weak: the callback is a part of the call itself.
    call->stopped_.emplace(call->options_.stop, [weak = std::weak_ptr<Call>(call)] {
      const std::shared_ptr<Call> alive = weak.lock();
      if (alive != nullptr) alive->give_up(Error{Code::cancelled, "the call was cancelled before it began"});
    });
  }
  return call;
}

void Call::answer(Status result) {
  if (!result.ok() && result.error().code == Code::timeout) counts_->expired.fetch_add(1, std::memory_order_relaxed);
  if (!result.ok() && result.error().code == Code::cancelled)
    counts_->cancelled.fetch_add(1, std::memory_order_relaxed);
  if (!done_) return;
  if (options_.executor == nullptr) {
    std::exchange(done_, nullptr)(std::move(result));
    return;
  }
  result_ = std::move(result);
  // The call lives as long as its answer waits, so that answers in flight are counted.
  options_.executor->post(
      [self = shared_from_this()] { std::exchange(self->done_, nullptr)(std::move(self->result_)); });
}

CallLimits::~CallLimits() {
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void CallLimits::add(const std::shared_ptr<Call>& call) {
  MutexLock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  if (calls_.size() >= tidy_at_) forget_answered();
  const bool first = calls_.empty() || call->deadline_ns() < calls_.begin()->first;
  calls_.emplace(call->deadline_ns(), call);
  if (first) changed_.notify_one();
}

void CallLimits::forget_answered() {
  std::erase_if(calls_, [](const auto& entry) {
    const std::shared_ptr<Call> alive = entry.second.lock();
    return alive == nullptr || alive->claimed();
  });
  tidy_at_ = std::max<std::size_t>(1024, 2 * calls_.size());
}

void CallLimits::run() {
  for (;;) {
    std::vector<std::shared_ptr<Call>> over;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      const std::int64_t now_ns = clock_.steady_ns();
      while (!calls_.empty() && calls_.begin()->first <= now_ns) {
        over.push_back(calls_.begin()->second.lock());
        calls_.erase(calls_.begin());
      }
      if (over.empty()) {
        if (calls_.empty())
          changed_.wait(mutex_);
        else
          changed_.wait_for(mutex_, std::chrono::nanoseconds(calls_.begin()->first - now_ns));
      }
    }
    for (const std::shared_ptr<Call>& call : over) {
      if (call != nullptr) call->give_up(Error{Code::timeout, "the call waited longer than its limit"});
    }
  }
}

}  // namespace tapewatch

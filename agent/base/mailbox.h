// SPDX-License-Identifier: Apache-2.0
#pragma once
// Mailbox<T>: a closable queue from one thread to another, bounded by the weight (bytes) of what it holds. The producer
// never blocks: it asks `try_put` and stops producing when the answer is no. Thread: any.

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace tapewatch {

template <typename T>
class Mailbox final {
 public:
  explicit Mailbox(std::size_t weight_max) : weight_max_(weight_max) {}

  // False when the mailbox is closed, or when it holds something and `weight` more would pass the limit. One item alone
  // is always taken, so that nothing larger than the limit is stuck for ever.
  [[nodiscard]] bool try_put(T&& item, std::size_t weight) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (closed_ || (!items_.empty() && weight_ + weight > weight_max_)) return false;
    items_.emplace_back(std::move(item), weight);
    weight_ += weight;
    filled_.notify_one();
    return true;
  }

  // Waits for an item; nullopt once the mailbox is closed and empty.
  [[nodiscard]] std::optional<T> take() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) filled_.wait(mutex_);
    return pop();
  }

  // As take(), but gives up after `limit`: nullopt then too.
  [[nodiscard]] std::optional<T> take_for(std::chrono::nanoseconds limit) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (items_.empty() && !closed_) filled_.wait_for(mutex_, limit);
    return pop();
  }

  void close() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    closed_ = true;
    filled_.notify_all();
  }

  [[nodiscard]] bool drained() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }

 private:
  std::optional<T> pop() REQUIRES(mutex_) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front().first));
    weight_ -= items_.front().second;
    items_.pop_front();
    return item;
  }

  const std::size_t weight_max_;
  Mutex mutex_;
  Condition filled_;
  std::deque<std::pair<T, std::size_t>> items_ GUARDED_BY(mutex_);
  std::size_t weight_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace tapewatch

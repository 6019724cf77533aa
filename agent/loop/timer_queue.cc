// SPDX-License-Identifier: Apache-2.0
#include "loop/timer_queue.h"

namespace tapewatch {

TimerId TimerQueue::add(std::int64_t deadline_ns, std::function<void()> fn) {
  const TimerId id = next_id_++;
  queue_.emplace(std::pair(deadline_ns, id), std::move(fn));
  deadlines_.emplace(id, deadline_ns);
  return id;
}

void TimerQueue::cancel(TimerId id) {
  const auto found = deadlines_.find(id);
  if (found == deadlines_.end()) return;
  queue_.erase(std::pair(found->second, id));
  deadlines_.erase(found);
}

std::optional<std::int64_t> TimerQueue::first_deadline_ns() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first.first;
}

bool TimerQueue::run_one(std::int64_t now_ns, TimerId id_limit) {
  for (auto next = queue_.begin(); next != queue_.end() && next->first.first <= now_ns; ++next) {
    if (next->first.second >= id_limit) continue;
    const std::function<void()> fn = std::move(next->second);
    deadlines_.erase(next->first.second);
    queue_.erase(next);
    fn();
    return true;
  }
  return false;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// TimerQueue: callbacks ordered by deadline, the bookkeeping of a Scheduler without any notion of waiting. Owned by
// Loop, and by the hand-cranked scheduler of the tests. Thread: its owner's.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "loop/scheduler.h"

namespace tapewatch {

class TimerQueue final {
 public:
  TimerId add(std::int64_t deadline_ns, std::function<void()> fn);
  void cancel(TimerId id);
  [[nodiscard]] std::optional<std::int64_t> first_deadline_ns() const;
  // Runs the earliest callback whose deadline is not behind `now_ns` and whose id is below `id_limit`; false when there
  // is none. The limit keeps a callback that asks for "at once" from running in the round that made it.
  bool run_one(std::int64_t now_ns, TimerId id_limit);
  // The id that the next timer will get.
  [[nodiscard]] TimerId next_id() const { return next_id_; }
  [[nodiscard]] std::size_t size() const { return deadlines_.size(); }

 private:
  std::map<std::pair<std::int64_t, TimerId>, std::function<void()>> queue_;
  std::unordered_map<TimerId, std::int64_t> deadlines_;
  TimerId next_id_ = 1;
};

}  // namespace tapewatch

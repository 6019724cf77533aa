// SPDX-License-Identifier: Apache-2.0
#include "sinks/dead_letter_queue.h"

#include <utility>

#include "base/check.h"

namespace tapewatch {

DeadLetterQueue::DeadLetterQueue(Options options, DeadLetterStore store, Random random, Scheduler& scheduler, Log& log)
    : options_(options), store_(std::move(store)), random_(std::move(random)), log_(log), retry_(scheduler, [this] {
        pump();
      }) {
  CHECK(store_);
}

void DeadLetterQueue::push(RefusedDocument letter, std::function<void()> written) {
  bytes_ += bytes_of(letter);
  waiting_.push_back(Entry{std::move(letter), std::move(written)});
  pump();
}

// A store may answer at once: the loop below, not recursion, then takes the next.
void DeadLetterQueue::pump() {
  if (std::exchange(pumping_, true)) return;
  while (!waiting_.empty() && in_flight_.size() < options_.in_flight_max && !retry_.running()) {
    const std::uint64_t id = next_id_++;
    const Entry& entry = in_flight_.emplace(id, std::move(waiting_.front())).first->second;
    waiting_.pop_front();
    store_(entry.letter, [this, id, alive = std::weak_ptr<bool>(alive_)](const Status& status) {
      if (!alive.expired()) finish(id, status);
    });
  }
  pumping_ = false;
}

void DeadLetterQueue::finish(std::uint64_t id, const Status& status) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  Entry entry = std::move(found->second);
  in_flight_.erase(found);
  if (status.ok()) {
    failures_in_a_row_ = 0;
    bytes_ -= bytes_of(entry.letter);
    entry.written();
  } else {
    ++failures_;
    ++failures_in_a_row_;
    log_.error("dead letter not written, trying again", {{"error.message", status.error().message}});
    waiting_.push_front(std::move(entry));
    if (!retry_.running()) retry_.start(backoff_delay(options_.backoff, failures_in_a_row_, random_));
  }
  pump();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// DeadLetterQueue: hands dead letters to their store, a few at a time, and again with backoff until each is written. It
// holds them in memory meanwhile: while the store fails, the batches they came from stay unacknowledged, so that
// reading stops by itself. Thread: loop.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/log.h"
#include "loop/scheduler.h"
#include "sinks/backoff.h"
#include "sinks/sink.h"

namespace tapewatch {

class DeadLetterQueue final {
 public:
  struct Options {
    std::size_t in_flight_max = 64;
    BackoffOptions backoff;
  };
  DeadLetterQueue(Options options, DeadLetterStore store, Random random, Scheduler& scheduler, Log& log);

  // Calls `written` once the letter is durable, possibly from inside this call.
  void push(RefusedDocument letter, std::function<void()> written);
  [[nodiscard]] std::size_t waiting() const { return waiting_.size() + in_flight_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  struct Entry {
    RefusedDocument letter;
    std::function<void()> written;
  };
  static std::size_t bytes_of(const RefusedDocument& letter) { return letter.action.size() + letter.document.size(); }
  void pump();
  void finish(std::uint64_t id, const Status& status);

  const Options options_;
  const DeadLetterStore store_;
  const Random random_;
  Log& log_;
  std::deque<Entry> waiting_;
  std::unordered_map<std::uint64_t, Entry> in_flight_;
  std::uint64_t next_id_ = 1;
  std::size_t bytes_ = 0;
  std::uint64_t failures_ = 0;
  int failures_in_a_row_ = 0;
  bool pumping_ = false;
  Timer retry_;
  // Answers of the store that come after this queue is gone find it expired.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// StoreSink: hands sealed batches to the embedded log store and acknowledges their spans once they are committed. What
// the store refuses (a full disk, a full queue) is kept and offered again, in order, for ever; the read budget bounds
// how much that can be. What waits goes to the store as one batch, and one batch at a time: were a later one committed
// while an earlier one failed, the store would take the earlier one's second try for a duplicate. Thread: loop.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "loop/loop.h"
#include "loop/scheduler.h"
#include "sinks/sink.h"
#include "sinks/store_feed.h"

namespace tapewatch {

class StoreSink final {
 public:
  struct Options {
    std::chrono::milliseconds retry{1000};
    std::size_t batch_bytes_max = 4u << 20;
  };
  using Acked = std::function<void(const Delivered&)>;

  // The store, the loop and the log outlive the sink.
  StoreSink(Options options, LogStore& store, Loop& loop, Log& log, Acked acked);
  ~StoreSink();
  StoreSink(const StoreSink&) = delete;
  StoreSink& operator=(const StoreSink&) = delete;

  void accept(StoreBatch batch);
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  [[nodiscard]] bool idle() const { return queue_.empty(); }
  // Batches that the store refused and that were offered again.
  [[nodiscard]] std::uint64_t retries() const { return retries_; }

 private:
  void pump();
  void committed(const Status& status);

  const Options options_;
  LogStore& store_;
  Loop& loop_;
  Log& log_;
  const Acked acked_;
  std::deque<StoreBatch> queue_;  // oldest first
  std::size_t in_flight_ = 0;     // a copy of so many of the oldest is with the store, as one batch
  std::uint64_t next_number_ = 1;
  std::size_t queued_bytes_ = 0;
  std::uint64_t retries_ = 0;
  Timer retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for callbacks that the store's thread still holds
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Worker: the thread that runs the pipeline, and the mailbox that feeds it.
// Owned by the agent. The loop thread puts blocks in; sealed batches leave
// through the pipeline's outputs. Whatever was put in before close() is worked
// off.

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/mailbox.h"
#include "event/line_block.h"
#include "pipeline.h"

namespace tapewatch {

class Worker final {
 public:
  // `pipeline` belongs to the worker's thread from start() to the end of
  // join().
  Worker(Pipeline& pipeline, const Clock& clock, std::size_t mailbox_bytes);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // False when the mailbox is full: the caller stops reading and tries again
  // later.
  [[nodiscard]] bool put(LineBlock&& block);
  // At this steady time everything that could be read had been put: since then the input has been silent.
  void caught_up(std::int64_t steady_ns) { caught_up_ns_.store(steady_ns, std::memory_order_release); }
  // Grows while the thread works or waits for work: one that stands still is stuck. Thread: any.
  [[nodiscard]] std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  // No more blocks will come; the thread ends once the mailbox is empty and
  // every batch is sealed.
  void close() { mailbox_.close(); }
  void join();

 private:
  void run();

  Pipeline& pipeline_;
  const Clock& clock_;
  Mailbox<LineBlock> mailbox_;
  std::atomic<std::int64_t> caught_up_ns_{0};
  std::atomic<std::uint64_t> turns_{0};
  std::thread thread_;
};

}  // namespace tapewatch

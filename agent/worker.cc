// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <pthread.h>

namespace tapewatch {
namespace {

// How long the worker waits for a block before it looks at the age of its
// batches and windows.
constexpr std::chrono::milliseconds idle_wait{20};

}  // namespace

Worker::Worker(Pipeline& pipeline, const Clock& clock, std::size_t mailbox_bytes)
    : pipeline_(pipeline), clock_(clock), mailbox_(mailbox_bytes) {}

Worker::~Worker() {
  close();
  join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "worker");
}

bool Worker::put(LineBlock&& block) {
  const std::size_t weight = block.size;
  return mailbox_.try_put(std::move(block), weight);
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  while (!mailbox_.drained()) {
    // Read before the mailbox is: an empty one then says that every block put by that time has been worked on.
    const std::int64_t caught_up_ns = caught_up_ns_.load(std::memory_order_acquire);
    const std::optional<LineBlock> block = mailbox_.take_for(idle_wait);
    if (block) {
      pipeline_.run(*block);
    } else {
      pipeline_.silent_until(caught_up_ns);
    }
    pipeline_.turn(clock_.steady_ns());
    turns_.fetch_add(1, std::memory_order_relaxed);
  }
  pipeline_.finish();
}

}  // namespace tapewatch

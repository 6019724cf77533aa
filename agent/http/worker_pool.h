// SPDX-License-Identifier: Apache-2.0
#pragma once
// WorkerPool: a few threads that answer requests which may wait for the disk. Jobs are bounded by count (each holds one
// bounded request); what does not fit is refused at once. Owned by the front door. Thread: any.

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "base/mailbox.h"

namespace tapewatch {

class WorkerPool final {
 public:
  WorkerPool(std::size_t threads, std::size_t jobs_max);
  // Finishes what is under way; what was only waiting is not started.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] bool try_run(std::function<void()> job) { return jobs_.try_put(std::move(job), 1); }

 private:
  Mailbox<std::function<void()>> jobs_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace tapewatch

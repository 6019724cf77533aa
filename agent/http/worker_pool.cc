// SPDX-License-Identifier: Apache-2.0
#include "http/worker_pool.h"

#include <optional>

namespace tapewatch {

WorkerPool::WorkerPool(std::size_t threads, std::size_t jobs_max) : jobs_(jobs_max) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      while (std::optional<std::function<void()>> job = jobs_.take()) {
        if (!stop_) (*job)();
      }
    });
  }
}

WorkerPool::~WorkerPool() {
  stop_ = true;
  jobs_.close();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace tapewatch

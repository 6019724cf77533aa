// SPDX-License-Identifier: Apache-2.0
#pragma once
// Executor: where the answer of an asynchronous call is given. The store bounds how many answers can wait at once
// (Store::Options::calls_max), so an executor keeps what it is handed. It outlives the calls that name it.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tapewatch {

class Executor {
 public:
  virtual ~Executor() = default;
  // Any thread. The job does not throw.
  virtual void post(std::function<void()> job) = 0;
};

// At once, on the thread that has the answer: one of the store's, which must not be held up.
class InlineExecutor final : public Executor {
 public:
  void post(std::function<void()> job) override { job(); }
};

// For a loop of somebody else's: `wake` is called, on any thread, when the first job waits (it writes an eventfd, sends
// a uv_async_t, posts to asyncio); the loop's thread then calls run().
class LoopExecutor final : public Executor {
 public:
  explicit LoopExecutor(std::function<void()> wake) : wake_(std::move(wake)) {}

  void post(std::function<void()> job) override {
    bool first = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      first = jobs_.empty();
      jobs_.push_back(std::move(job));
    }
    if (first) wake_();
  }
  // Runs what waits, not what that adds; how many it ran. Thread: the loop's.
  std::size_t run() {
    running_.clear();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      running_.swap(jobs_);
    }
    for (const std::function<void()>& job : running_) job();
    return std::exchange(running_, {}).size();
  }

 private:
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;     // guarded by mutex_
  std::vector<std::function<void()>> running_;  // of the loop's thread
};

// Threads of its own. Its end runs what waits.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(std::size_t threads = 1) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~ThreadExecutor() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(std::function<void()> job) override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::function<void()> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace tapewatch

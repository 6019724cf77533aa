// SPDX-License-Identifier: Apache-2.0
#pragma once
// Mutex and MutexLock: std::mutex with clang's thread-safety annotations, so that -Wthread-safety proves each
// GUARDED_BY member is touched under its lock. Format: clang.llvm.org/docs/ThreadSafetyAnalysis.html.

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TW_ANNOTATE(x) __attribute__((x))
#else
#define TW_ANNOTATE(x)
#endif
#define CAPABILITY(x) TW_ANNOTATE(capability(x))
#define SCOPED_CAPABILITY TW_ANNOTATE(scoped_lockable)
#define GUARDED_BY(x) TW_ANNOTATE(guarded_by(x))
#define REQUIRES(...) TW_ANNOTATE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) TW_ANNOTATE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) TW_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TW_ANNOTATE(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS TW_ANNOTATE(no_thread_safety_analysis)

namespace tapewatch {

class CAPABILITY("mutex") Mutex final {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock final {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable that waits on a Mutex the caller already holds. Spurious wake-ups happen: wait in a loop.
class Condition final {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  void wait_for(Mutex& mutex, std::chrono::nanoseconds limit) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_for(lock, limit);
    lock.release();
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReadCalls: reads that were asked for asynchronously, and the threads that run them. What waits is run together in one
// read transaction, which costs more to open than a point read; it begins after the youngest of them was asked for, so
// each sees every commit from before it. Owned by Store. Thread: any.

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "storage/call.h"
#include "storage/reader_pool.h"
#include "tapewatch/storage.h"

namespace tapewatch {

struct ReadCall {
  Store::ReadJob read;          // in a read transaction
  std::function<Status()> own;  // instead: work that brings its own connection
  std::shared_ptr<Call> call;
};

class ReadCalls final {
 public:
  ReadCalls(ReaderPool& readers, const Store::Options& options, const Clock& clock)
      : readers_(readers), options_(options), clock_(clock) {}
  // What waits is answered with Code::closed.
  ~ReadCalls() { close(); }
  void close() EXCLUDES(mutex_);

  // Code::queue_full, Code::closed.
  [[nodiscard]] Status submit(ReadCall call) EXCLUDES(mutex_);
  struct Counts {
    std::int64_t waiting = 0;
    std::int64_t refused = 0;
    std::int64_t groups = 0;
  };
  [[nodiscard]] Counts counts() const EXCLUDES(mutex_);

 private:
  void run() EXCLUDES(mutex_);
  void run_group(std::vector<ReadCall>& group);
  Status run_one(ReadCall& call, Database& database, std::int64_t deadline_ns);

  ReaderPool& readers_;
  const Store::Options& options_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Condition wake_;
  std::deque<ReadCall> queue_ GUARDED_BY(mutex_);
  std::size_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Counts counts_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

// Runs a closure; the one place where an exception of a read ends.
[[nodiscard]] Status call_read(const Store::ReadJob& job, Reader& reader);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Store::State: the parts of a store and their two kinds of threads. Whoever holds the writer's turn (its thread, or a
// caller of write() while nothing waits) uses the writer connection; nobody else ever does.

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/mutex.h"
#include "storage/call.h"
#include "storage/commit_listeners.h"
#include "storage/database.h"
#include "storage/group_commit.h"
#include "storage/read_calls.h"
#include "storage/reader_pool.h"
#include "storage/row_stream.h"
#include "tapewatch/storage.h"

namespace tapewatch {

// The system's clock, unless the application turns its own.
class StoreClock final : public Clock {
 public:
  explicit StoreClock(std::function<std::int64_t()> steady_ns) : steady_ns_(std::move(steady_ns)) {}
  [[nodiscard]] std::int64_t wall_ns() const override { return system_.wall_ns(); }
  [[nodiscard]] std::int64_t steady_ns() const override { return steady_ns_ ? steady_ns_() : system_.steady_ns(); }

 private:
  const std::function<std::int64_t()> steady_ns_;
  const SystemClock system_;
};

class Store::State final {
 public:
  State(Options options, Fd owner, std::unique_ptr<Database> writer, StatementObservers observers);
  ~State();

  Status write(const Job& job, Durability durability) EXCLUDES(mutex_);
  Status submit(Job job, Done done, CallOptions options) EXCLUDES(mutex_);
  Status submit_read(ReadJob job, std::function<Status()> own, Done done, CallOptions options);
  Status read(const std::function<Status(Reader&)>& body, QueryWatch* watch);
  std::shared_ptr<RowStream::State> open_stream(std::string sql, std::span<const Value> arguments,
                                                StreamOptions options);
  Result<std::vector<IndexAdvice>> index_advice();
  Stats stats() const EXCLUDES(mutex_);
  CommitListeners& listeners() { return listeners_; }

 private:
  Status enqueue(QueuedJob job) EXCLUDES(mutex_);
  Status admit_call();
  Status admit_write() EXCLUDES(mutex_);
  void run_thread() EXCLUDES(mutex_);
  std::vector<QueuedJob> take_group() REQUIRES(mutex_);
  void maintain(bool idle);
  // The writer's turn: whoever holds it may use writer_ and commit_.
  void begin_turn() REQUIRES(mutex_) {
    turn_taken_ = true;
    turn_holder_ = std::this_thread::get_id();
  }
  void end_turn() EXCLUDES(mutex_);

  const Options options_;
  const StoreClock clock_;
  const StatementObservers observers_;
  const std::shared_ptr<CallCounts> call_counts_ = std::make_shared<CallCounts>();
  const Fd owner_;
  CommitListeners listeners_;

  // Used by the holder of the turn.
  std::unique_ptr<Database> writer_;
  GroupCommit commit_;
  std::int64_t quiet_again_ns_ = 0;

  ReaderPool readers_;
  ReaderPool stream_readers_;
  Streams streams_;
  std::atomic<std::int64_t> checkpoints_quiet_{0};
  std::atomic<std::int64_t> wal_refused_{0};
  std::atomic<std::int64_t> calls_refused_{0};

  mutable Mutex mutex_;
  Condition wake_;
  std::deque<QueuedJob> queue_ GUARDED_BY(mutex_);
  std::size_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  std::int64_t refused_ GUARDED_BY(mutex_) = 0;
  bool turn_taken_ GUARDED_BY(mutex_) = false;
  std::thread::id turn_holder_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  // Last: their threads use everything above.
  CallLimits limits_;
  ReadCalls read_calls_;
  std::thread thread_;
};

}  // namespace tapewatch

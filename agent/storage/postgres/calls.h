// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgCalls: asynchronous calls that wait, and the threads that run them. Statements that wait one behind the other are
// taken together, to share a pipeline; closures run one at a time. With one thread, calls end in the order of their
// submission. Owned by PgStore. Thread: any.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/call.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

struct PgCall {
  // By itself, with a transaction of its own, repeated where that is safe.
  std::function<Status(std::int64_t deadline_ns, const std::stop_token* stop)> run;
  // What it is, if it can share a pipeline.
  std::shared_ptr<const PgStore::Statement> statement;
  std::shared_ptr<Call> call;
};

class PgCalls final {
 public:
  struct Options {
    int threads = 1;
    std::size_t jobs_max = 65536;
    std::size_t bytes_max = 64u << 20;
    std::size_t group_max = 128;
  };
  // Answers all of them; they are claimed.
  using Pipeline = std::function<void(std::vector<PgCall> group)>;

  PgCalls(const Options& options, Pipeline pipeline, const Clock& clock)
      : options_(options), pipeline_(std::move(pipeline)), clock_(clock) {}
  ~PgCalls() { close(false); }
  // What waits is run, or answered with Code::closed.
  void close(bool run_rest) EXCLUDES(mutex_);

  // Code::queue_full, Code::closed.
  [[nodiscard]] Status submit(PgCall call) EXCLUDES(mutex_);
  struct Counts {
    std::int64_t waiting = 0;
    std::int64_t refused = 0;
    std::int64_t groups = 0;
  };
  [[nodiscard]] Counts counts() const EXCLUDES(mutex_);

 private:
  void run() EXCLUDES(mutex_);
  void run_alone(const PgCall& call) const;
  [[nodiscard]] bool claim(const PgCall& call) const;
  [[nodiscard]] std::vector<PgCall> take_group() REQUIRES(mutex_);

  const Options options_;
  const Pipeline pipeline_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Condition wake_;
  std::deque<PgCall> queue_ GUARDED_BY(mutex_);
  std::size_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool run_rest_ GUARDED_BY(mutex_) = false;
  Counts counts_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

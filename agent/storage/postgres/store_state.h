// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgStore::State: what a PgStore owns, in the order in which it ends: pools of connections, calls that wait, and the
// one loop that runs a closure in a transaction and again when that is asked for. Thread: any.

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/clock.h"
#include "storage/call.h"
#include "storage/postgres/calls.h"
#include "storage/postgres/listener.h"
#include "storage/postgres/pool.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

class PgStore::State final {
 public:
  explicit State(PgStore::Options options);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[nodiscard]] Status set_up();

  // A write is brought to its end once it runs; a read is stopped wherever it is.
  struct Limits {
    std::int64_t deadline_ns = 0;
    const std::stop_token* stop = nullptr;
  };
  using Body = std::function<Status(PgConnection&)>;
  [[nodiscard]] Status read(const Body& body, const Limits& limits);
  [[nodiscard]] Status write(const Body& body, Durability durability);

  [[nodiscard]] Status submit_read(PgStore::ReadJob job, PgStore::Done done, CallOptions options);
  [[nodiscard]] Status submit_write(PgStore::Job job, PgStore::Done done, CallOptions options);
  [[nodiscard]] Status submit_statement(PgStore::Statement statement, bool write, PgStore::Done done,
                                        CallOptions options);
  // Work that brings its own connection, on a thread for reads.
  [[nodiscard]] Status submit_own(std::function<Status()> work, PgStore::Done done, CallOptions options);

  [[nodiscard]] PgStore::Stats stats() const;
  [[nodiscard]] CommitListeners& listeners() { return commits_->listeners; }
  [[nodiscard]] PgPool& streams() { return streams_; }
  [[nodiscard]] const PgStore::Options& options() const { return options_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] PgCounts& counts() { return *counts_; }

 private:
  [[nodiscard]] Status transact(PgPool& pool, const Body& body, Durability durability, const Limits& limits);
  [[nodiscard]] Status attempt(PgPool& pool, const Body& body, Durability durability, const Limits& limits,
                               bool& again);
  [[nodiscard]] Status submit(PgCalls& calls, PgCall call, PgStore::Done done, CallOptions options);
  void pipeline_reads(std::vector<PgCall> group);
  void pipeline_writes(std::vector<PgCall> group);
  [[nodiscard]] bool write_together(PgConnection& connection, const std::vector<PgCall>& group, Durability durability);
  [[nodiscard]] PgConnection::Options connection(PgConnection::Use use) const;
  [[nodiscard]] PgCalls::Options calls(int threads) const;

  const PgStore::Options options_;
  const SystemClock clock_;
  const std::shared_ptr<PgCounts> counts_ = std::make_shared<PgCounts>();
  const std::shared_ptr<CallCounts> call_counts_ = std::make_shared<CallCounts>();
  const std::shared_ptr<PgCommits> commits_;
  PgPool readers_;
  PgPool writers_;
  PgPool streams_;
  CallLimits limits_;
  PgCalls read_calls_;
  PgCalls write_calls_;
  std::unique_ptr<PgListener> listener_;
};

// Runs a closure; the one place where its exception ends.
template <typename Job, typename Access>
Status call_job(const Job& job, Access& access) {
  try {
    return job(access);
  } catch (const std::exception& e) {
    return Error{Code::internal, std::string("a closure threw: ") + e.what()};
  } catch (...) {
    return Error{Code::internal, "a closure threw"};
  }
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// GroupCommit: runs jobs on the one writer connection, many in one transaction, each in its own savepoint, so that a
// job that fails takes back its own work only. Also decides when to checkpoint, between groups. Owned by Store.
// Thread: one at a time (whoever holds the store's writer turn).

#include <atomic>
#include <vector>

#include "storage/database.h"
#include "tapewatch/storage.h"

namespace tapewatch {

struct QueuedJob {
  Store::Job run;
  Store::Done done;
  Durability durability = Durability::fast;
  std::size_t bytes = 0;
  Status result = success();
};

class GroupCommit final {
 public:
  GroupCommit(Database& database, const Store::Options& options) : database_(database), options_(options) {}

  // Fills in each job's result. Calls no `done`.
  void run(std::vector<QueuedJob>& jobs);
  // Checkpoints when the write-ahead log has grown to its limits, or when `idle` and there is any.
  void maintain(bool idle);
  [[nodiscard]] bool checkpoint_due() const { return wal_bytes_ >= options_.checkpoint_bytes; }

  // Read by any thread.
  [[nodiscard]] std::int64_t wal_bytes() const { return wal_bytes_; }
  [[nodiscard]] std::int64_t checkpoints() const { return checkpoints_; }
  [[nodiscard]] std::int64_t checkpoints_blocked() const { return checkpoints_blocked_; }
  [[nodiscard]] std::int64_t groups() const { return groups_; }
  [[nodiscard]] std::int64_t jobs() const { return jobs_; }
  [[nodiscard]] std::int64_t jobs_failed() const { return jobs_failed_; }

 private:
  [[nodiscard]] Status begin(const std::vector<QueuedJob>& jobs);
  [[nodiscard]] std::size_t run_transaction(std::vector<QueuedJob>& jobs, std::size_t first);
  [[nodiscard]] Status run_job(QueuedJob& job, bool alone);
  static Status call(const Store::Job& job, Tx& tx);

  Database& database_;
  const Store::Options& options_;
  bool full_sync_ = false;
  std::atomic<std::int64_t> wal_bytes_{0};
  std::atomic<std::int64_t> checkpoints_{0};
  std::atomic<std::int64_t> checkpoints_blocked_{0};
  std::atomic<std::int64_t> groups_{0};
  std::atomic<std::int64_t> jobs_{0};
  std::atomic<std::int64_t> jobs_failed_{0};
};

}  // namespace tapewatch

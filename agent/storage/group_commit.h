// SPDX-License-Identifier: Apache-2.0
#pragma once
// GroupCommit: runs jobs on the one writer connection, many in one transaction, each in its own savepoint, so that a
// job that fails takes back its own work only. Also decides when to checkpoint, between groups. Owned by Store.
// Thread: one at a time (whoever holds the store's writer turn).

#include <atomic>
#include <vector>

#include "storage/call.h"
#include "storage/commit_listeners.h"
#include "storage/database.h"
#include "tapewatch/storage.h"

namespace tapewatch {

struct QueuedJob {
  Store::Job run;
  Durability durability = Durability::fast;
  std::size_t bytes = 0;
  std::shared_ptr<Call> call;  // whom to answer; null: who waits for the result here
  Status result = success();
};

class GroupCommit final {
 public:
  GroupCommit(Database& database, const Store::Options& options, CommitListeners& listeners)
      : database_(database),
        options_(options),
        listeners_(listeners),
        copy_at_(options.checkpoint_bytes),
        truncate_at_(options.truncate_bytes) {}

  // Fills in each job's result. Calls no `done`.
  void run(std::vector<QueuedJob>& jobs);
  // Checkpoints when the write-ahead log has grown to its limits, or when `idle` and there is any. True when readers
  // kept it from being cut although it is long.
  bool maintain(bool idle);
  // Cuts the log, if no reader is in the way.
  void truncate();
  [[nodiscard]] bool checkpoint_due() const { return wal_bytes_ >= copy_at_ || wal_file_bytes_ >= truncate_at_; }

  // Read by any thread.
  [[nodiscard]] std::int64_t wal_bytes() const { return wal_bytes_; }
  [[nodiscard]] std::int64_t wal_file_bytes() const { return wal_file_bytes_; }
  [[nodiscard]] std::int64_t foreign_commits() const { return foreign_commits_; }
  [[nodiscard]] std::int64_t checkpoints() const { return checkpoints_; }
  [[nodiscard]] std::int64_t checkpoints_blocked() const { return checkpoints_blocked_; }
  [[nodiscard]] bool corrupt() const { return corrupt_; }
  [[nodiscard]] std::int64_t groups() const { return groups_; }
  [[nodiscard]] std::int64_t jobs() const { return jobs_; }
  [[nodiscard]] std::int64_t jobs_failed() const { return jobs_failed_; }

 private:
  [[nodiscard]] Status begin(const std::vector<QueuedJob>& jobs);
  [[nodiscard]] std::size_t run_transaction(std::vector<QueuedJob>& jobs, std::size_t first);
  [[nodiscard]] Status run_job(QueuedJob& job, bool alone);
  static Status call(const Store::Job& job, Tx& tx);

  void checkpoint(Database::Checkpoint kind);
  void look_for_foreign_commits();
  void note_touched(const Status& done);
  void note_damage(const Status& done);

  Database& database_;
  const Store::Options& options_;
  CommitListeners& listeners_;
  bool full_sync_ = false;
  bool sync_failed_ = false;                 // then nothing is committed any more: open the store again
  std::atomic<bool> corrupt_{false};         // likewise: what is written to a damaged file makes it worse
  std::vector<const std::string*> touched_;  // tables of the transaction's jobs that succeeded
  std::int64_t data_version_ = -1;           // of the file, as others have changed it
  // At how much log a checkpoint is tried: more, as long as readers hold it back.
  std::atomic<std::int64_t> copy_at_;
  std::atomic<std::int64_t> truncate_at_;
  std::atomic<std::int64_t> wal_bytes_{0};
  std::atomic<std::int64_t> wal_file_bytes_{0};
  std::atomic<std::int64_t> foreign_commits_{0};
  std::atomic<std::int64_t> checkpoints_{0};
  std::atomic<std::int64_t> checkpoints_blocked_{0};
  std::atomic<std::int64_t> groups_{0};
  std::atomic<std::int64_t> jobs_{0};
  std::atomic<std::int64_t> jobs_failed_{0};
};

}  // namespace tapewatch

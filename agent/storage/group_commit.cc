// SPDX-License-Identifier: Apache-2.0
#include "storage/group_commit.h"

#include <algorithm>
#include <exception>

namespace tapewatch {

void GroupCommit::run(std::vector<QueuedJob>& jobs) {
  std::size_t at = 0;
  while (at < jobs.size()) at = run_transaction(jobs, at);
  jobs_ += static_cast<std::int64_t>(jobs.size());
  jobs_failed_ += std::count_if(jobs.begin(), jobs.end(), [](const QueuedJob& job) { return !job.result.ok(); });
  wal_bytes_ = database_.wal_bytes();
  wal_file_bytes_ = database_.wal_file_bytes();
}

// Runs jobs from `first` in one transaction and returns the first one that was not part of it. Normally that is the
// end; when SQLite itself rolled back (disk full), the jobs behind the one that met it get a transaction of their own.
std::size_t GroupCommit::run_transaction(std::vector<QueuedJob>& jobs, std::size_t first) {
  const auto fail = [&](std::size_t end, const Error& error) {
    for (std::size_t i = first; i < end; ++i) {
      if (jobs[i].result.ok()) jobs[i].result = error;
    }
    return end;
  };
  touched_.clear();
  database_.forget_touched();
  Status begun = begin(jobs);
  if (!begun.ok()) return fail(jobs.size(), begun.error());
  const bool alone = jobs.size() - first == 1;
  for (std::size_t i = first; i < jobs.size(); ++i) {
    jobs[i].result = run_job(jobs[i], alone);
    note_touched(jobs[i].result);
    note_damage(jobs[i].result);
    if (database_.in_transaction()) continue;
    const Error lost{Code::io, "the transaction was rolled back"};
    return fail(i + 1, jobs[i].result.ok() ? lost : jobs[i].result.error());
  }
  ++groups_;
  if (alone && !jobs[first].result.ok()) {
    database_.rollback();
    return jobs.size();
  }
  Status committed = database_.exec("COMMIT");
  if (committed.ok()) {
    listeners_.tell(touched_);
    return jobs.size();
  }
  sync_failed_ = sync_failed_ || database_.sync_failed();
  note_damage(committed);
  database_.rollback();
  return fail(jobs.size(), committed.error());
}

Status GroupCommit::begin(const std::vector<QueuedJob>& jobs) {
  if (corrupt_) return Error{Code::corrupt, "the database is damaged: it is read and not written to any more"};
  if (sync_failed_) return Error{Code::io, "the disk failed to take what was committed: open the store again"};
  const bool durable =
      std::any_of(jobs.begin(), jobs.end(), [](const QueuedJob& job) { return job.durability == Durability::durable; });
  if (durable != full_sync_) {
    Status set = database_.exec(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    if (!set.ok()) return set;
    full_sync_ = durable;
  }
  return database_.exec("BEGIN IMMEDIATE");
}

Status GroupCommit::run_job(QueuedJob& job, bool alone) {
  Tx tx(database_);
  if (alone) return call(job.run, tx);
  Status opened = database_.exec("SAVEPOINT job");
  if (!opened.ok()) return opened;
  Status done = call(job.run, tx);
  if (!database_.in_transaction()) return done;
  if (!done.ok()) {
    Status undone = database_.exec("ROLLBACK TO job");
    if (!undone.ok()) return undone;
  }
  Status released = database_.exec("RELEASE job");
  return done.ok() ? std::move(released) : std::move(done);
}

// The one place where an exception of a caller's closure ends.
Status GroupCommit::call(const Store::Job& job, Tx& tx) {
  try {
    return job(tx);
  } catch (const std::exception& e) {
    return Error{Code::internal, std::string("a job threw: ") + e.what()};
  } catch (...) {
    return Error{Code::internal, "a job threw"};
  }
}

void GroupCommit::note_touched(const Status& done) {
  for (const std::string* table : database_.touched()) {
    if (done.ok() && std::find(touched_.begin(), touched_.end(), table) == touched_.end()) touched_.push_back(table);
  }
  database_.forget_touched();
}

void GroupCommit::note_damage(const Status& done) {
  if (!done.ok() && done.error().code == Code::corrupt) corrupt_ = true;
}

bool GroupCommit::maintain(bool idle) {
  const std::int64_t file = database_.wal_file_bytes();
  const bool copy = database_.wal_bytes() >= copy_at_;
  const bool cut = file > 0 && (idle || file >= truncate_at_);
  if (!copy && !cut) return false;
  look_for_foreign_commits();
  checkpoint(cut ? Database::Checkpoint::truncate : Database::Checkpoint::passive);
  return cut && database_.wal_file_bytes() >= options_.truncate_bytes;
}

void GroupCommit::truncate() { checkpoint(Database::Checkpoint::truncate); }

void GroupCommit::checkpoint(Database::Checkpoint kind) {
  const Result<bool> whole = database_.checkpoint(kind);
  if (!whole.ok()) sync_failed_ = sync_failed_ || database_.sync_failed();
  ++checkpoints_;
  if (!whole.ok() || !whole.value()) ++checkpoints_blocked_;
  wal_bytes_ = database_.wal_bytes();
  wal_file_bytes_ = database_.wal_file_bytes();
  // Held back by a reader, the next try is worth it when a good deal more was written.
  copy_at_ = wal_bytes_ + options_.checkpoint_bytes;
  const bool held = wal_file_bytes_ >= options_.truncate_bytes;
  truncate_at_ = held ? wal_file_bytes_ + options_.checkpoint_bytes : options_.truncate_bytes;
}

// data_version moves only when another connection commits.
void GroupCommit::look_for_foreign_commits() {
  Result<Rows> rows = database_.query("PRAGMA data_version");
  if (!rows.ok()) return;
  const Result<bool> row = rows->next();
  if (!row.ok() || !row.value()) return;
  const std::int64_t version = rows->integer(0);
  if (data_version_ >= 0 && version != data_version_) ++foreign_commits_;
  data_version_ = version;
}

}  // namespace tapewatch

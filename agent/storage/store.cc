// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "base/mutex.h"
#include "storage/bulk.h"
#include "storage/database.h"
#include "storage/group_commit.h"
#include "storage/reader_pool.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

Database::Options writer_options(const Store::Options& options, std::shared_ptr<StatementCounts> counts) {
  Database::Options out;
  out.counts = std::move(counts);
  out.path = options.path;
  out.mode = Database::Mode::writer;
  out.busy_timeout = options.busy_timeout;
  out.cache_bytes = options.writer_cache_bytes;
  out.statements_max = options.statements_max;
  out.file_bytes_max = options.file_bytes_max;
  out.journal_bytes_max = options.truncate_bytes;
  return out;
}

Database::Options reader_options(const Store::Options& options, std::shared_ptr<StatementCounts> counts) {
  Database::Options out = writer_options(options, std::move(counts));
  out.mode = Database::Mode::reader;
  out.cache_bytes = options.reader_cache_bytes;
  return out;
}

// What a thread that waits for its own job shares with the writer thread.
class Waiter final {
 public:
  void done(Status result) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    result_.emplace(std::move(result));
    condition_.notify_one();
  }
  Status wait() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!result_) condition_.wait(mutex_);
    return std::move(*result_);
  }

 private:
  Mutex mutex_;
  Condition condition_;
  std::optional<Status> result_ GUARDED_BY(mutex_);
};

}  // namespace

class Store::State final {
 public:
  State(Options options, Fd owner, std::unique_ptr<Database> writer, std::shared_ptr<StatementCounts> counts)
      : options_(std::move(options)),
        statement_counts_(std::move(counts)),
        owner_(std::move(owner)),
        writer_(std::move(writer)),
        commit_(*writer_, options_),
        readers_(reader_options(options_, statement_counts_), options_.readers_max, options_.read_wait_max,
                 options_.read_age_max, clock_),
        thread_([this] { run_thread(); }) {}
  ~State();

  Status write(const Job& job, Durability durability) EXCLUDES(mutex_);
  Status submit(QueuedJob job) EXCLUDES(mutex_);
  Status read(const std::function<Status(Reader&)>& body, QueryWatch* watch);
  Stats stats() const EXCLUDES(mutex_);

 private:
  void run_thread() EXCLUDES(mutex_);
  std::vector<QueuedJob> take_group() REQUIRES(mutex_);
  // The writer's turn: whoever holds it may use writer_ and commit_.
  void begin_turn() REQUIRES(mutex_) {
    turn_taken_ = true;
    turn_holder_ = std::this_thread::get_id();
  }
  void end_turn() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    turn_taken_ = false;
    turn_holder_ = std::thread::id();
    if (stopping_ || !queue_.empty() || commit_.checkpoint_due()) wake_.notify_one();
  }

  const Options options_;
  const std::shared_ptr<StatementCounts> statement_counts_;
  const SystemClock clock_;
  const Fd owner_;

  // Used by the holder of the turn.
  std::unique_ptr<Database> writer_;
  GroupCommit commit_;

  ReaderPool readers_;
  mutable Mutex mutex_;
  Condition wake_;
  std::deque<QueuedJob> queue_ GUARDED_BY(mutex_);
  std::size_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  std::int64_t refused_ GUARDED_BY(mutex_) = 0;
  bool turn_taken_ GUARDED_BY(mutex_) = false;
  std::thread::id turn_holder_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses everything above
};

Store::State::~State() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

Status Store::State::write(const Job& job, Durability durability) {
  bool mine = false;
  {
    MutexLock lock(mutex_);
    if (turn_taken_ && turn_holder_ == std::this_thread::get_id())
      return Error{Code::invalid, "a job may not call write() of its own store: use the Tx it was given"};
    if (!turn_taken_ && queue_.empty()) {
      begin_turn();
      mine = true;
    }
  }
  if (mine) {
    std::vector<QueuedJob> alone;
    alone.push_back(QueuedJob{job, nullptr, durability, 0, success()});
    commit_.run(alone);
    end_turn();
    return std::move(alone.front().result);
  }
  Waiter waiter;
  Status queued =
      submit(QueuedJob{job, [&waiter](Status result) { waiter.done(std::move(result)); }, durability, 0, success()});
  if (!queued.ok()) return queued;
  return waiter.wait();
}

Status Store::State::submit(QueuedJob job) {
  MutexLock lock(mutex_);
  if (stopping_) return Error{Code::closed, "the store is closing"};
  if (queue_.size() >= options_.queue_jobs_max || queue_bytes_ + job.bytes > options_.queue_bytes_max) {
    ++refused_;
    return Error{Code::queue_full, std::to_string(queue_.size()) + " jobs of " + std::to_string(queue_bytes_) +
                                       " bytes wait for the writer already"};
  }
  queue_bytes_ += job.bytes;
  queue_.push_back(std::move(job));
  if (queue_.size() == 1 && !turn_taken_) wake_.notify_one();
  return success();
}

Status Store::State::read(const std::function<Status(Reader&)>& body, QueryWatch* watch) {
  Result<ReaderPool::Lease> lease = readers_.take();
  if (!lease.ok()) return std::move(lease).error();
  Database& database = lease->database();
  Status begun = database.exec("BEGIN");
  if (!begun.ok()) return begun;
  Reader reader(database, watch);
  Status result = success();
  try {
    result = body(reader);
  } catch (const std::exception& e) {
    result = Error{Code::internal, std::string("a read threw: ") + e.what()};
  } catch (...) {
    result = Error{Code::internal, "a read threw"};
  }
  database.rollback();
  return result;
}

std::vector<QueuedJob> Store::State::take_group() {
  std::vector<QueuedJob> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < options_.group_jobs_max &&
         (group.empty() || bytes + queue_.front().bytes <= options_.group_bytes_max)) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return group;
}

void Store::State::run_thread() {
  bool idle = false;
  for (;;) {
    std::vector<QueuedJob> group;
    {
      MutexLock lock(mutex_);
      while (turn_taken_ || (queue_.empty() && !stopping_ && !idle && !commit_.checkpoint_due())) {
        const std::int64_t before = commit_.groups();
        wake_.wait_for(mutex_, options_.idle_checkpoint);
        idle = commit_.groups() == before && commit_.wal_bytes() > 0;
      }
      if (queue_.empty() && stopping_) break;
      begin_turn();
      group = take_group();
    }
    if (!group.empty()) commit_.run(group);
    commit_.maintain(idle && group.empty());
    idle = false;
    end_turn();
    for (QueuedJob& job : group) job.done(std::move(job.result));
  }
  commit_.maintain(true);
}

Store::Stats Store::State::stats() const {
  Stats out;
  out.wal_bytes = commit_.wal_bytes();
  out.checkpoints = commit_.checkpoints();
  out.checkpoints_blocked = commit_.checkpoints_blocked();
  out.groups = commit_.groups();
  out.jobs = commit_.jobs();
  out.jobs_failed = commit_.jobs_failed();
  const ReaderPool::Counts reads = readers_.counts();
  out.reads = reads.reads;
  out.reads_refused = reads.refused;
  out.reads_expired = reads.expired;
  out.readers_open = reads.open;
  out.oldest_read_age_ns = reads.oldest_age_ns;
  const StatementCounts& statements = *statement_counts_;
  out.statement_hits = statements.hits.load(std::memory_order_relaxed);
  out.statement_misses = statements.misses.load(std::memory_order_relaxed);
  out.statements_kept = statements.kept.load(std::memory_order_relaxed);
  MutexLock lock(mutex_);
  out.queue_jobs = static_cast<std::int64_t>(queue_.size());
  out.queue_bytes = static_cast<std::int64_t>(queue_bytes_);
  out.queue_refused = refused_;
  return out;
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Options options) {
  Result<Fd> owner = lock_file(options.path + ".owner");
  if (!owner.ok()) return std::move(owner).error();
  const auto counts = std::make_shared<StatementCounts>();
  Result<std::unique_ptr<Database>> writer = Database::open(writer_options(options, counts));
  if (!writer.ok()) return std::move(writer).error();
  if (!options.schema.empty()) {
    Status applied = writer.value()->script("BEGIN IMMEDIATE;" + options.schema + ";COMMIT");
    if (!applied.ok()) return std::move(applied).error().with_context("applying the schema");
  }
  auto state = std::make_unique<State>(std::move(options), std::move(owner).value(), std::move(writer).value(), counts);
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Status Store::write(const Job& job, Durability durability) { return state_->write(job, durability); }

Status Store::submit(Job job, Durability durability, Done done, std::size_t bytes) {
  return state_->submit(QueuedJob{std::move(job), std::move(done), durability, bytes, success()});
}

Status Store::run_read(const std::function<Status(Reader&)>& body, QueryWatch* watch) {
  return state_->read(body, watch);
}

Store::Stats Store::stats() const { return state_->stats(); }

// The two faces of a connection inside a closure.

Result<Rows> Reader::run(std::string_view sql, const Value* arguments, std::size_t count) {
  if (watch_ != nullptr) {
    Status counted = watch_->ran(sql, arguments, count);
    if (!counted.ok()) return std::move(counted).error();
  }
  return database_.query(sql, arguments, count);
}

Result<std::int64_t> Tx::run_write(std::string_view sql, const Value* arguments, std::size_t count) {
  Result<Rows> rows = database_.query(sql, arguments, count);
  if (!rows.ok()) return std::move(rows).error();
  for (;;) {
    Result<bool> more = rows->next();
    if (!more.ok()) return std::move(more).error();
    if (!more.value()) return database_.changes();
  }
}

Result<BulkResult> Tx::run_insert(std::string_view table, Columns columns, Columns, const RowSource& source,
                                  const BulkOptions& options) {
  return run_bulk(database_, BulkPlan{BulkPlan::Kind::insert, table, columns, {}, options}, source);
}
Result<BulkResult> Tx::run_upsert(std::string_view table, Columns columns, Columns keys, const RowSource& source,
                                  const BulkOptions& options) {
  return run_bulk(database_, BulkPlan{BulkPlan::Kind::upsert, table, columns, keys, options}, source);
}
Result<BulkResult> Tx::run_update(std::string_view table, Columns columns, Columns keys, const RowSource& source,
                                  const BulkOptions& options) {
  return run_bulk(database_, BulkPlan{BulkPlan::Kind::update, table, columns, keys, options}, source);
}

std::int64_t Tx::last_insert_id() const { return database_.last_insert_id(); }

}  // namespace tapewatch

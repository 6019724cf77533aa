// SPDX-License-Identifier: Apache-2.0
#include "storage/store_state.h"

#include <optional>
#include <utility>

#include "storage/index_advisor.h"

namespace tapewatch {
namespace {

Database::Options connection(const Store::Options& options, const StatementObservers& observers) {
  Database::Options out;
  out.path = options.path;
  out.mode = Database::Mode::reader;
  out.busy_timeout = options.busy_timeout;
  out.cache_bytes = options.reader_cache_bytes;
  out.statements_max = options.statements_max;
  out.observers = observers;
  return out;
}

constexpr std::int64_t quiet_waits_between = 10;

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

Store::State::State(Options options, Fd owner, std::unique_ptr<Database> writer, StatementObservers observers)
    : options_(std::move(options)),
      clock_(options_.steady_ns),
      observers_(std::move(observers)),
      owner_(std::move(owner)),
      writer_(std::move(writer)),
      commit_(*writer_, options_, listeners_),
      readers_(connection(options_, observers_), options_.readers_max, options_.read_wait_max, options_.read_age_max,
               clock_),
      stream_readers_(connection(options_, observers_), options_.streams_max, options_.read_wait_max,
                      std::chrono::milliseconds(0), clock_),
      limits_(clock_),
      read_calls_(readers_, options_, clock_),
      thread_([this] { run_thread(); }) {}

Store::State::~State() {
  read_calls_.close();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void Store::State::end_turn() {
  MutexLock lock(mutex_);
  turn_taken_ = false;
  turn_holder_ = std::thread::id();
  if (stopping_ || !queue_.empty() || commit_.checkpoint_due()) wake_.notify_one();
}

Status Store::State::admit_write() {
  if (commit_.wal_file_bytes() < options_.wal_bytes_max) return success();
  ++wal_refused_;
  MutexLock lock(mutex_);
  wake_.notify_one();
  return Error{Code::wal_full, "the write-ahead log has " + std::to_string(commit_.wal_file_bytes()) +
                                   " bytes, and readers keep it from being cut"};
}

Status Store::State::write(const Job& job, Durability durability) {
  Status admitted = admit_write();
  if (!admitted.ok()) return admitted;
  bool mine = false;
  {
    MutexLock lock(mutex_);
    if (turn_taken_ && turn_holder_ == std::this_thread::get_id())
      return Error{Code::invalid, "a job may not call write() of its own store: use the Tx it was given"};
    // When a checkpoint is due, the writer's thread gets its turn, however fast the callers come.
    if (!turn_taken_ && queue_.empty() && !commit_.checkpoint_due()) {
      begin_turn();
      mine = true;
    }
  }
  if (mine) {
    std::vector<QueuedJob> alone;
    alone.push_back(QueuedJob{job, durability, 0, nullptr, success()});
    commit_.run(alone);
    end_turn();
    return std::move(alone.front().result);
  }
  Waiter waiter;
  CallOptions options;
  options.durability = durability;
  options.bytes = 0;
  auto call = Call::make(
      options, [&waiter](Status result) { waiter.done(std::move(result)); }, clock_, call_counts_);
  Status queued = enqueue(QueuedJob{job, durability, 0, std::move(call), success()});
  if (!queued.ok()) return queued;
  return waiter.wait();
}

Status Store::State::admit_call() {
  if (call_counts_->in_flight.load(std::memory_order_relaxed) < static_cast<std::int64_t>(options_.calls_max))
    return success();
  ++calls_refused_;
  return Error{Code::queue_full, std::to_string(options_.calls_max) + " calls are not answered yet"};
}

Status Store::State::submit(Job job, Done done, CallOptions options) {
  Status admitted = admit_write();
  if (admitted.ok()) admitted = admit_call();
  if (!admitted.ok()) return admitted;
  const Durability durability = options.durability;
  const std::size_t bytes = options.bytes;
  std::shared_ptr<Call> call = Call::make(std::move(options), std::move(done), clock_, call_counts_);
  Status queued = enqueue(QueuedJob{std::move(job), durability, bytes, call, success()});
  if (!queued.ok() && call->claim()) return queued;
  if (call->deadline_ns() > 0) limits_.add(call);
  return success();
}

Status Store::State::enqueue(QueuedJob job) {
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

Status Store::State::submit_read(ReadJob job, std::function<Status()> own, Done done, CallOptions options) {
  Status admitted = admit_call();
  if (!admitted.ok()) return admitted;
  std::shared_ptr<Call> call = Call::make(std::move(options), std::move(done), clock_, call_counts_);
  Status queued = read_calls_.submit(ReadCall{std::move(job), std::move(own), call});
  if (!queued.ok() && call->claim()) return queued;
  if (call->deadline_ns() > 0) limits_.add(call);
  return success();
}

Status Store::State::read(const std::function<Status(Reader&)>& body, QueryWatch* watch) {
  Result<ReaderPool::Lease> lease = readers_.take();
  if (!lease.ok()) return std::move(lease).error();
  Database& database = lease->database();
  Status begun = database.exec("BEGIN");
  if (!begun.ok()) return begun;
  Reader reader(database, watch);
  Status result = call_read(body, reader);
  database.rollback();
  return result;
}

std::shared_ptr<RowStream::State> Store::State::open_stream(std::string sql, std::span<const Value> arguments,
                                                            StreamOptions options) {
  if (options.age_max.count() <= 0) options.age_max = options_.read_age_max;
  std::vector<KeptValue> kept;
  for (const Value& argument : arguments) kept.push_back(keep(argument));
  const auto submit = [this](std::function<Status()> work, const Done& done, CallOptions call) {
    Status queued = submit_read({}, std::move(work), done, std::move(call));
    if (!queued.ok()) done(std::move(queued));
  };
  auto stream =
      std::make_shared<RowStream::State>(stream_readers_, clock_, submit, std::move(sql), std::move(kept), options);
  streams_.add(stream);
  return stream;
}

std::vector<QueuedJob> Store::State::take_group() {
  std::vector<QueuedJob> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < options_.group_jobs_max &&
         (group.empty() || bytes + queue_.front().bytes <= options_.group_bytes_max)) {
    bytes += queue_.front().bytes;
    // What was answered while it waited is not run.
    if (queue_.front().call->claim()) group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return group;
}

void Store::State::maintain(bool idle) {
  if (!commit_.maintain(idle)) return;
  // Readers that overlap would keep the log from ever being cut: they take turns with us for a moment.
  const std::int64_t now_ns = clock_.steady_ns();
  if (now_ns < quiet_again_ns_) return;
  ++checkpoints_quiet_;
  streams_.expire(clock_.steady_ns(), true);
  const bool quiet = readers_.quiet(options_.quiet_wait_max) && stream_readers_.quiet(options_.quiet_wait_max);
  if (quiet)
    commit_.truncate();
  else  // somebody reads for long: do not make all others wait for him again and again
    quiet_again_ns_ = now_ns + quiet_waits_between * std::chrono::nanoseconds(options_.quiet_wait_max).count();
  readers_.resume();
  stream_readers_.resume();
}

// Maintenance has turns of its own, so that nobody waits for a checkpoint to have the answer of a commit before it.
void Store::State::run_thread() {
  std::int64_t groups_seen = 0;
  for (;;) {
    std::vector<QueuedJob> group;
    bool idle = false;
    bool maintenance = false;
    {
      MutexLock lock(mutex_);
      bool woken = false;
      while (turn_taken_ || (queue_.empty() && !stopping_ && !woken && !commit_.checkpoint_due())) {
        wake_.wait_for(mutex_, options_.idle_checkpoint);
        woken = true;
      }
      if (queue_.empty() && stopping_) break;
      begin_turn();
      maintenance = commit_.checkpoint_due() || queue_.empty();
      idle = queue_.empty() && commit_.groups() == groups_seen;
      groups_seen = commit_.groups();
      if (!maintenance) group = take_group();
    }
    if (maintenance) maintain(idle);
    if (!group.empty()) commit_.run(group);
    end_turn();
    for (QueuedJob& job : group) job.call->answer(std::move(job.result));
    streams_.expire(clock_.steady_ns(), false);
  }
  maintain(true);
}

Result<std::vector<IndexAdvice>> Store::State::index_advice() {
  if (observers_.advisor == nullptr)
    return Error{Code::unsupported, "the store was opened without Options::advise_indexes"};
  Result<ReaderPool::Lease> lease = readers_.take();
  if (!lease.ok()) return std::move(lease).error();
  return observers_.advisor->advice(lease->database());
}

Store::Stats Store::State::stats() const {
  Stats out;
  out.wal_bytes = commit_.wal_bytes();
  out.wal_file_bytes = commit_.wal_file_bytes();
  out.wal_refused = wal_refused_;
  out.checkpoints = commit_.checkpoints();
  out.checkpoints_blocked = commit_.checkpoints_blocked();
  out.checkpoints_quiet = checkpoints_quiet_;
  out.foreign_commits = commit_.foreign_commits();
  out.corrupt = commit_.corrupt();
  out.groups = commit_.groups();
  out.jobs = commit_.jobs();
  out.jobs_failed = commit_.jobs_failed();
  const ReaderPool::Counts reads = readers_.counts();
  const ReaderPool::Counts streams = stream_readers_.counts();
  out.reads = reads.reads;
  out.reads_refused = reads.refused + streams.refused;
  out.reads_expired = reads.expired;
  out.readers_open = reads.open;
  out.oldest_read_age_ns = reads.oldest_age_ns;
  out.streams_open = streams_.open();
  out.oldest_stream_age_ns = streams.oldest_age_ns;
  out.calls_in_flight = call_counts_->in_flight;
  out.calls_expired = call_counts_->expired;
  out.calls_cancelled = call_counts_->cancelled;
  const ReadCalls::Counts calls = read_calls_.counts();
  out.call_reads_waiting = calls.waiting;
  out.call_reads_refused = calls.refused + calls_refused_;
  out.call_groups = calls.groups;
  out.statement_hits = observers_.counts->hits.load(std::memory_order_relaxed);
  out.statement_misses = observers_.counts->misses.load(std::memory_order_relaxed);
  out.statements_kept = observers_.counts->kept.load(std::memory_order_relaxed);
  MutexLock lock(mutex_);
  out.queue_jobs = static_cast<std::int64_t>(queue_.size());
  out.queue_bytes = static_cast<std::int64_t>(queue_bytes_);
  out.queue_refused = refused_;
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/store_state.h"

#include <algorithm>
#include <utility>

#include "storage/postgres/migrations.h"

namespace tapewatch {
namespace {

constexpr int retry_doublings_max = 6;

}  // namespace

PgStore::State::State(PgStore::Options options)
    : options_(std::move(options)),
      commits_(std::make_shared<PgCommits>(options_.commit_channel)),
      readers_(connection(PgConnection::Use::reads), options_.readers_max, options_.read_wait_max, clock_, counts_),
      writers_(connection(PgConnection::Use::writes), options_.writers_max, options_.write_wait_max, clock_, counts_),
      streams_(connection(PgConnection::Use::streams), options_.streams_max, options_.read_wait_max, clock_, counts_),
      limits_(clock_),
      read_calls_(
          calls(options_.call_threads), [this](std::vector<PgCall> group) { pipeline_reads(std::move(group)); },
          clock_),
      write_calls_(
          calls(options_.write_threads), [this](std::vector<PgCall> group) { pipeline_writes(std::move(group)); },
          clock_) {}

PgStore::State::~State() {
  listener_.reset();
  write_calls_.close(true);
  readers_.close();
  streams_.close();
  read_calls_.close(false);
  writers_.close();
}

PgConnection::Options PgStore::State::connection(PgConnection::Use use) const {
  PgConnection::Options out;
  out.server = options_.server;
  out.use = use;
  out.isolation = options_.isolation;
  out.statement_savepoints = options_.statement_savepoints;
  out.connect_wait_max = options_.connect_wait_max;
  out.age_max = use == PgConnection::Use::writes ? options_.write_age_max : options_.read_age_max;
  out.statements_max = options_.statements_max;
  out.result_bytes_max = options_.result_bytes_max;
  out.copy_rows_min = options_.copy_rows_min;
  if (use == PgConnection::Use::writes) out.commits = commits_;
  return out;
}

PgCalls::Options PgStore::State::calls(int threads) const {
  // All statements of a group are prepared before the first is sent.
  const std::size_t group_max = std::min(options_.group_calls_max, options_.statements_max);
  return PgCalls::Options{threads, options_.queue_jobs_max, options_.queue_bytes_max, group_max};
}

Status PgStore::State::set_up() {
  const auto schema = [this](PgConnection& connection) -> Status {
    return options_.schema.empty() ? connection.begin_now() : run_schema(connection, options_.schema);
  };
  Status done = write(schema, Durability::durable);
  if (!done.ok()) return done;
  if (!options_.commit_channel.empty()) {
    PgListener::Options listener;
    listener.server = options_.server;
    listener.connect_wait_max = options_.connect_wait_max;
    listener_ = std::make_unique<PgListener>(std::move(listener), *commits_, clock_, counts_);
  }
  return migrate(options_.migrations, [this](const Body& step) { return write(step, Durability::durable); });
}

// Once: `again` tells whether it may be repeated.
Status PgStore::State::attempt(PgPool& pool, const Body& body, Durability durability, const Limits& limits,
                               bool& again) {
  Result<PgPool::Lease> lease = pool.take(limits.deadline_ns, limits.stop);
  if (!lease.ok()) {
    again = lease.error().code == Code::network;
    return std::move(lease).error();
  }
  PgConnection& connection = **lease;
  connection.begin(durability);
  Status out = call_job(body, connection);
  if (out.ok() && pool.options().use == PgConnection::Use::writes)
    out = connection.commit();
  else if (out.ok())
    connection.end_read();
  if (!out.ok()) connection.rollback();
  again = !out.ok() && connection.repeatable();
  return out;
}

Status PgStore::State::transact(PgPool& pool, const Body& body, Durability durability, const Limits& limits) {
  for (int attempts = 0;; ++attempts) {
    if (limits.deadline_ns > 0 && clock_.steady_ns() >= limits.deadline_ns)
      return Error{Code::timeout, "the call took longer than its limit"};
    bool again = false;
    Status out = attempt(pool, body, durability, limits, again);
    const bool stopped = limits.stop != nullptr && limits.stop->stop_requested();
    if (!again || stopped || attempts >= options_.retries_max) return out;
    counts_->retries.fetch_add(1, std::memory_order_relaxed);
    pool.pause(options_.retry_wait_first * (1 << std::min(attempts, retry_doublings_max)));
  }
}

Status PgStore::State::read(const Body& body, const Limits& limits) {
  counts_->reads.fetch_add(1, std::memory_order_relaxed);
  return transact(readers_, body, Durability::fast, limits);
}

Status PgStore::State::write(const Body& body, Durability durability) {
  counts_->writes.fetch_add(1, std::memory_order_relaxed);
  Status out = transact(writers_, body, durability, Limits());
  if (!out.ok()) counts_->writes_failed.fetch_add(1, std::memory_order_relaxed);
  return out;
}

// Asynchronous calls.

Status PgStore::State::submit(PgCalls& calls, PgCall call, PgStore::Done done, CallOptions options) {
  if (call_counts_->in_flight.load(std::memory_order_relaxed) >= static_cast<std::int64_t>(options_.calls_max))
    return Error{Code::queue_full, "there are calls_max calls without an answer"};
  const std::shared_ptr<Call> made = Call::make(std::move(options), std::move(done), clock_, call_counts_);
  call.call = made;
  Status queued = calls.submit(std::move(call));
  if (!queued.ok())
    made->drop();
  else if (made->deadline_ns() > 0)
    limits_.add(made);
  return queued;
}

Status PgStore::State::submit_read(PgStore::ReadJob job, PgStore::Done done, CallOptions options) {
  PgCall call;
  call.run = [this, job = std::move(job)](std::int64_t deadline_ns, const std::stop_token* stop) {
    const auto body = [&job](PgConnection& connection) {
      PgReader reader(connection);
      return job(reader);
    };
    return read(body, Limits{deadline_ns, stop});
  };
  return submit(read_calls_, std::move(call), std::move(done), std::move(options));
}

Status PgStore::State::submit_write(PgStore::Job job, PgStore::Done done, CallOptions options) {
  PgCall call;
  call.run = [this, job = std::move(job), durability = options.durability](std::int64_t, const std::stop_token*) {
    const auto body = [&job](PgConnection& connection) {
      PgTx tx(connection);
      return job(tx);
    };
    return write(body, durability);
  };
  return submit(write_calls_, std::move(call), std::move(done), std::move(options));
}

Status PgStore::State::submit_own(std::function<Status()> work, PgStore::Done done, CallOptions options) {
  PgCall call;
  call.run = [work = std::move(work)](std::int64_t, const std::stop_token*) { return work(); };
  return submit(read_calls_, std::move(call), std::move(done), std::move(options));
}

Status PgStore::State::submit_statement(PgStore::Statement statement, bool is_write, PgStore::Done done,
                                        CallOptions options) {
  const auto shared = std::make_shared<const PgStore::Statement>(std::move(statement));
  const auto body = [shared](PgConnection& connection) -> Status {
    const auto rows = std::make_shared<PgRowBuffer>();
    Result<std::int64_t> changed = connection.run(shared->sql, shared->bind(), rows.get());
    if (!changed.ok()) return std::move(changed).error();
    PgRows result(rows);
    return shared->take(result, changed.value());
  };
  PgCall call;
  call.run = [this, body, is_write, durability = options.durability](std::int64_t deadline_ns,
                                                                     const std::stop_token* stop) {
    return is_write ? write(body, durability) : read(body, Limits{deadline_ns, stop});
  };
  // What may have to be stopped while it runs does not share a connection.
  if (is_write || !options.stop.stop_possible()) call.statement = shared;
  return submit(is_write ? write_calls_ : read_calls_, std::move(call), std::move(done), std::move(options));
}

PgStore::Stats PgStore::State::stats() const {
  PgStore::Stats out;
  out.connections_open = counts_->open;
  out.connections_made = counts_->made;
  out.connections_lost = counts_->lost;
  out.connections_refused = counts_->refused;
  out.oldest_lease_ns = std::max(readers_.oldest_lease_ns(), writers_.oldest_lease_ns());
  out.reads = counts_->reads;
  out.writes = counts_->writes;
  out.writes_failed = counts_->writes_failed;
  out.retries = counts_->retries;
  out.outcomes_unknown = counts_->outcomes_unknown;
  out.round_trips = counts_->round_trips;
  out.streams_open = counts_->streams_open;
  out.listening = listener_ != nullptr && listener_->listening();
  out.calls_in_flight = call_counts_->in_flight;
  out.calls_expired = call_counts_->expired;
  out.calls_cancelled = call_counts_->cancelled;
  const PgCalls::Counts reads = read_calls_.counts();
  const PgCalls::Counts writes = write_calls_.counts();
  out.calls_waiting = reads.waiting + writes.waiting;
  out.calls_refused = reads.refused + writes.refused;
  out.call_groups = reads.groups + writes.groups;
  out.statement_hits = counts_->statement_hits;
  out.statement_misses = counts_->statement_misses;
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "storage/postgres/bulk.h"
#include "storage/postgres/row_stream.h"
#include "storage/postgres/store_state.h"
#include "tapewatch/cache.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

Result<std::unique_ptr<PgStore>> PgStore::open(Options options) {
  auto state = std::make_unique<State>(std::move(options));
  Status ready = state->set_up();
  if (!ready.ok()) return std::move(ready).error();
  return std::unique_ptr<PgStore>(new PgStore(std::move(state)));
}

PgStore::PgStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
PgStore::~PgStore() = default;

Status PgStore::run_read(const ReadJob& body, QueryWatch* watch) {
  const auto read = [&](PgConnection& connection) {
    PgReader reader(connection, watch);
    return body(reader);
  };
  return state_->read(read, State::Limits());
}

Status PgStore::write(const Job& job, Durability durability) {
  const auto write = [&](PgConnection& connection) {
    PgTx tx(connection);
    return job(tx);
  };
  return state_->write(write, durability);
}

Status PgStore::submit(Job job, Done done, CallOptions options) {
  return state_->submit_write(std::move(job), std::move(done), std::move(options));
}

Status PgStore::submit_read(ReadJob job, Done done, CallOptions options) {
  return state_->submit_read(std::move(job), std::move(done), std::move(options));
}

void PgStore::submit_statement(Statement statement, bool is_write, const Done& done, CallOptions options) {
  Status queued = state_->submit_statement(std::move(statement), is_write, done, std::move(options));
  if (!queued.ok()) done(std::move(queued));
}

PgRowStream PgStore::open_stream(std::string sql, std::span<const Value> arguments, StreamOptions options) {
  return PgRowStream(std::make_shared<PgRowStream::State>(*state_, std::move(sql), arguments, options));
}

PgStore::Subscription::~Subscription() {
  if (store_ != nullptr) store_->state_->listeners().remove(number_);
}
PgStore::Subscription PgStore::on_commit(OnCommit listener) {
  return Subscription(*this, state_->listeners().add(std::move(listener)));
}
PgStore::Subscription PgStore::keep_fresh(Cache& cache) {
  return on_commit([&cache](Cache::Tables tables) { cache.invalidate_later(tables); });
}

PgStore::Stats PgStore::stats() const { return state_->stats(); }

// The two faces of a connection inside a closure.

Result<PgRows> PgReader::run(std::string_view sql, const Value* arguments, std::size_t count) {
  if (watch_ != nullptr) {
    Status allowed = watch_->ran(sql, arguments, count);
    if (!allowed.ok()) return std::move(allowed).error();
  }
  const auto rows = std::make_shared<PgRowBuffer>();
  Result<std::int64_t> done = connection_.run(sql, {arguments, count}, rows.get());
  if (!done.ok()) return std::move(done).error();
  return PgRows(rows);
}

Result<std::int64_t> PgTx::run_write(std::string_view sql, const Value* arguments, std::size_t count) {
  return connection_.run_write(sql, {arguments, count});
}

Result<BulkResult> PgTx::run_insert(std::string_view table, Columns columns, Columns keys, const RowSource& source,
                                    const BulkOptions& options) {
  return run_bulk(connection_, PgBulkPlan{PgBulkPlan::Kind::insert, table, columns, keys, options}, source);
}

Result<BulkResult> PgTx::run_upsert(std::string_view table, Columns columns, Columns keys, const RowSource& source,
                                    const BulkOptions& options) {
  return run_bulk(connection_, PgBulkPlan{PgBulkPlan::Kind::upsert, table, columns, keys, options}, source);
}

Result<BulkResult> PgTx::run_update(std::string_view table, Columns columns, Columns keys, const RowSource& source,
                                    const BulkOptions& options) {
  return run_bulk(connection_, PgBulkPlan{PgBulkPlan::Kind::update, table, columns, keys, options}, source);
}

}  // namespace tapewatch

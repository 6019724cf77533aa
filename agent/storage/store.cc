// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "storage/bulk.h"
#include "storage/index_advisor.h"
#include "storage/migrations.h"
#include "storage/store_state.h"
#include "tapewatch/cache.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

Database::Options writer_connection(const Store::Options& options, const StatementObservers& observers) {
  Database::Options out;
  out.path = options.path;
  out.mode = Database::Mode::writer;
  out.busy_timeout = options.busy_timeout;
  out.cache_bytes = options.writer_cache_bytes;
  out.statements_max = options.statements_max;
  out.file_bytes_max = options.file_bytes_max;
  out.journal_bytes_max = options.truncate_bytes;
  out.observers = observers;
  return out;
}

Result<Fd> lock_owner(const Store::Options& options) {
  if (options.sole_writer) return lock_file(options.path + ".owner");
  if (!Store::wal_reset_unsafe(Store::sqlite_version_number())) return Fd();
  return Error{Code::unsupported,
               std::string("SQLite ") + sqlite3_libversion() +
                   " can lose commits when two connections write and checkpoint one file: only one may write"};
}

}  // namespace

// The WAL-reset bug: sqlite.org/wal.html. Fixed in 3.51.3, and in 3.44.6 and 3.50.7 of the older branches.
bool Store::wal_reset_unsafe(int version) {
  if (version < 3007000 || version >= 3051003) return false;
  const bool mended_branch = (version >= 3044006 && version < 3045000) || (version >= 3050007 && version < 3051000);
  return !mended_branch;
}

int Store::sqlite_version_number() { return sqlite3_libversion_number(); }

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Options options) {
  Result<Fd> owner = lock_owner(options);
  if (!owner.ok()) return std::move(owner).error();
  StatementObservers observers{std::make_shared<StatementCounts>(), nullptr};
  if (options.advise_indexes) observers.advisor = std::make_shared<IndexAdvisor>(options.advice);
  Result<std::unique_ptr<Database>> writer = Database::open(writer_connection(options, observers));
  if (!writer.ok()) return std::move(writer).error();
  Status known = refuse_newer(*writer.value(), options.migrations);
  if (!known.ok()) return std::move(known).error();
  if (!options.schema.empty()) {
    Status applied = writer.value()->script("BEGIN IMMEDIATE;" + options.schema + ";COMMIT");
    if (!applied.ok()) return std::move(applied).error().with_context("applying the schema");
  }
  Status migrated = migrate(*writer.value(), options.path, options.migrations);
  if (!migrated.ok()) return std::move(migrated).error();
  auto state =
      std::make_unique<State>(std::move(options), std::move(owner).value(), std::move(writer).value(), observers);
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Status Store::write(const Job& job, Durability durability) { return state_->write(job, durability); }

Status Store::submit(Job job, Done done, CallOptions options) {
  return state_->submit(std::move(job), std::move(done), std::move(options));
}
Status Store::submit_read(ReadJob job, Done done, CallOptions options) {
  return state_->submit_read(std::move(job), {}, std::move(done), std::move(options));
}
Status Store::submit_read_job(ReadJob job, Done done, CallOptions options) {
  return submit_read(std::move(job), std::move(done), std::move(options));
}
Status Store::submit_write_job(Job job, Done done, CallOptions options) {
  return submit(std::move(job), std::move(done), std::move(options));
}
Status Store::run_read(const std::function<Status(Reader&)>& body, QueryWatch* watch) {
  return state_->read(body, watch);
}
RowStream Store::open_stream(std::string sql, std::span<const Value> arguments, StreamOptions options) {
  return RowStream(state_->open_stream(std::move(sql), arguments, options));
}

Store::Subscription::~Subscription() {
  if (store_ != nullptr) store_->state_->listeners().remove(number_);
}
Store::Subscription Store::on_commit(OnCommit listener) {
  return Subscription(*this, state_->listeners().add(std::move(listener)));
}
Store::Subscription Store::keep_fresh(Cache& cache) {
  return on_commit([&cache](Cache::Tables tables) { cache.invalidate_later(tables); });
}

Result<std::vector<IndexAdvice>> Store::index_advice() { return state_->index_advice(); }

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

std::int64_t Tx::total_changes() const { return database_.total_changes(); }
std::vector<std::string> Tx::changed_tables() const {
  std::vector<std::string> out;
  for (const std::string* table : database_.touched()) out.push_back(*table);
  return out;
}
std::int64_t Tx::last_insert_id() const { return database_.last_insert_id(); }

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Store: one SQLite database with one writer and many readers. One connection alone writes and checkpoints; readers are
// read-only and never wait for a commit. Work is handed over as whole closures, each in its own transaction or
// savepoint; jobs that wait are committed together. A second process that opens the same file is refused.
// Thread: any. Closures run on the caller's thread (read, write on an idle writer) or on the store's writer thread
// (submit, write on a busy one). No exception crosses: one thrown by a closure rolls back and becomes an Error.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/bulk.h"
#include "tapewatch/query_watch.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

// fast: a crash of the process loses nothing, a power cut may lose the last commits, never corrupts (synchronous
// NORMAL). durable: on the disk before the result is delivered (synchronous FULL).
enum class Durability : std::uint8_t { fast, durable };

// Reads inside one read transaction. Belongs to the closure it is passed to.
class TAPEWATCH_API Reader final {
 public:
  explicit Reader(Database& database, QueryWatch* watch = nullptr) : database_(database), watch_(watch) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Calls visit(row) for each row; visit returns void or Status, and an error ends the query with it.
  template <typename Row, typename Visit, typename... Args>
  [[nodiscard]] Status for_each(std::string_view sql, Visit&& visit, const Args&... args);
  template <typename Row, typename... Args>
  [[nodiscard]] Result<std::vector<Row>> query(std::string_view sql, const Args&... args);
  // The first row, or nullopt when there is none.
  template <typename Row, typename... Args>
  [[nodiscard]] Result<std::optional<Row>> first(std::string_view sql, const Args&... args);

  [[nodiscard]] Result<Rows> run(std::string_view sql, const Value* arguments, std::size_t count);

 private:
  Database& database_;
  QueryWatch* watch_;
};

// Reads and writes inside one write transaction. Belongs to the closure it is passed to.
class TAPEWATCH_API Tx final {
 public:
  explicit Tx(Database& database) : reader_(database), database_(database) {}
  Tx(const Tx&) = delete;
  Tx& operator=(const Tx&) = delete;

  // One statement; the number of rows it changed.
  template <typename... Args>
  [[nodiscard]] Result<std::int64_t> exec(std::string_view sql, const Args&... args) {
    const std::array<Value, sizeof...(Args) + 1> values{Value(args)..., Value()};
    return run_write(sql, values.data(), sizeof...(Args));
  }
  template <typename Row, typename Visit, typename... Args>
  [[nodiscard]] Status for_each(std::string_view sql, Visit&& visit, const Args&... args) {
    return reader_.for_each<Row>(sql, std::forward<Visit>(visit), args...);
  }
  template <typename Row, typename... Args>
  [[nodiscard]] Result<std::vector<Row>> query(std::string_view sql, const Args&... args) {
    return reader_.query<Row>(sql, args...);
  }
  template <typename Row, typename... Args>
  [[nodiscard]] Result<std::optional<Row>> first(std::string_view sql, const Args&... args) {
    return reader_.first<Row>(sql, args...);
  }
  [[nodiscard]] std::int64_t last_insert_id() const;

  // One row of `columns` per element, in chunks (bulk.h). The table and its columns are named as they are, unquoted.
  template <typename Rows>
  [[nodiscard]] Result<BulkResult> insert_many(std::string_view table, std::initializer_list<std::string_view> columns,
                                               const Rows& rows, const BulkOptions& options = {}) {
    return run_insert(table, Columns(columns.begin(), columns.size()), {}, source_of(std::span(rows)), options);
  }
  // The same, and a row whose `keys` are there already is updated. There is a unique index on exactly the keys.
  template <typename Rows>
  [[nodiscard]] Result<BulkResult> upsert_many(std::string_view table, std::initializer_list<std::string_view> columns,
                                               std::initializer_list<std::string_view> keys, const Rows& rows,
                                               const BulkOptions& options = {}) {
    return run_upsert(table, Columns(columns.begin(), columns.size()), Columns(keys.begin(), keys.size()),
                      source_of(std::span(rows)), options);
  }
  // Sets the other columns of the rows that have these keys; keys that are not there are counted as left out.
  template <typename Rows>
  [[nodiscard]] Result<BulkResult> update_many(std::string_view table, std::initializer_list<std::string_view> columns,
                                               std::initializer_list<std::string_view> keys, const Rows& rows,
                                               const BulkOptions& options = {}) {
    return run_update(table, Columns(columns.begin(), columns.size()), Columns(keys.begin(), keys.size()),
                      source_of(std::span(rows)), options);
  }
  // For rows that are no C++ type: whoever calls made the source.
  [[nodiscard]] Result<BulkResult> run_insert(std::string_view table, Columns columns, Columns keys,
                                              const RowSource& source, const BulkOptions& options);
  [[nodiscard]] Result<BulkResult> run_upsert(std::string_view table, Columns columns, Columns keys,
                                              const RowSource& source, const BulkOptions& options);
  [[nodiscard]] Result<BulkResult> run_update(std::string_view table, Columns columns, Columns keys,
                                              const RowSource& source, const BulkOptions& options);

 private:
  [[nodiscard]] Result<std::int64_t> run_write(std::string_view sql, const Value* arguments, std::size_t count);
  Reader reader_;
  Database& database_;
};

class TAPEWATCH_API Store final {
 public:
  struct Options {
    std::string path;
    std::string schema;  // statements that every opening runs in one transaction (CREATE TABLE IF NOT EXISTS ...)
    int readers_max = 4;
    std::chrono::milliseconds read_wait_max{2000};  // for a free reader
    std::chrono::milliseconds read_age_max{30000};  // then the reader's next step fails with Code::timeout
    std::chrono::milliseconds busy_timeout{5000};
    std::size_t queue_jobs_max = 65536;
    std::size_t queue_bytes_max = 64u << 20;
    std::size_t group_jobs_max = 512;
    std::size_t group_bytes_max = 1u << 20;
    std::size_t statements_max = 128;  // prepared statements kept per connection
    std::int64_t writer_cache_bytes = 16 << 20;
    std::int64_t reader_cache_bytes = 4 << 20;
    std::int64_t checkpoint_bytes = 16 << 20;  // of write-ahead log: copy what no reader needs
    std::int64_t truncate_bytes = 64 << 20;    // of write-ahead log: also cut the file, unless a reader is in the way
    std::chrono::milliseconds idle_checkpoint{1000};
    std::int64_t file_bytes_max = 0;  // of the database file, then Code::full; 0: none
  };

  struct Stats {
    std::int64_t wal_bytes = 0;  // committed and not yet checkpointed, as of the last commit
    std::int64_t checkpoints = 0;
    std::int64_t checkpoints_blocked = 0;  // a reader held back some or all of it
    std::int64_t queue_jobs = 0;
    std::int64_t queue_bytes = 0;
    std::int64_t queue_refused = 0;
    std::int64_t groups = 0;
    std::int64_t jobs = 0;
    std::int64_t jobs_failed = 0;
    std::int64_t reads = 0;
    std::int64_t reads_refused = 0;  // no reader became free in time
    std::int64_t reads_expired = 0;  // ran into read_age_max
    std::int64_t readers_open = 0;
    std::int64_t oldest_read_age_ns = 0;
    std::int64_t statement_hits = 0;  // prepared statements found again, of all connections
    std::int64_t statement_misses = 0;
    std::int64_t statements_kept = 0;
  };

  using Job = std::function<Status(Tx&)>;
  using Done = std::function<void(Status)>;

  // Code::busy when another process owns the file; Code::corrupt when it is not a sound database.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(Options options);
  // Runs what is queued, checkpoints, closes. No closure may still be running on another thread.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Runs f(Reader&) -> Result<T> in one read transaction on a reader of the pool. `watch` counts its statements.
  template <typename F>
  [[nodiscard]] std::invoke_result_t<F&, Reader&> read(F&& f, QueryWatch* watch = nullptr);

  // Runs the job and returns after its COMMIT. Not from inside a job of the same store (Code::invalid).
  [[nodiscard]] Status write(const Job& job, Durability durability = Durability::fast);
  // Queues the job; `done` is called on the writer thread after COMMIT, or with the error that kept it from being
  // committed. Code::queue_full at the limits (then `done` is never called). `bytes` is the job's weight.
  [[nodiscard]] Status submit(Job job, Durability durability, Done done, std::size_t bytes = 256);

  [[nodiscard]] Stats stats() const;

 private:
  class State;
  explicit Store(std::unique_ptr<State> state);
  [[nodiscard]] Status run_read(const std::function<Status(Reader&)>& body, QueryWatch* watch);
  std::unique_ptr<State> state_;
};

template <typename Row, typename Visit, typename... Args>
Status Reader::for_each(std::string_view sql, Visit&& visit, const Args&... args) {
  const std::array<Value, sizeof...(Args) + 1> values{Value(args)..., Value()};
  Result<Rows> rows = run(sql, values.data(), sizeof...(Args));
  if (!rows.ok()) return std::move(rows).error();
  for (std::int64_t seen = 0;; ++seen) {
    const Result<bool> more = rows->next();
    if (!more.ok()) return more.error();
    if (!more.value()) {
      if (watch_ != nullptr) watch_->returned(sql, seen);
      return success();
    }
    if constexpr (std::is_same_v<std::invoke_result_t<Visit&, Row>, void>) {
      visit(row_detail::read_row<Row>(rows.value()));
    } else {
      Status status = visit(row_detail::read_row<Row>(rows.value()));
      if (!status.ok()) return status;
    }
  }
}

template <typename Row, typename... Args>
Result<std::vector<Row>> Reader::query(std::string_view sql, const Args&... args) {
  static_assert(!std::is_same_v<Row, std::string_view>, "a view dies with its row: use for_each");
  std::vector<Row> out;
  Status status = for_each<Row>(
      sql, [&](Row row) { out.push_back(std::move(row)); }, args...);
  if (!status.ok()) return std::move(status).error();
  return out;
}

template <typename Row, typename... Args>
Result<std::optional<Row>> Reader::first(std::string_view sql, const Args&... args) {
  const std::array<Value, sizeof...(Args) + 1> values{Value(args)..., Value()};
  Result<Rows> rows = run(sql, values.data(), sizeof...(Args));
  if (!rows.ok()) return std::move(rows).error();
  const Result<bool> more = rows->next();
  if (!more.ok()) return more.error();
  if (!more.value()) return std::optional<Row>();
  return std::optional<Row>(row_detail::read_row<Row>(rows.value()));
}

template <typename F>
std::invoke_result_t<F&, Reader&> Store::read(F&& f, QueryWatch* watch) {
  using R = std::invoke_result_t<F&, Reader&>;
  std::optional<R> out;
  Status status = run_read(
      [&](Reader& reader) -> Status {
        out.emplace(f(reader));
        if (!out->ok()) return out->error();
        return success();
      },
      watch);
  if (!status.ok()) return std::move(status).error();
  return std::move(*out);
}

}  // namespace tapewatch

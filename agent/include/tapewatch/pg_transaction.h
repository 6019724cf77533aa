// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a closure handed to a PgStore is given: a PgReader, in one read-only snapshot, or a PgTx, in a transaction of
// its own. They have the names and signatures of Reader and Tx. A `?` in a statement is an argument's place (`?3` the
// third;
// `??` the operator `?`). A closure may be called again, in a new transaction, when the server asks for that
// (serialization, deadlock) or was lost: what it changes besides the database must bear that. Thread: the closure's.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/bulk.h"
#include "tapewatch/pg_rows.h"
#include "tapewatch/query_watch.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

class PgConnection;

class TAPEWATCH_API PgReader final {
 public:
  explicit PgReader(PgConnection& connection, QueryWatch* watch = nullptr) : connection_(connection), watch_(watch) {}
  PgReader(const PgReader&) = delete;
  PgReader& operator=(const PgReader&) = delete;

  // Calls visit(row) for each row; visit returns void or Status, and an error ends the query with it.
  template <typename Row, typename Visit, typename... Args>
  [[nodiscard]] Status for_each(std::string_view sql, Visit&& visit, const Args&... args) {
    const std::array<Value, sizeof...(Args) + 1> values{Value(args)..., Value()};
    Result<PgRows> rows = run(sql, values.data(), sizeof...(Args));
    if (!rows.ok()) return std::move(rows).error();
    std::int64_t seen = 0;
    Status status = row_detail::each_row<Row>(rows.value(), visit, &seen);
    if (status.ok() && watch_ != nullptr) watch_->returned(sql, seen);
    return status;
  }
  template <typename Row, typename... Args>
  [[nodiscard]] Result<std::vector<Row>> query(std::string_view sql, const Args&... args) {
    static_assert(!std::is_same_v<Row, std::string_view>, "a view dies with its rows: use for_each");
    std::vector<Row> out;
    Status status = for_each<Row>(
        sql, [&](Row row) { out.push_back(std::move(row)); }, args...);
    if (!status.ok()) return std::move(status).error();
    return out;
  }
  // The first row, or nullopt when there is none. The others are received too: LIMIT 1.
  template <typename Row, typename... Args>
  [[nodiscard]] Result<std::optional<Row>> first(std::string_view sql, const Args&... args) {
    const std::array<Value, sizeof...(Args) + 1> values{Value(args)..., Value()};
    Result<PgRows> rows = run(sql, values.data(), sizeof...(Args));
    if (!rows.ok()) return std::move(rows).error();
    if (rows->step() != PgRows::Step::row) return std::optional<Row>();
    return std::optional<Row>(row_detail::read_row<Row>(rows.value()));
  }

  [[nodiscard]] Result<PgRows> run(std::string_view sql, const Value* arguments, std::size_t count);

 private:
  PgConnection& connection_;
  QueryWatch* watch_;
};

class TAPEWATCH_API PgTx final {
 public:
  explicit PgTx(PgConnection& connection) : reader_(connection), connection_(connection) {}
  PgTx(const PgTx&) = delete;
  PgTx& operator=(const PgTx&) = delete;

  // One statement; the number of rows it changed. When a statement fails, the transaction is lost and everything after
  // it fails, unless PgStore::Options::statement_savepoints is set.
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
  [[nodiscard]] Result<PgRows> run(std::string_view sql, const Value* arguments, std::size_t count) {
    return reader_.run(sql, arguments, count);
  }

  // As those of Tx. Many rows go by COPY, few as pipelined statements. Names are quoted, so their case matters.
  template <typename Rows>
  [[nodiscard]] Result<BulkResult> insert_many(std::string_view table, std::initializer_list<std::string_view> columns,
                                               const Rows& rows, const BulkOptions& options = {}) {
    return run_insert(table, Columns(columns.begin(), columns.size()), {}, source_of(std::span(rows)), options);
  }
  template <typename Rows>
  [[nodiscard]] Result<BulkResult> upsert_many(std::string_view table, std::initializer_list<std::string_view> columns,
                                               std::initializer_list<std::string_view> keys, const Rows& rows,
                                               const BulkOptions& options = {}) {
    return run_upsert(table, Columns(columns.begin(), columns.size()), Columns(keys.begin(), keys.size()),
                      source_of(std::span(rows)), options);
  }
  template <typename Rows>
  [[nodiscard]] Result<BulkResult> update_many(std::string_view table, std::initializer_list<std::string_view> columns,
                                               std::initializer_list<std::string_view> keys, const Rows& rows,
                                               const BulkOptions& options = {}) {
    return run_update(table, Columns(columns.begin(), columns.size()), Columns(keys.begin(), keys.size()),
                      source_of(std::span(rows)), options);
  }
  [[nodiscard]] Result<BulkResult> run_insert(std::string_view table, Columns columns, Columns keys,
                                              const RowSource& source, const BulkOptions& options);
  [[nodiscard]] Result<BulkResult> run_upsert(std::string_view table, Columns columns, Columns keys,
                                              const RowSource& source, const BulkOptions& options);
  [[nodiscard]] Result<BulkResult> run_update(std::string_view table, Columns columns, Columns keys,
                                              const RowSource& source, const BulkOptions& options);

 private:
  [[nodiscard]] Result<std::int64_t> run_write(std::string_view sql, const Value* arguments, std::size_t count);
  PgReader reader_;
  PgConnection& connection_;
};

}  // namespace tapewatch

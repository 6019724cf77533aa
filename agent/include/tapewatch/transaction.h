// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a closure handed to a Store is given: a Reader, in one read transaction, or a Tx, in its savepoint of a write
// transaction. Both belong to the closure and go with it. Thread: that of the closure.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/bulk.h"
#include "tapewatch/query_watch.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

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
  // Rows changed since the store was opened, by triggers too: the difference is what lies between.
  [[nodiscard]] std::int64_t total_changes() const;
  // The tables that this job has changed so far, by triggers and foreign keys too; "" is any table: the schema changed.
  [[nodiscard]] std::vector<std::string> changed_tables() const;
  [[nodiscard]] Result<Rows> run(std::string_view sql, const Value* arguments, std::size_t count) {
    return reader_.run(sql, arguments, count);
  }

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

template <typename Row, typename Visit, typename... Args>
Status Reader::for_each(std::string_view sql, Visit&& visit, const Args&... args) {
  const std::array<Value, sizeof...(Args) + 1> values{Value(args)..., Value()};
  Result<Rows> rows = run(sql, values.data(), sizeof...(Args));
  if (!rows.ok()) return std::move(rows).error();
  std::int64_t seen = 0;
  Status status = row_detail::each_row<Row>(rows.value(), visit, &seen);
  if (status.ok() && watch_ != nullptr) watch_->returned(sql, seen);
  return status;
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

}  // namespace tapewatch

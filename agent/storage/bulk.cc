// SPDX-License-Identifier: Apache-2.0
#include "storage/bulk.h"

#include <algorithm>
#include <utility>

namespace tapewatch {
namespace {

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

template <typename Each>
std::string listed(std::size_t count, std::string_view between, Each each) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += between;
    out += each(i);
  }
  return out;
}

bool is_in(Columns names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

std::string assignments(const BulkPlan& plan) {
  std::string out;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    if (is_in(plan.keys, plan.columns[i])) continue;
    if (!out.empty()) out += ',';
    out += quoted(plan.columns[i]) + "=";
    out += plan.kind == BulkPlan::Kind::update ? "?" + std::to_string(i + 1) : "excluded." + quoted(plan.columns[i]);
  }
  return out;
}

std::string insert_head(const BulkPlan& plan) {
  const auto name = [&](std::size_t i) { return quoted(plan.columns[i]); };
  return "INSERT INTO " + quoted(plan.table) + "(" + listed(plan.columns.size(), ",", name) + ") ";
}

std::string insert_tail(const BulkPlan& plan) {
  if (plan.kind == BulkPlan::Kind::insert)
    return plan.options.on_conflict == OnConflict::skip ? " ON CONFLICT DO NOTHING" : "";
  const auto key = [&](std::size_t i) { return quoted(plan.keys[i]); };
  const std::string set = assignments(plan);
  return " ON CONFLICT(" + listed(plan.keys.size(), ",", key) + ")" +
         (set.empty() ? " DO NOTHING" : " DO UPDATE SET " + set);
}

std::string chunk_statement(const BulkPlan& plan) {
  const auto value = [](std::size_t i) { return "c" + std::to_string(i); };
  // WHERE true: without it, the ON of ON CONFLICT would be read as that of a join.
  return insert_head(plan) + "SELECT " + listed(plan.columns.size(), ",", value) +
         " FROM tapewatch_rows(?1) WHERE true" + insert_tail(plan);
}

std::string row_statement(const BulkPlan& plan) {
  if (plan.kind != BulkPlan::Kind::update) {
    const auto mark = [](std::size_t) { return "?"; };
    return insert_head(plan) + "VALUES(" + listed(plan.columns.size(), ",", mark) + ")" + insert_tail(plan);
  }
  const auto test = [&](std::size_t i) {
    const auto at = std::find(plan.columns.begin(), plan.columns.end(), plan.keys[i]) - plan.columns.begin();
    return quoted(plan.keys[i]) + "=?" + std::to_string(at + 1);
  };
  return "UPDATE " + quoted(plan.table) + " SET " + assignments(plan) + " WHERE " +
         listed(plan.keys.size(), " AND ", test);
}

Status check(const BulkPlan& plan, const RowSource& source) {
  if (plan.columns.size() != source.columns)
    return Error{Code::invalid, "rows of " + std::to_string(source.columns) + " members for " +
                                    std::to_string(plan.columns.size()) + " columns"};
  if (plan.kind != BulkPlan::Kind::insert && plan.keys.empty()) return Error{Code::invalid, "no key column is named"};
  for (const std::string_view key : plan.keys) {
    if (!is_in(plan.columns, key)) return Error{Code::invalid, "the key " + quoted(key) + " is none of the columns"};
  }
  if (plan.kind == BulkPlan::Kind::update && plan.keys.size() >= plan.columns.size())
    return Error{Code::invalid, "no column is left to update"};
  return success();
}

Error at_row(Error error, std::size_t row) {
  return std::move(error).with_context("row " + std::to_string(row) + " of the rows");
}

// One call. Whoever made the savepoint takes back what a failed one wrote.
class Bulk final {
 public:
  Bulk(Database& database, const BulkPlan& plan, const RowSource& source)
      : database_(database), plan_(plan), source_(source), row_sql_(row_statement(plan)) {
    if (plan.kind != BulkPlan::Kind::update) chunk_sql_ = chunk_statement(plan);
  }

  Status run() {
    const std::size_t step = std::max<std::size_t>(plan_.options.chunk_rows, 1);
    for (std::size_t begin = 0; begin < source_.count; begin += step) {
      const std::size_t end = std::min(source_.count, begin + step);
      Status done = chunk_sql_.empty() ? run_rows(begin, end) : run_chunk(begin, end);
      if (!done.ok()) return done;
    }
    return success();
  }
  BulkResult take() { return std::move(result_); }

 private:
  Status run_chunk(std::size_t begin, std::size_t end) {
    RowRange range{&source_, begin, end, begin};
    const Status done = database_.exec_range(chunk_sql_, range);
    if (done.ok()) {
      const std::int64_t written = database_.changes();
      result_.written += written;
      result_.left_out += static_cast<std::int64_t>(end - begin) - written;
      return success();
    }
    const bool constraint = done.error().code == Code::constraint && database_.in_transaction();
    if (constraint && plan_.options.on_conflict == OnConflict::report) return run_rows(begin, end);
    // With a trigger on the table, SQLite reads all rows before it writes the first, and the place is not known.
    return constraint && range.at < end ? at_row(done.error(), range.at) : done.error();
  }

  Status run_rows(std::size_t begin, std::size_t end) {
    Result<Statement*> statement = database_.take(row_sql_);
    if (!statement.ok()) return std::move(statement).error();
    Status out = success();
    for (std::size_t row = begin; row < end && out.ok(); ++row) out = run_row(*statement.value(), row);
    database_.give_back(*statement.value());
    return out;
  }

  Status run_row(Statement& statement, std::size_t row) {
    source_.read_at(row, values_.data());
    const Status done = database_.exec(statement, values_.data(), source_.columns);
    if (done.ok()) {
      const std::int64_t written = database_.changes();
      result_.written += written;
      if (written == 0) ++result_.left_out;
      return success();
    }
    const bool constraint = done.error().code == Code::constraint && database_.in_transaction();
    if (!constraint || plan_.options.on_conflict == OnConflict::fail) return at_row(done.error(), row);
    ++result_.left_out;
    if (result_.errors.size() < plan_.options.errors_max) result_.errors.push_back(RowError{row, done.error()});
    return success();
  }

  Database& database_;
  const BulkPlan& plan_;
  const RowSource& source_;
  const std::string row_sql_;
  std::string chunk_sql_;
  std::array<Value, row_detail::members_max> values_{};
  BulkResult result_;
};

}  // namespace

Result<BulkResult> run_bulk(Database& database, const BulkPlan& plan, const RowSource& source) {
  Status sound = check(plan, source);
  if (!sound.ok()) return std::move(sound).error();
  if (source.count == 0) return BulkResult();
  Status opened = database.exec("SAVEPOINT bulk");
  if (!opened.ok()) return std::move(opened).error();
  Bulk bulk(database, plan, source);
  Status done = bulk.run();
  if (!done.ok() && database.in_transaction()) {
    Status undone = database.exec("ROLLBACK TO bulk");
    if (!undone.ok()) return std::move(undone).error();
  }
  if (database.in_transaction()) {
    Status released = database.exec("RELEASE bulk");
    if (!released.ok()) return std::move(released).error();
  }
  if (!done.ok()) return std::move(done).error();
  return bulk.take();
}

}  // namespace tapewatch

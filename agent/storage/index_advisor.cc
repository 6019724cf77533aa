// SPDX-License-Identifier: Apache-2.0
#include "storage/index_advisor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tapewatch/query_watch.h"

namespace tapewatch {
namespace {

constexpr std::int64_t steps_a_row = 5;  // of SQLite's machine, at least
constexpr const char* candidate = "tapewatch_candidate";

using Plan = std::vector<std::string>;
using Columns = std::vector<std::string>;

std::string quoted(std::string_view name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (plain && (name[0] < '0' || name[0] > '9')) return std::string(name);
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

std::string index_sql(const std::string& name, const std::string& table, const Columns& columns) {
  std::string out = "CREATE INDEX " + quoted(name) + " ON " + quoted(table) + "(";
  for (const std::string& column : columns) out += (out.back() == '(' ? "" : ", ") + quoted(column);
  return out + ")";
}

// A database in memory with the schema and statistics of another, and no rows.
class Trial final {
 public:
  Trial() {
    // Without memory for it every call on it fails, and there is no advice.
    sqlite3_open_v2(":memory:", &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  }
  ~Trial() { sqlite3_close(handle_); }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  Status copy(Database& from);
  bool run(const std::string& sql) {
    return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  // Empty when the statement cannot be prepared here.
  Plan plan(const std::string& sql);
  // The columns of each table that the statement reads.
  std::map<std::string, std::set<std::string>> reads(const std::string& sql);

 private:
  Status copy_statistics(Database& from);
  sqlite3* handle_ = nullptr;
};

Status Trial::copy(Database& from) {
  // Tables before what stands on them. What needs functions of the application is left out.
  Result<Rows> rows = from.query(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('table', 'index', 'view')"
      " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type = 'view', type = 'index', rowid");
  if (!rows.ok()) return std::move(rows).error();
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row.ok()) return row.error();
    if (!row.value()) break;
    static_cast<void>(run(std::string(rows->text(0))));
  }
  return copy_statistics(from);
}

Status Trial::copy_statistics(Database& from) {
  Result<Rows> rows = from.query("SELECT tbl, idx, stat FROM sqlite_stat1");
  if (!rows.ok()) return success();  // nobody made any: the planner assumes large tables
  run("ANALYZE; DELETE FROM sqlite_stat1");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(handle_, "INSERT INTO sqlite_stat1 VALUES(?, ?, ?)", -1, &insert, nullptr);
  while (insert != nullptr) {
    const Result<bool> row = rows->next();
    if (!row.ok() || !row.value()) break;
    for (int i = 0; i < 3; ++i) {
      const std::string_view text = rows->text(i);
      if (rows->is_null(i))
        sqlite3_bind_null(insert, i + 1);
      else
        sqlite3_bind_text64(insert, i + 1, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  run("ANALYZE sqlite_schema");
  return success();
}

Plan Trial::plan(const std::string& sql) {
  Plan out;
  sqlite3_stmt* statement = nullptr;
  const std::string asked = "EXPLAIN QUERY PLAN " + sql;
  if (sqlite3_prepare_v2(handle_, asked.c_str(), -1, &statement, nullptr) != SQLITE_OK) return out;
  while (sqlite3_step(statement) == SQLITE_ROW)
    out.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3)));
  sqlite3_finalize(statement);
  return out;
}

std::map<std::string, std::set<std::string>> Trial::reads(const std::string& sql) {
  std::map<std::string, std::set<std::string>> out;
  sqlite3_set_authorizer(
      handle_,
      [](void* to, int action, const char* table, const char* column, const char*, const char*) {
        if (action == SQLITE_READ && table != nullptr && column != nullptr && *column != '\0')
          (*static_cast<std::map<std::string, std::set<std::string>>*>(to))[table].insert(column);
        return SQLITE_OK;
      },
      &out);
  static_cast<void>(plan(sql));
  sqlite3_set_authorizer(handle_, nullptr, nullptr);
  return out;
}

// How much of a plan is done row by row; less is better. Terms that an index decides make the difference between two
// that use one.
int cost_of(const Plan& plan) {
  int cost = 0;
  for (const std::string& step : plan) {
    if (step.starts_with("SCAN")) cost += 100;
    if (step.find("USING AUTOMATIC") != std::string::npos) cost += 80;
    if (step.starts_with("USE TEMP B-TREE")) cost += step.find("RIGHT PART") == std::string::npos ? 30 : 15;
    cost -= static_cast<int>(std::count(step.begin(), step.end(), '?'));
  }
  return cost;
}

// What the planner does with the candidate: "(a=? AND b>?)" behind its name, "" when it uses it otherwise.
std::optional<std::string> use_of(const Plan& plan) {
  for (const std::string& step : plan) {
    const std::size_t at = step.find(candidate);
    if (at == std::string::npos) continue;
    const std::size_t open = step.find('(', at);
    return open == std::string::npos ? "" : step.substr(open);
  }
  return std::nullopt;
}

// Finds the indexes for one statement.
class Search final {
 public:
  Search(Trial& trial, const IndexAdviceOptions& options, IndexAdvice& advice)
      : trial_(trial), options_(options), advice_(advice) {}

  void run() {
    advice_.plan = trial_.plan(advice_.sql);
    if (advice_.plan.empty()) return;
    std::vector<std::string> made;
    for (const auto& [table, columns] : trial_.reads(advice_.sql)) {
      const Columns best = best_of(table, columns);
      if (best.empty()) continue;
      std::string name = table;
      for (const std::string& column : best) name += "_" + column;
      // Stays while the other tables are looked at: their order may change with it.
      if (!trial_.run(index_sql(name, table, best))) continue;
      made.push_back(name);
      advice_.create.push_back(index_sql(name, table, best));
    }
    if (!made.empty()) advice_.plan_with = trial_.plan(advice_.sql);
    for (const std::string& name : made) trial_.run("DROP INDEX " + quoted(name));
  }

 private:
  Plan try_index(const std::string& table, const Columns& columns) {
    if (!trial_.run(index_sql(candidate, table, columns))) return {};
    Plan out = trial_.plan(advice_.sql);
    trial_.run(std::string("DROP INDEX ") + candidate);
    return out;
  }
  // Keeps `columns` when they are better than all before.
  void consider(const std::string& table, const Columns& columns) {
    const Plan plan = try_index(table, columns);
    if (plan.empty() || !use_of(plan)) return;
    const int cost = cost_of(plan);
    if (cost >= least_) return;
    least_ = cost;
    best_ = columns;
  }
  // Columns compared for equality, then one of a range or of the order.
  Columns best_of(const std::string& table, const std::set<std::string>& read) {
    best_.clear();
    least_ = cost_of(trial_.plan(advice_.sql)) - 5;  // what helps less is not worth an index
    Columns equal;
    Columns others;
    for (const std::string& column : read) {
      if (equal.size() + others.size() >= options_.columns_tried_max) break;
      const std::optional<std::string> use = use_of(try_index(table, {column}));
      (use && use->find("=?") != std::string::npos ? equal : others).push_back(column);
    }
    if (!equal.empty()) consider(table, equal);
    for (std::size_t round = 0; round < 3; ++round) {  // columns of an order, one by one
      const Columns so_far = best_.empty() ? equal : best_;
      for (const std::string& column : others) {
        if (std::find(so_far.begin(), so_far.end(), column) != so_far.end()) continue;
        Columns with = so_far;
        with.push_back(column);
        consider(table, with);
      }
      if (best_ == so_far || best_.empty()) break;
    }
    return best_;
  }

  Trial& trial_;
  const IndexAdviceOptions& options_;
  IndexAdvice& advice_;
  Columns best_;
  int least_ = 0;
};

}  // namespace

void IndexAdvisor::note(sqlite3_stmt* statement) {
  const auto taken = [&](int counter) { return std::int64_t{sqlite3_stmt_status(statement, counter, 1)}; };
  const std::int64_t scanned = taken(SQLITE_STMTSTATUS_FULLSCAN_STEP);
  const std::int64_t indexed = taken(SQLITE_STMTSTATUS_AUTOINDEX);
  const std::int64_t sorts = taken(SQLITE_STMTSTATUS_SORT);
  const std::int64_t steps = taken(SQLITE_STMTSTATUS_VM_STEP);
  const std::int64_t runs = std::max<std::int64_t>(1, taken(SQLITE_STMTSTATUS_RUN));
  const std::int64_t least = options_.rows_min * runs;
  if (scanned < least && indexed < least && (sorts == 0 || steps < steps_a_row * least)) return;
  const char* const sql = sqlite3_sql(statement);
  if (sql == nullptr) return;
  std::string shape = shape_of(sql);
  MutexLock lock(mutex_);
  const auto found = noted_.find(shape);
  if (found == noted_.end() && noted_.size() >= options_.statements_max) return;
  IndexAdvice& noted = found != noted_.end() ? found->second : noted_[std::move(shape)];
  if (noted.sql.empty()) noted.sql = sql;
  noted.runs += runs;
  noted.rows_scanned += scanned;
  noted.rows_indexed += indexed;
  noted.sorts += sorts;
}

Result<std::vector<IndexAdvice>> IndexAdvisor::advice(Database& reader) const {
  std::vector<IndexAdvice> out;
  {
    MutexLock lock(mutex_);
    for (const auto& [shape, noted] : noted_) out.push_back(noted);
  }
  Trial trial;
  Status copied = trial.copy(reader);
  if (!copied.ok()) return std::move(copied).error();
  for (IndexAdvice& each : out) Search(trial, options_, each).run();
  // Not a statement of this schema, or no longer.
  std::erase_if(out, [](const IndexAdvice& each) { return each.plan.empty(); });
  std::stable_sort(out.begin(), out.end(), [](const IndexAdvice& a, const IndexAdvice& b) {
    return a.rows_scanned + a.rows_indexed > b.rows_scanned + b.rows_indexed;
  });
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/database.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "storage/index_advisor.h"
#include "storage/row_source_table.h"

namespace tapewatch {
namespace {

constexpr int steps_between_deadline_checks = 1000;

// Per-allocation statistics take a global lock. SQLite heeds this only before its first use in the process, so a
// refusal (the application came first) is fine.
bool configure_library() { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK; }

Code code_of(int result, int system_error) {
  switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::busy;
    case SQLITE_FULL:
      return Code::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::corrupt;
    case SQLITE_CONSTRAINT:
      return Code::constraint;
    case SQLITE_READONLY:
      return Code::read_only;
    case SQLITE_INTERRUPT:
      return Code::timeout;
    case SQLITE_IOERR:
      return system_error == ENOSPC || system_error == EDQUOT ? Code::full : Code::io;
    case SQLITE_CANTOPEN:
      return system_error == ENOSPC ? Code::full : Code::io;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Code::permission;
    case SQLITE_TOOBIG:
      return Code::limit;
    default:
      return Code::sql;
  }
}

// A path as an SQLite URI: everything but plain path characters is percent-encoded, so that '?' and '#' stay a path.
std::string uri_of(const std::string& path, bool immutable) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                       c == '.' || c == '-' || c == '_';
    const auto byte = static_cast<unsigned char>(c);
    if (plain)
      uri.push_back(c);
    else
      uri.append({'%', hex[byte >> 4], hex[byte & 15]});
  }
  if (immutable) uri += "?immutable=1";
  return uri;
}

}  // namespace

Database::Database(sqlite3* handle, const Options& options)
    : handle_(handle),
      path_(options.path),
      statements_max_(options.statements_max),
      busy_timeout_(options.busy_timeout),
      counts_(options.observers.counts != nullptr ? options.observers.counts : std::make_shared<StatementCounts>()),
      advisor_(options.observers.advisor) {}

Database::~Database() {
  counts_->kept.fetch_sub(static_cast<std::int64_t>(statements_.size()), std::memory_order_relaxed);
  statements_.clear();
  CHECK(sqlite3_close(handle_) == SQLITE_OK);  // fails only while a statement still runs
}

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  static const bool configured = configure_library();
  static_cast<void>(configured);
  const bool writer = options.mode == Mode::writer;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE |
                    (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  sqlite3* handle = nullptr;
  const int result =
      sqlite3_open_v2(uri_of(options.path, options.mode == Mode::immutable).c_str(), &handle, flags, nullptr);
  if (handle == nullptr) return Error{Code::internal, "opening " + options.path + ": out of memory"};
  std::unique_ptr<Database> database(new Database(handle, options));
  if (result != SQLITE_OK) return database->error("opening the database");
  Status ready = database->prepare(options);
  if (!ready.ok()) return std::move(ready).error();
  return database;
}

Status Database::prepare(const Options& options) {
  const bool writer = options.mode == Mode::writer;
  sqlite3_busy_handler(handle_, &Database::on_busy, this);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, writer ? 0 : 1, nullptr);
  std::string pragmas =
      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON;"
      "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cache_size=-" +
      std::to_string(options.cache_bytes / 1024) + ";";
  if (writer) {
    pragmas += "PRAGMA page_size=" + std::to_string(options.page_bytes) +
               "; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
               "PRAGMA secure_delete=OFF; PRAGMA analysis_limit=400; PRAGMA journal_size_limit=" +
               std::to_string(options.journal_bytes_max) + ";";
  } else {
    pragmas += "PRAGMA query_only=ON;";
  }
  Status done = script(pragmas);
  if (!done.ok()) return done;
  Result<Rows> page = query("PRAGMA page_size");
  if (!page.ok()) return std::move(page).error();
  const Result<bool> row = page->next();
  if (row.ok() && row.value()) page_bytes_ = page->integer(0);
  if (writer && options.file_bytes_max > 0)
    done = script("PRAGMA max_page_count=" + std::to_string(options.file_bytes_max / page_bytes_));
  sqlite3_wal_hook(handle_, &Database::on_wal, this);
  if (!writer || !done.ok()) return done;
  if (!register_row_source_table(handle_)) return error("preparing the connection");
  // Used once, so that what SQLite does to know it is not taken for a change of the schema later.
  done = exec("SELECT 1 FROM tapewatch_rows(NULL)");
  if (!done.ok()) return done;
  sqlite3_set_authorizer(handle_, &Database::on_authorize, this);
  return done;
}

Error Database::error(std::string_view what) const {
  const int result = sqlite3_extended_errcode(handle_);
  return Error{
      code_of(result, sqlite3_system_errno(handle_)),
      std::string(what) + " (" + path_ + "): " + sqlite3_errmsg(handle_) + " [" + std::to_string(result) + "]"};
}

Status Database::script(const std::string& sql) {
  const bool done = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  authorized_.clear();  // for set-up alone: nobody is told what a script changes
  return done ? success() : Status(error("running a statement"));
}

Status Database::exec(std::string_view sql, std::initializer_list<Value> arguments) {
  Result<Rows> rows = query(sql, arguments);
  if (!rows.ok()) return std::move(rows).error();
  for (;;) {
    Result<bool> more = rows->next();
    if (!more.ok()) return std::move(more).error();
    if (!more.value()) return success();
  }
}

Result<Rows> Database::query(std::string_view sql, std::initializer_list<Value> arguments) {
  return query(sql, arguments.begin(), arguments.size());
}

Result<Rows> Database::query(std::string_view sql, const Value* arguments, std::size_t count) {
  Result<Statement*> statement = take(sql);
  if (!statement.ok()) return std::move(statement).error();
  Rows rows(*this, *statement.value());
  Status bound = bind(*statement.value(), arguments, count);
  if (!bound.ok()) return std::move(bound).error();
  return rows;
}

Result<Statement*> Database::take(std::string_view sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end() && !found->second->running_) {
    found->second->running_ = true;
    found->second->last_used_ = ++uses_;
    found->second->changes_before_ = sqlite3_total_changes64(handle_);
    counts_->hits.fetch_add(1, std::memory_order_relaxed);
    return found->second.get();
  }
  counts_->misses.fetch_add(1, std::memory_order_relaxed);
  if (sql.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return Error{Code::limit, "a statement is too long"};
  sqlite3_stmt* handle = nullptr;
  const char* rest = nullptr;
  std::vector<const std::string*> outer = std::exchange(authorized_, {});  // of a statement that runs meanwhile
  const auto restore = [&] { return std::exchange(authorized_, std::move(outer)); };
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle,
                         &rest) != SQLITE_OK) {
    restore();
    return error("preparing a statement");
  }
  auto statement = std::make_unique<Statement>(handle);
  statement->writes_ = restore();
  if (handle == nullptr) return Error{Code::sql, "an empty statement"};
  const std::string_view tail(rest, static_cast<std::size_t>(sql.data() + sql.size() - rest));
  if (tail.find_first_not_of(" \t\r\n;") != std::string_view::npos)
    return Error{Code::sql, "one statement at a time, please: there is more behind the first"};
  statement->running_ = true;
  statement->last_used_ = ++uses_;
  statement->changes_before_ = sqlite3_total_changes64(handle_);
  if (found != statements_.end()) return statement.release();  // the cached one runs already: one for this time only
  if (statements_.size() >= statements_max_) evict_one();
  statement->cached_ = true;
  counts_->kept.fetch_add(1, std::memory_order_relaxed);
  return statements_.emplace(std::string(sql), std::move(statement)).first->second.get();
}

void Database::evict_one() {
  auto oldest = statements_.end();
  for (auto at = statements_.begin(); at != statements_.end(); ++at) {
    if (at->second->running_) continue;
    if (oldest == statements_.end() || at->second->last_used_ < oldest->second->last_used_) oldest = at;
  }
  if (oldest == statements_.end()) return;
  statements_.erase(oldest);
  counts_->kept.fetch_sub(1, std::memory_order_relaxed);
}

void Database::give_back(Statement& statement) {
  sqlite3_reset(statement.handle_);
  if (advisor_ != nullptr) advisor_->note(statement.handle_);
  // A statement that SQLite prepared again meanwhile may have got a trigger that writes elsewhere.
  for (const std::string* table : std::exchange(authorized_, {})) statement.writes_.push_back(table);
  if (!statement.writes_.empty()) note_writes(statement);
  if (!statement.cached_) {
    delete &statement;
    return;
  }
  sqlite3_clear_bindings(statement.handle_);
  statement.running_ = false;
}

// Changing the schema counts no rows.
void Database::note_writes(Statement& statement) {
  const bool changed = sqlite3_total_changes64(handle_) != statement.changes_before_;
  for (const std::string* table : statement.writes_) {
    if ((changed || table->empty()) && std::find(touched_.begin(), touched_.end(), table) == touched_.end())
      touched_.push_back(table);
  }
}

int Database::on_authorize(void* self, int action, const char* first, const char*, const char*, const char*) {
  auto& database = *static_cast<Database*>(self);
  if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION || action == SQLITE_TRANSACTION ||
      action == SQLITE_SAVEPOINT || action == SQLITE_PRAGMA || action == SQLITE_RECURSIVE || action == SQLITE_ANALYZE)
    return SQLITE_OK;
  const bool rows = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE;
  std::string_view table = rows && first != nullptr ? first : "";
  if (table == "sqlite_master" || table == "sqlite_schema" || table == "sqlite_temp_master") table = "";
  if (table.starts_with("sqlite_")) return SQLITE_OK;
  const std::string* name = &*database.tables_.emplace(table).first;
  auto& names = database.authorized_;
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return SQLITE_OK;
}

Status Database::exec(Statement& statement, const Value* arguments, std::size_t count) {
  Status bound = bind(statement, arguments, count);
  if (!bound.ok()) return bound;
  int result = SQLITE_ROW;
  while (result == SQLITE_ROW) result = sqlite3_step(statement.handle_);
  if (result == SQLITE_DONE) {
    sqlite3_reset(statement.handle_);
    return success();
  }
  Status failed = error("running a statement");
  sqlite3_reset(statement.handle_);
  return failed;
}

Status Database::exec_range(std::string_view sql, RowRange& range) {
  Result<Statement*> statement = take(sql);
  if (!statement.ok()) return std::move(statement).error();
  sqlite3_bind_pointer(statement.value()->handle_, 1, &range, row_range_type, nullptr);
  int result = SQLITE_ROW;
  while (result == SQLITE_ROW) result = sqlite3_step(statement.value()->handle_);
  Status out = result == SQLITE_DONE ? success() : Status(error("running a statement"));
  give_back(*statement.value());
  return out;
}

Status Database::bind(Statement& statement, const Value* arguments, std::size_t count) const {
  sqlite3_stmt* const s = statement.handle_;
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(s)) != count)
    return Error{Code::sql, "the statement takes " + std::to_string(sqlite3_bind_parameter_count(s)) +
                                " arguments and was given " + std::to_string(count)};
  for (std::size_t i = 0; i < count; ++i) {
    const Value& v = arguments[i];
    const int at = static_cast<int>(i) + 1;
    int result = SQLITE_OK;
    switch (v.type) {
      case Value::Type::null:
        result = sqlite3_bind_null(s, at);
        break;
      case Value::Type::integer:
        result = sqlite3_bind_int64(s, at, v.integer);
        break;
      case Value::Type::real:
        result = sqlite3_bind_double(s, at, v.real);
        break;
      case Value::Type::text:
        result = sqlite3_bind_text64(s, at, v.bytes.data() != nullptr ? v.bytes.data() : "", v.bytes.size(),
                                     SQLITE_STATIC, SQLITE_UTF8);
        break;
      case Value::Type::blob:
        result =
            sqlite3_bind_blob64(s, at, v.bytes.data() != nullptr ? v.bytes.data() : "", v.bytes.size(), SQLITE_STATIC);
        break;
    }
    if (result != SQLITE_OK) return error("binding an argument");
  }
  return success();
}

void Database::rollback() {
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Database::set_deadline(const Clock& clock, std::int64_t deadline_ns) {
  clock_ = &clock;
  deadline_ns_ = deadline_ns;
  stopped_ = Stopped::no;
  set_progress();
}

void Database::limit_call(std::int64_t deadline_ns, const std::stop_token* stop) {
  call_deadline_ns_ = deadline_ns;
  call_stop_ = stop;
  if (stopped_ != Stopped::age) stopped_ = Stopped::no;
  set_progress();
}

void Database::set_progress() {
  if (deadline_ns_ > 0 || call_deadline_ns_ > 0 || call_stop_ != nullptr)
    sqlite3_progress_handler(handle_, steps_between_deadline_checks, &Database::on_progress, this);
  else
    sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
}

int Database::on_progress(void* self) {
  auto& database = *static_cast<Database*>(self);
  const std::int64_t now_ns = database.clock_->steady_ns();
  if (database.deadline_ns_ > 0 && now_ns > database.deadline_ns_)
    database.stopped_ = Stopped::age;
  else if (database.call_deadline_ns_ > 0 && now_ns > database.call_deadline_ns_)
    database.stopped_ = Stopped::limit;
  else if (database.call_stop_ != nullptr && database.call_stop_->stop_requested())
    database.stopped_ = Stopped::cancelled;
  return database.stopped_ == Stopped::no ? 0 : 1;
}

// SQLite's own way to wait looks again ever more seldom, so that whoever came last finds the lock free first.
int Database::on_busy(void* self, int tries) {
  auto& database = *static_cast<Database*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (tries == 0) database.busy_since_ = now;
  if (now - database.busy_since_ >= database.busy_timeout_) return 0;
  if (database.clock_ != nullptr && on_progress(self) != 0) return 0;
  sqlite3_sleep(1);
  return 1;
}

Error Database::refusal_error() const {
  if (stopped_ == Stopped::cancelled) return Error{Code::cancelled, "the call was cancelled"};
  if (stopped_ == Stopped::limit) return Error{Code::timeout, "the call ran longer than its limit"};
  return Error{Code::timeout, "the read transaction is older than its limit"};
}

int Database::on_wal(void* self, sqlite3*, const char*, int pages) {
  auto& database = *static_cast<Database*>(self);
  // Fewer than before: the log was begun anew, which needs all of it copied.
  if (pages < database.wal_pages_) database.copied_pages_ = 0;
  database.wal_pages_ = pages;
  return SQLITE_OK;
}

Result<bool> Database::checkpoint(Checkpoint kind) {
  CHECK(!in_transaction());
  int in_log = 0;
  int copied = 0;
  sqlite3_busy_handler(handle_, nullptr, nullptr);  // a checkpoint never waits for a reader
  const int mode = kind == Checkpoint::passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  const int result = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, &in_log, &copied);
  Status failed = success();
  if (result != SQLITE_OK && (result & 0xFF) != SQLITE_BUSY) failed = error("checkpointing");
  sqlite3_busy_handler(handle_, &Database::on_busy, this);
  if (!failed.ok()) return std::move(failed).error();
  if (in_log >= 0 && copied >= 0) {
    wal_pages_ = in_log;
    copied_pages_ = copied;
  }
  return result == SQLITE_OK && in_log == copied;
}

// Rows, the public face of a running statement.

Rows::~Rows() {
  if (statement_ != nullptr) database_->give_back(*statement_);
}

Rows::Step Rows::step() {
  if (database_->stopped()) return Step::failed;
  const int result = sqlite3_step(statement_->handle());
  return result == SQLITE_ROW ? Step::row : result == SQLITE_DONE ? Step::end : Step::failed;
}

Error Rows::failure() const {
  if (std::optional<Error> refused = database_->refusal()) return std::move(*refused);
  return database_->error("running a statement");
}

Result<bool> Rows::next() {
  const Step step_made = step();
  if (step_made == Step::failed) return failure();
  return step_made == Step::row;
}

Value Rows::value(int column) const {
  switch (sqlite3_column_type(statement_->handle(), column)) {
    case SQLITE_INTEGER:
      return Value(integer(column));
    case SQLITE_FLOAT:
      return Value(real(column));
    case SQLITE_TEXT:
      return Value(text(column));
    case SQLITE_BLOB:
      return Value(Blob{blob(column)});
    default:
      return Value();
  }
}
int Rows::columns() const { return sqlite3_column_count(statement_->handle()); }
std::string_view Rows::name(int column) const {
  const char* name = sqlite3_column_name(statement_->handle(), column);
  return name != nullptr ? name : "";
}

bool Rows::is_null(int column) const { return sqlite3_column_type(statement_->handle(), column) == SQLITE_NULL; }
std::int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_->handle(), column); }
double Rows::real(int column) const { return sqlite3_column_double(statement_->handle(), column); }

std::string_view Rows::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_->handle(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_->handle(), column))};
}

std::string_view Rows::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_->handle(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_->handle(), column))};
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Database: one SQLite connection and its cache of prepared statements. The only place that knows how a connection
// is set up: no auto-checkpoint, no checkpoint on close for readers, untrusted schema, a busy timeout on every one.
// Thread: one at a time; interrupted by a deadline that its owner sets.

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

class Statement final {
 public:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_; }

 private:
  friend class Database;
  sqlite3_stmt* handle_;
  std::vector<const std::string*> writes_;  // names of the tables that it may change, as the connection keeps them
  std::int64_t changes_before_ = 0;
  bool running_ = false;
  bool cached_ = false;
  std::uint64_t last_used_ = 0;
};

class IndexAdvisor;
struct RowRange;

// What the statement caches of a store's connections did together. Thread: any.
struct StatementCounts {
  std::atomic<std::int64_t> hits{0};
  std::atomic<std::int64_t> misses{0};
  std::atomic<std::int64_t> kept{0};
};

// Who is told what the statements of a store's connections do.
struct StatementObservers {
  std::shared_ptr<StatementCounts> counts;  // null: nobody asks
  std::shared_ptr<IndexAdvisor> advisor;    // null: nobody asks
};

class Database final {
 public:
  enum class Mode : std::uint8_t {
    writer,     // creates the file; the one connection that may write and checkpoint
    reader,     // read-only, beside a writer
    immutable,  // read-only, a file that nobody writes any more: no locks, no write-ahead log
  };
  struct Options {
    std::string path;
    Mode mode = Mode::reader;
    std::chrono::milliseconds busy_timeout{5000};
    std::int64_t cache_bytes = 4 << 20;
    std::size_t statements_max = 128;
    int page_bytes = 4096;            // of a new file
    std::int64_t file_bytes_max = 0;  // 0: none
    std::int64_t journal_bytes_max = 64 << 20;
    StatementObservers observers;
  };

  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Any number of statements without arguments or results.
  [[nodiscard]] Status script(const std::string& sql);
  // One statement with arguments; runs it to its end.
  [[nodiscard]] Status exec(std::string_view sql, std::initializer_list<Value> arguments = {});
  [[nodiscard]] Result<Rows> query(std::string_view sql, std::initializer_list<Value> arguments = {});
  [[nodiscard]] Result<Rows> query(std::string_view sql, const Value* arguments, std::size_t count);

  // A prepared statement that nobody else uses until it is given back.
  [[nodiscard]] Result<Statement*> take(std::string_view sql);
  void give_back(Statement& statement);
  // Runs a taken statement to its end; it can be run again.
  [[nodiscard]] Status exec(Statement& statement, const Value* arguments, std::size_t count);
  // One statement whose argument is such a range (row_source_table.h).
  [[nodiscard]] Status exec_range(std::string_view sql, RowRange& range);

  // The tables that statements changed since they were forgotten, by triggers and foreign keys too; "" is any table
  // (the schema changed). Valid as long as the connection. Only a writer notes them.
  [[nodiscard]] const std::vector<const std::string*>& touched() const { return touched_; }
  void forget_touched() { touched_.clear(); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  void rollback();
  // Whether the call that just failed could not bring bytes to the disk. What the system tells of them afterwards is
  // not to be believed.
  [[nodiscard]] bool sync_failed() const {
    const int result = sqlite3_extended_errcode(handle_);
    return result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC;
  }
  // An Error for the result code of the call that just failed.
  [[nodiscard]] Error error(std::string_view what) const;

  // From now on a step fails with Code::timeout once the steady clock passes `deadline_ns`; 0: never.
  void set_deadline(const Clock& clock, std::int64_t deadline_ns);
  [[nodiscard]] bool expired() const { return stopped_ == Stopped::age; }
  // The same for one call within that: a limit of its own (0: none), and somebody who may ask it to stop, or null.
  void limit_call(std::int64_t deadline_ns, const std::stop_token* stop);
  [[nodiscard]] bool stopped() const { return stopped_ != Stopped::no; }
  // Why no further step is made; null when there is no reason.
  [[nodiscard]] std::optional<Error> refusal() const {
    if (stopped_ == Stopped::no) return std::nullopt;
    return refusal_error();
  }

  enum class Checkpoint : std::uint8_t { passive, truncate };
  // True when all of the write-ahead log was copied (and cut, for truncate). Waits for nobody.
  [[nodiscard]] Result<bool> checkpoint(Checkpoint kind);
  // Bytes of write-ahead log that no checkpoint has copied, as of the last commit or checkpoint.
  [[nodiscard]] std::int64_t wal_bytes() const { return (wal_pages_ - copied_pages_) * page_bytes_; }
  // Bytes of it in use, copied or not: what it grows by as long as readers keep it from being begun anew.
  [[nodiscard]] std::int64_t wal_file_bytes() const { return wal_pages_ * page_bytes_; }
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_); }
  [[nodiscard]] std::int64_t total_changes() const { return sqlite3_total_changes64(handle_); }
  [[nodiscard]] std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  enum class Stopped : std::uint8_t { no, age, limit, cancelled };
  Database(sqlite3* handle, const Options& options);
  [[nodiscard]] Error refusal_error() const;
  void set_progress();
  [[nodiscard]] Status prepare(const Options& options);
  [[nodiscard]] Status bind(Statement& statement, const Value* arguments, std::size_t count) const;
  void evict_one();
  void note_writes(Statement& statement);
  static int on_authorize(void* self, int action, const char* first, const char* second, const char*, const char*);
  static int on_progress(void* self);
  static int on_busy(void* self, int tries);
  static int on_wal(void* self, sqlite3* handle, const char* name, int pages);

  sqlite3* handle_;
  const std::string path_;
  const std::size_t statements_max_;
  const std::chrono::milliseconds busy_timeout_;
  std::chrono::steady_clock::time_point busy_since_;
  std::unordered_map<std::string, std::unique_ptr<Statement>, Hash, std::equal_to<>> statements_;
  std::uint64_t uses_ = 0;
  const std::shared_ptr<StatementCounts> counts_;
  const std::shared_ptr<IndexAdvisor> advisor_;
  std::set<std::string, std::less<>> tables_;
  std::vector<const std::string*> authorized_;  // what the statement that is being prepared may change
  std::vector<const std::string*> touched_;
  const Clock* clock_ = nullptr;
  std::int64_t deadline_ns_ = 0;
  std::int64_t call_deadline_ns_ = 0;
  const std::stop_token* call_stop_ = nullptr;
  Stopped stopped_ = Stopped::no;
  std::int64_t wal_pages_ = 0;
  std::int64_t copied_pages_ = 0;
  std::int64_t page_bytes_ = 4096;
};

}  // namespace tapewatch

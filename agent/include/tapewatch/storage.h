// SPDX-License-Identifier: Apache-2.0
#pragma once
// Store: one SQLite database with one writer and many readers. One connection alone writes and checkpoints; readers are
// read-only and never wait for a commit. Work is handed over as whole closures, each in its own transaction or
// savepoint; jobs that wait are committed together. A second process that opens the same file is refused.
// Thread: any. Closures run on the caller's thread (read, write on an idle writer) or on the store's threads (the
// others). No exception crosses: one thrown by a closure rolls back and becomes an Error.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/async.h"
#include "tapewatch/index_advice.h"
#include "tapewatch/migration.h"
#include "tapewatch/query_watch.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"
#include "tapewatch/stream.h"
#include "tapewatch/transaction.h"

namespace tapewatch {

class Cache;

class TAPEWATCH_API Store final {
 public:
  using Reader = tapewatch::Reader;
  using Tx = tapewatch::Tx;

  struct Options {
    std::string path;
    std::string schema;  // statements that every opening runs in one transaction (CREATE TABLE IF NOT EXISTS ...)
    std::vector<Migration> migrations{};  // after that
    int readers_max = 4;
    int streams_max = 8;                            // snapshots that streams hold at once
    std::chrono::milliseconds read_wait_max{2000};  // for a free reader
    std::chrono::milliseconds read_age_max{30000};  // then the reader's next step fails with Code::timeout
    std::chrono::milliseconds busy_timeout{5000};
    std::size_t queue_jobs_max = 65536;  // of writes, and of asynchronous reads
    std::size_t queue_bytes_max = 64u << 20;
    std::size_t calls_max = 262144;  // asynchronous calls that are not answered yet
    std::size_t group_jobs_max = 512;
    std::size_t group_bytes_max = 1u << 20;
    std::size_t group_reads_max = 64;  // asynchronous reads in one read transaction
    int call_threads = 2;              // for asynchronous reads; each takes a reader while it has something to do
    std::size_t statements_max = 128;  // prepared statements kept per connection
    std::int64_t writer_cache_bytes = 16 << 20;
    std::int64_t reader_cache_bytes = 4 << 20;
    std::int64_t checkpoint_bytes = 16 << 20;  // of write-ahead log: copy what no reader needs
    std::int64_t truncate_bytes = 64 << 20;    // of write-ahead log: also cut the file
    std::int64_t wal_bytes_max = 256 << 20;    // of write-ahead log: writes are refused with Code::wal_full
    // To cut a log that readers hold, new reads wait until those under way have ended, at most so long.
    std::chrono::milliseconds quiet_wait_max{100};
    std::chrono::milliseconds idle_checkpoint{1000};
    std::int64_t file_bytes_max = 0;  // of the database file, then Code::full; 0: none
    // False: others may write to the file too, and it is not locked against them. Refused (Code::unsupported) where
    // SQLite can lose commits when two connections write and checkpoint (3.7.0 to 3.51.2, see wal_reset_unsafe).
    bool sole_writer = true;
    // Statements that look at many rows are noted, for index_advice().
    bool advise_indexes = false;
    IndexAdviceOptions advice{};
    std::function<std::int64_t()> steady_ns{};  // the clock of ages and limits; empty: the system's
  };

  struct Stats {
    std::int64_t wal_bytes = 0;       // committed and not yet checkpointed, as of the last commit
    std::int64_t wal_file_bytes = 0;  // of the log in use, copied or not
    std::int64_t wal_refused = 0;     // writes refused because of wal_bytes_max
    std::int64_t checkpoints = 0;
    std::int64_t checkpoints_blocked = 0;  // a reader held back some or all of it
    std::int64_t checkpoints_quiet = 0;    // new reads were made to wait for it
    bool corrupt = false;              // a write met damage of the file: from then on it is read only (Code::corrupt)
    std::int64_t foreign_commits = 0;  // seen at checkpoints: somebody else wrote to the file
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
    std::int64_t streams_open = 0;  // that hold a snapshot now
    std::int64_t oldest_stream_age_ns = 0;
    std::int64_t calls_in_flight = 0;
    std::int64_t calls_expired = 0;
    std::int64_t calls_cancelled = 0;
    std::int64_t call_reads_waiting = 0;
    std::int64_t call_reads_refused = 0;
    std::int64_t call_groups = 0;     // read transactions that asynchronous reads shared
    std::int64_t statement_hits = 0;  // prepared statements found again, of all connections
    std::int64_t statement_misses = 0;
    std::int64_t statements_kept = 0;
  };

  using Job = std::function<Status(Tx&)>;
  using ReadJob = std::function<Status(Reader&)>;
  using Done = std::function<void(Status)>;
  // The tables that a commit changed, by triggers and foreign keys too; "" is any table: the schema changed.
  using OnCommit = std::function<void(std::span<const std::string_view> tables)>;

  // Code::busy when another process owns the file; Code::corrupt when it is not a sound database.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(Options options);
  // Runs the writes that are queued, answers waiting reads with Code::closed, checkpoints, closes. No closure may still
  // be running on another thread, and no stream or subscription of it be left.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Runs f(Reader&) -> Result<T> in one read transaction on a reader of the pool. `watch` counts its statements.
  template <typename F>
  [[nodiscard]] std::invoke_result_t<F&, Reader&> read(F&& f, QueryWatch* watch = nullptr);

  // Runs the job and returns after its COMMIT. Not from inside a job of the same store (Code::invalid).
  [[nodiscard]] Status write(const Job& job, Durability durability = Durability::fast);

  // The one way in for everything asynchronous: queues a closure; `done` is called once, as CallOptions say, after
  // COMMIT or with the error that kept it from being committed. Code::queue_full at the limits, Code::wal_full,
  // Code::closed: then `done` is never called.
  [[nodiscard]] Status submit(Job job, Done done, CallOptions options = {});
  [[nodiscard]] Status submit_read(ReadJob job, Done done, CallOptions options = {});
  [[nodiscard]] Status submit(Job job, Durability durability, Done done, std::size_t bytes = 256) {
    CallOptions options;
    options.durability = durability;
    options.bytes = bytes;
    return submit(std::move(job), std::move(done), std::move(options));
  }

  // f(Reader&) -> Result<T>, f(Tx&) -> Result<T>: a refusal is an answer as well.
  template <typename F>
  auto async_read(F f, CallOptions options = {}) {
    using R = std::invoke_result_t<F&, Reader&>;
    return async_call<R>(std::move(f), std::move(options), &Store::submit_read_job);
  }
  template <typename F>
  auto async_write(F f, CallOptions options = {}) {
    using R = std::invoke_result_t<F&, Tx&>;
    return async_call<R>(std::move(f), std::move(options), &Store::submit_write_job);
  }
  // All rows of one query, one statement's changes. Arguments are kept until then.
  template <typename Row, typename... Args>
  [[nodiscard]] Pending<std::vector<Row>> fetch(CallOptions options, std::string sql, Args... args);
  template <typename Row, typename... Args>
  [[nodiscard]] Pending<std::vector<Row>> fetch(std::string sql, Args... args) {
    return fetch<Row>(CallOptions(), std::move(sql), std::move(args)...);
  }
  template <typename... Args>
  [[nodiscard]] Pending<std::int64_t> execute(CallOptions options, std::string sql, Args... args);

  // A result in batches of bounded memory (stream.h). Nothing is read before the first batch is asked for.
  template <typename Row, typename... Args>
  [[nodiscard]] Stream<Row> stream(StreamOptions options, std::string sql, const Args&... args) {
    const std::vector<Value> values{Value(args)...};
    return Stream<Row>(open_stream(std::move(sql), values, options), options);
  }
  [[nodiscard]] RowStream open_stream(std::string sql, std::span<const Value> arguments, StreamOptions options);

  // Ends what it stands for when it goes.
  class TAPEWATCH_API Subscription final {
   public:
    Subscription(Store& store, std::uint64_t number) : store_(&store), number_(number) {}
    Subscription(Subscription&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)), number_(other.number_) {}
    Subscription& operator=(Subscription&&) = delete;
    ~Subscription();

   private:
    Store* store_;
    std::uint64_t number_;
  };
  // Called on the thread that committed, after COMMIT and before any of its results is delivered. Is quick, does not
  // call the store, and neither makes nor ends a subscription.
  [[nodiscard]] Subscription on_commit(OnCommit listener);
  // Invalidates what the cache made of a table as soon as a commit changed the table: who has the result of a write
  // never reads from the cache what was there before it. Other processes are told by a thread of the second level.
  [[nodiscard]] Subscription keep_fresh(Cache& cache);

  // The statements that were noted since the store was opened, and indexes that would help them. Tries them in memory,
  // on this thread, and takes a reader meanwhile: milliseconds a statement. Code::unsupported without advise_indexes.
  [[nodiscard]] Result<std::vector<IndexAdvice>> index_advice();

  [[nodiscard]] Stats stats() const;
  // Whether this version of SQLite can lose commits when two connections write and checkpoint one file.
  [[nodiscard]] static bool wal_reset_unsafe(int sqlite_version_number);
  [[nodiscard]] static int sqlite_version_number();

 private:
  class State;
  explicit Store(std::unique_ptr<State> state);
  [[nodiscard]] Status run_read(const std::function<Status(Reader&)>& body, QueryWatch* watch);
  [[nodiscard]] Status submit_read_job(ReadJob job, Done done, CallOptions options);
  [[nodiscard]] Status submit_write_job(Job job, Done done, CallOptions options);
  template <typename R, typename F, typename How>
  auto async_call(F f, CallOptions options, How how);
  std::unique_ptr<State> state_;
};

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

template <typename R, typename F, typename How>
auto Store::async_call(F f, CallOptions options, How how) {
  return async_detail::call<R>(std::move(f), [&](auto job, Done done) {
    return (this->*how)(std::move(job), std::move(done), std::move(options));
  });
}

template <typename Row, typename... Args>
Pending<std::vector<Row>> Store::fetch(CallOptions options, std::string sql, Args... args) {
  return async_read(
      [sql = std::move(sql), kept = std::make_tuple(async_detail::kept(std::move(args))...)](Reader& reader) {
        return std::apply([&](const auto&... each) { return reader.query<Row>(sql, async_detail::given(each)...); },
                          kept);
      },
      std::move(options));
}

template <typename... Args>
Pending<std::int64_t> Store::execute(CallOptions options, std::string sql, Args... args) {
  return async_write(
      [sql = std::move(sql), kept = std::make_tuple(async_detail::kept(std::move(args))...)](Tx& tx) {
        return std::apply([&](const auto&... each) { return tx.exec(sql, async_detail::given(each)...); }, kept);
      },
      std::move(options));
}

}  // namespace tapewatch

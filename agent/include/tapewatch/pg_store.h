// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgStore: the interface of Store on a PostgreSQL server, for an application that outgrew one machine: the same calls
// with the same signatures (the concept `database` in database.h), behind them a pool of connections, pipelined
// statements, COPY, cursors. What cannot be the same is listed in agent/storage/README.md, "On PostgreSQL". Lives in
// libtapewatch-storage-postgres.so; no libpq type is visible.
// Thread: any. Closures run on the caller's thread (read, write) or on the store's (the others). No exception crosses.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/async.h"
#include "tapewatch/pg_rows.h"
#include "tapewatch/pg_transaction.h"
#include "tapewatch/query_watch.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"
#include "tapewatch/stream.h"

namespace tapewatch {

class Cache;

// One step of the schema, as Migration. Stores that start at the same time wait for each other.
struct PgMigration {
  std::int64_t version = 0;  // positive, greater than the one before
  std::string name;
  std::string sql{};                   // statements, run first
  std::function<Status(PgTx&)> run{};  // what SQL cannot say; not part of the checksum
};

// What write transactions see of each other. Store has serializable, because it has one writer.
enum class PgIsolation : std::uint8_t { read_committed, repeatable_read, serializable };

// Rows of a cursor, without their type; the PgStore's part of a Stream.
class TAPEWATCH_API PgRowStream final {
 public:
  using Rows = PgRows;
  class State;
  explicit PgRowStream(std::shared_ptr<State> state);
  ~PgRowStream();
  PgRowStream(PgRowStream&&) noexcept;
  PgRowStream& operator=(PgRowStream&&) noexcept;

  [[nodiscard]] Result<bool> run(const std::function<bool(const PgRows&)>& visit);
  void run_async(std::function<bool(const PgRows&)> visit, std::function<void(Result<bool>)> done, CallOptions options);
  void cancel();
  [[nodiscard]] std::int64_t snapshots() const;

 private:
  std::shared_ptr<State> state_;
};

template <typename Row>
using PgStream = Stream<Row, PgRowStream>;

class TAPEWATCH_API PgStore final {
 public:
  using Reader = PgReader;
  using Tx = PgTx;

  struct Options {
    std::string server;  // what libpq takes: "host=/run/postgresql dbname=orders" or an URI; never shown in messages
    std::string schema;  // statements that every opening runs in one transaction (CREATE TABLE IF NOT EXISTS ...)
    std::vector<PgMigration> migrations{};             // after that
    int readers_max = 4;                               // connections for reads, opened when first needed
    int writers_max = 4;                               // for writes
    int streams_max = 8;                               // for streams, which hold one while they have a snapshot
    std::chrono::milliseconds connect_wait_max{2000};  // resolving a host's name is not part of it
    std::chrono::milliseconds read_wait_max{2000};     // for a free connection, then Code::busy
    std::chrono::milliseconds write_wait_max{5000};
    std::chrono::milliseconds read_age_max{30000};  // of a transaction, then Code::timeout; the server is told it too
    std::chrono::milliseconds write_age_max{30000};
    int retries_max =
        5;  // of a closure: after serialization failures, deadlocks, and lost connections where that is safe
    std::chrono::milliseconds retry_wait_first{10};  // doubles
    PgIsolation isolation = PgIsolation::serializable;
    bool statement_savepoints =
        false;  // a statement that fails takes back only itself, as with Store; costs the server
    std::size_t queue_jobs_max = 65536;  // of writes, and of reads
    std::size_t queue_bytes_max = 64u << 20;
    std::size_t calls_max = 262144;  // asynchronous calls that are not answered yet
    // Other processes that use the same name are told which tables a commit here changed, and heard. "": not.
    std::string commit_channel{};
    std::size_t group_calls_max = 128;            // statements of fetch() and execute() that share a pipeline
    int call_threads = 2;                         // for asynchronous reads
    int write_threads = 1;                        // for asynchronous writes; one keeps their order
    std::size_t statements_max = 128;             // prepared statements kept per connection
    std::size_t result_bytes_max = 64u << 20;     // of one statement's result, then Code::limit: use a stream
    std::size_t stream_fetch_bytes = 256u << 10;  // about what a stream asks for at once
    std::size_t copy_rows_min = 64;               // fewer go as pipelined statements
  };

  struct Stats {
    std::int64_t connections_open = 0;
    std::int64_t connections_made = 0;
    std::int64_t connections_lost = 0;     // broken while in use or idle, or dropped with a statement under way
    std::int64_t connections_refused = 0;  // no free one in time
    std::int64_t oldest_lease_ns = 0;      // of a read or write transaction now
    std::int64_t reads = 0;
    std::int64_t writes = 0;
    std::int64_t writes_failed = 0;
    std::int64_t retries = 0;
    std::int64_t outcomes_unknown = 0;  // the connection was lost during a COMMIT
    std::int64_t round_trips = 0;       // times that somebody waited for the server
    std::int64_t streams_open = 0;
    bool listening = false;  // to commit_channel
    std::int64_t calls_in_flight = 0;
    std::int64_t calls_expired = 0;
    std::int64_t calls_cancelled = 0;
    std::int64_t calls_waiting = 0;
    std::int64_t calls_refused = 0;
    std::int64_t call_groups = 0;  // pipelines that asynchronous statements shared
    std::int64_t statement_hits = 0;
    std::int64_t statement_misses = 0;
  };

  using Job = std::function<Status(PgTx&)>;
  using ReadJob = std::function<Status(PgReader&)>;
  using Done = std::function<void(Status)>;
  // The tables that a commit changed, by triggers and foreign keys too, and sometimes one more; "" is any table:
  // something was missed.
  using OnCommit = std::function<void(std::span<const std::string_view> tables)>;
  // One statement of fetch() or execute(): `bind` gives its arguments, `take` gets its rows and how many it changed.
  struct Statement {
    std::string sql;
    std::function<std::vector<Value>()> bind;
    std::function<Status(PgRows& rows, std::int64_t changed)> take;
  };

  // Code::network when the server cannot be reached.
  [[nodiscard]] static Result<std::unique_ptr<PgStore>> open(Options options);
  // Runs the writes that are queued, answers waiting reads with Code::closed. No closure may still be running on
  // another thread, and no stream be left.
  ~PgStore();
  PgStore(const PgStore&) = delete;
  PgStore& operator=(const PgStore&) = delete;

  // Runs f(PgReader&) -> Result<T> in one read-only snapshot.
  template <typename F>
  [[nodiscard]] std::invoke_result_t<F&, PgReader&> read(F&& f, QueryWatch* watch = nullptr) {
    using R = std::invoke_result_t<F&, PgReader&>;
    std::optional<R> out;
    Status status = run_read(
        [&](PgReader& reader) -> Status {
          out.emplace(f(reader));
          if (!out->ok()) return out->error();
          return success();
        },
        watch);
    if (!status.ok()) return std::move(status).error();
    return std::move(*out);
  }

  // Runs the job in a transaction and returns after its COMMIT. fast: the server answers before its log is on the disk
  // (synchronous_commit off); durable: after. Code::network with "unknown" when the connection broke during COMMIT.
  [[nodiscard]] Status write(const Job& job, Durability durability = Durability::fast);

  // As those of Store. Writes begin in the order of their submission and, with one write thread, end in it.
  [[nodiscard]] Status submit(Job job, Done done, CallOptions options = {});
  [[nodiscard]] Status submit_read(ReadJob job, Done done, CallOptions options = {});
  [[nodiscard]] Status submit(Job job, Durability durability, Done done, std::size_t bytes = 256) {
    CallOptions options;
    options.durability = durability;
    options.bytes = bytes;
    return submit(std::move(job), std::move(done), std::move(options));
  }
  template <typename F>
  auto async_read(F f, CallOptions options = {}) {
    using R = std::invoke_result_t<F&, PgReader&>;
    return async_detail::call<R>(std::move(f), [&](ReadJob job, Done done) {
      return submit_read(std::move(job), std::move(done), std::move(options));
    });
  }
  template <typename F>
  auto async_write(F f, CallOptions options = {}) {
    using R = std::invoke_result_t<F&, PgTx&>;
    return async_detail::call<R>(
        std::move(f), [&](Job job, Done done) { return submit(std::move(job), std::move(done), std::move(options)); });
  }
  // One statement each, in a transaction of its own. Those that wait are sent together, without waiting for the answer
  // of one before the next is sent.
  template <typename Row, typename... Args>
  [[nodiscard]] Pending<std::vector<Row>> fetch(const CallOptions& options, std::string sql, Args... args);
  template <typename Row, typename... Args>
  [[nodiscard]] Pending<std::vector<Row>> fetch(std::string sql, Args... args) {
    return fetch<Row>(CallOptions(), std::move(sql), std::move(args)...);
  }
  template <typename... Args>
  [[nodiscard]] Pending<std::int64_t> execute(const CallOptions& options, std::string sql, Args... args);

  // A result in batches of bounded memory (stream.h), by a cursor.
  template <typename Row, typename... Args>
  [[nodiscard]] PgStream<Row> stream(StreamOptions options, std::string sql, const Args&... args) {
    const std::vector<Value> values{Value(args)...};
    return PgStream<Row>(open_stream(std::move(sql), values, options), options);
  }
  [[nodiscard]] PgRowStream open_stream(std::string sql, std::span<const Value> arguments, StreamOptions options);

  // Ends what it stands for when it goes.
  class TAPEWATCH_API Subscription final {
   public:
    Subscription(PgStore& store, std::uint64_t number) : store_(&store), number_(number) {}
    Subscription(Subscription&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)), number_(other.number_) {}
    Subscription& operator=(Subscription&&) = delete;
    ~Subscription();

   private:
    PgStore* store_;
    std::uint64_t number_;
  };
  // Called on the thread that committed, after COMMIT and before any of its results is delivered; for what other
  // processes committed, on a thread of the store, soon. Is quick, does not call the store, and neither makes nor ends
  // a subscription. TRUNCATE and a changed schema are not seen, nor what others than stores with the channel write.
  [[nodiscard]] Subscription on_commit(OnCommit listener);
  // Invalidates what the cache made of a table as soon as a commit changed the table.
  [[nodiscard]] Subscription keep_fresh(Cache& cache);

  [[nodiscard]] Stats stats() const;

 private:
  class State;
  friend class PgRowStream::State;
  explicit PgStore(std::unique_ptr<State> state);
  [[nodiscard]] Status run_read(const ReadJob& body, QueryWatch* watch);
  void submit_statement(Statement statement, bool write, const Done& done, CallOptions options);
  template <typename T, typename Take, typename... Args>
  Pending<T> async_statement(const CallOptions& options, bool write, std::string sql, Take take, Args... args);
  std::unique_ptr<State> state_;
};

template <typename T, typename Take, typename... Args>
Pending<T> PgStore::async_statement(const CallOptions& options, bool write, std::string sql, Take take, Args... args) {
  const auto answer = std::make_shared<Answer<T>>();
  const auto value = std::make_shared<T>();
  Statement statement;
  statement.sql = std::move(sql);
  statement.bind = [kept = std::make_tuple(async_detail::kept(std::move(args))...)] {
    return std::apply([](const auto&... each) { return std::vector<Value>{Value(async_detail::given(each))...}; },
                      kept);
  };
  statement.take = [value, take](PgRows& rows, std::int64_t changed) { return take(rows, changed, *value); };
  const auto done = [answer, value](Status status) {
    answer->set(status.ok() ? Result<T>(std::move(*value)) : Result<T>(std::move(status).error()));
  };
  submit_statement(std::move(statement), write, done, options);
  return Pending<T>(answer);
}

template <typename Row, typename... Args>
Pending<std::vector<Row>> PgStore::fetch(const CallOptions& options, std::string sql, Args... args) {
  static_assert(!std::is_same_v<Row, std::string_view>, "a view dies with its rows");
  const auto take = [](PgRows& rows, std::int64_t, std::vector<Row>& out) {
    out.clear();
    return row_detail::each_row<Row>(rows, [&](Row row) { out.push_back(std::move(row)); });
  };
  return async_statement<std::vector<Row>>(options, false, std::move(sql), take, std::move(args)...);
}

template <typename... Args>
Pending<std::int64_t> PgStore::execute(const CallOptions& options, std::string sql, Args... args) {
  const auto take = [](PgRows&, std::int64_t changed, std::int64_t& out) -> Status {
    out = changed;
    return success();
  };
  return async_statement<std::int64_t>(options, true, std::move(sql), take, std::move(args)...);
}

}  // namespace tapewatch

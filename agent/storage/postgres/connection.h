// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgConnection: a PgWire with its transaction and its cache of prepared statements. A transaction begins with its first
// statement, in the same round trip; a read's COMMIT is sent and its answer taken later. Owned by a PgPool, lent to one
// thread at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/postgres/commits.h"
#include "storage/postgres/wire.h"
#include "tapewatch/async.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

class PgConnection final {
 public:
  enum class Use : std::uint8_t { reads, writes, streams };
  struct Options {
    std::string server;
    Use use = Use::reads;
    PgIsolation isolation = PgIsolation::serializable;
    bool statement_savepoints = false;
    std::chrono::milliseconds connect_wait_max{2000};
    std::chrono::milliseconds age_max{30000};
    std::size_t statements_max = 128;
    std::size_t result_bytes_max = 64u << 20;
    std::size_t copy_rows_min = 64;
    std::shared_ptr<PgCommits> commits{};  // of writes
  };
  struct Statement {
    std::string name;
    std::uint64_t last_used = 0;
  };

  [[nodiscard]] static Result<std::unique_ptr<PgConnection>> connect(const Options& options, const Clock& clock,
                                                                     std::shared_ptr<PgCounts> counts);
  PgConnection(const Options& options, std::unique_ptr<PgWire> wire, std::shared_ptr<PgCounts> counts)
      : options_(options), counts_(std::move(counts)), wire_(std::move(wire)) {}

  // What begin() is to begin comes with the first statement; nothing is sent when there is none.
  void begin(Durability durability = Durability::durable);
  // Of each statement of the transactions to come; the server ends what runs longer. 0: as the options say.
  void limit_statements(std::int64_t ns) { statement_limit_ns_ = ns; }
  // The outcome is unknown when the connection is lost meanwhile; see repeatable().
  [[nodiscard]] Status commit();
  void end_read();
  void rollback();
  // Whether what failed since begin() may succeed when all of it is done again.
  [[nodiscard]] bool repeatable() const;
  // Nothing is left of an earlier transaction, and the server has not hung up.
  [[nodiscard]] bool ready();
  [[nodiscard]] bool broken() const { return wire_->broken(); }

  // One statement in one round trip (two when it is new here). `rows` may be null.
  [[nodiscard]] Result<std::int64_t> run(std::string_view sql, std::span<const Value> arguments, PgRowBuffer* rows);
  // The same, and when it fails inside a transaction only it is taken back, if the options say so.
  [[nodiscard]] Result<std::int64_t> run_write(std::string_view sql, std::span<const Value> arguments);
  // Commands of our own without arguments, in one round trip; the first failure.
  [[nodiscard]] Status run_all(std::initializer_list<std::string> commands);
  // A script of an application's; the transaction is begun before it.
  [[nodiscard]] Status run_script(const std::string& sql);
  // Sends what begin() left to be sent.
  [[nodiscard]] Status begin_now();

  // For whoever pipelines by himself: a statement that is ready to be sent on wire().
  [[nodiscard]] Result<const Statement*> prepare(std::string_view sql, std::span<const Value> arguments);
  // Queues what begin() left to be sent, and adds how many answers that has.
  [[nodiscard]] Status send_begin(int& answers);
  // Queues the end of the transaction, and adds how many answers that has: what it changed if somebody wants to know,
  // and COMMIT. Its statement for that is to be ready (prepare_end), and the answers are taken in this order.
  [[nodiscard]] Status prepare_end();
  [[nodiscard]] Status send_end();
  void committed() { state_ = State::none; }
  // The last of them decides; who wants to know is told.
  [[nodiscard]] Result<PgReply> receive_end();
  // Takes note of a failure of the wire, for repeatable().
  Error note(Error error);
  [[nodiscard]] PgWire& wire() { return *wire_; }
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  enum class State : std::uint8_t { none, wanted, open };

  [[nodiscard]] Status set_up();
  [[nodiscard]] Result<std::int64_t> run_statement(std::string_view sql, std::span<const Value> arguments,
                                                   PgRowBuffer* rows, bool savepoint);
  [[nodiscard]] Result<std::int64_t> receive_result(PgRowBuffer* rows);
  [[nodiscard]] bool is_prepared(std::string_view sql, std::span<const Value> arguments) const;
  [[nodiscard]] Error taken_back(Error error);
  [[nodiscard]] Status receive_all(int answers);
  [[nodiscard]] Status make_room();
  [[nodiscard]] Status take_late_answer();

  const Options options_;
  const std::shared_ptr<PgCounts> counts_;
  const std::unique_ptr<PgWire> wire_;
  std::string durable_level_ = "on";  // of synchronous_commit, as the server has it
  State state_ = State::none;
  Durability durability_ = Durability::durable;
  std::int64_t statement_limit_ns_ = 0;
  bool late_answer_ = false;  // of a read's COMMIT
  bool outdated_ = false;     // the prepared statements
  bool unknown_ = false;      // whether the COMMIT happened
  PgFault fault_ = PgFault::none;
  Code fault_code_ = Code::internal;
  std::string end_statement_;  // its name; empty: nobody wants to know what is changed
  std::unordered_map<std::string, Statement> statements_;
  std::uint64_t uses_ = 0;
  std::uint64_t names_ = 0;
};

}  // namespace tapewatch

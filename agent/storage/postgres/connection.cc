// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/connection.h"

#include <algorithm>
#include <utility>

#include "storage/postgres/arguments.h"
#include "storage/postgres/placeholders.h"

namespace tapewatch {
namespace {

std::string isolation_of(const PgConnection::Options& options) {
  if (options.use != PgConnection::Use::writes) return "repeatable read";
  switch (options.isolation) {
    case PgIsolation::read_committed:
      return "read committed";
    case PgIsolation::repeatable_read:
      return "repeatable read";
    case PgIsolation::serializable:
      break;
  }
  return "serializable";
}

// The types of arguments belong to a prepared statement; all but that of blobs are the server's to find.
std::string key_of(std::string_view sql, std::span<const Value> arguments) {
  std::string out(sql);
  out += '\0';
  for (const Value& value : arguments) out += value.type == Value::Type::blob ? 'b' : '.';
  return out;
}

}  // namespace

Result<std::unique_ptr<PgConnection>> PgConnection::connect(const Options& options, const Clock& clock,
                                                            std::shared_ptr<PgCounts> counts) {
  Result<std::unique_ptr<PgWire>> wire = PgWire::connect(options.server, options.connect_wait_max, clock, counts);
  if (!wire.ok()) return std::move(wire).error();
  auto out = std::make_unique<PgConnection>(options, std::move(wire).value(), std::move(counts));
  out->wire_->set_limit(clock.steady_ns() + std::chrono::nanoseconds(options.connect_wait_max).count(), nullptr);
  Status ready = out->set_up();
  if (!ready.ok()) return std::move(ready).error().with_context("setting up a connection");
  out->wire_->set_limit(0, nullptr);
  return out;
}

// What this library relies on, and what frees the server of a client that went away. A transaction that nobody works
// in is ended by the server, which lets go of its snapshot.
Status PgConnection::set_up() {
  const std::string age_ms = std::to_string(options_.age_max.count());
  PgRowBuffer level;
  const std::string sql =
      "SELECT current_setting('synchronous_commit'), set_config('synchronous_commit', 'off', false),"
      " set_config('standard_conforming_strings', 'on', false), set_config('bytea_output', 'hex', false),"
      " set_config('extra_float_digits', '1', false), set_config('client_connection_check_interval', '1000', false),"
      " set_config('default_transaction_isolation', '" +
      isolation_of(options_) +
      "', false),"
      " set_config('default_transaction_read_only', '" +
      (options_.use == Use::writes ? "off" : "on") +
      "', false),"
      " set_config('cursor_tuple_fraction', '" +
      (options_.use == Use::streams ? "1" : "0.1") +
      "', false),"
      " set_config('statement_timeout', '" +
      age_ms +
      "', false),"
      " set_config('idle_in_transaction_session_timeout', '" +
      age_ms + "', false)";
  Status sent = wire_->send(sql);
  if (sent.ok()) sent = wire_->send_sync();
  if (!sent.ok()) return sent;
  Result<PgReply> reply = wire_->receive(&level, options_.result_bytes_max);
  Status synced = wire_->receive_sync();
  if (!reply.ok()) return std::move(reply).error();
  if (level.rows() == 1 && level.at(0, 0) != "off") durable_level_ = level.at(0, 0);
  return synced;
}

// Transactions.

void PgConnection::begin(Durability durability) {
  state_ = State::wanted;
  durability_ = durability;
  fault_ = PgFault::none;
  unknown_ = false;
}

Status PgConnection::send_begin(int& answers) {
  if (state_ != State::wanted) return success();
  state_ = State::open;
  ++answers;
  Status sent = wire_->send("BEGIN");
  if (sent.ok() && statement_limit_ns_ > 0) {
    ++answers;
    const std::int64_t limit_ms = std::max<std::int64_t>(statement_limit_ns_ / ns_per_ms, 1);
    sent = wire_->send("SET LOCAL statement_timeout TO " + std::to_string(limit_ms));
  }
  if (!sent.ok() || options_.use != Use::writes || durability_ == Durability::fast) return sent;
  ++answers;
  return wire_->send("SET LOCAL synchronous_commit TO " + durable_level_);
}

Status PgConnection::begin_now() {
  Status late = take_late_answer();
  if (!late.ok()) return late;
  int answers = 0;
  Status sent = send_begin(answers);
  if (sent.ok() && answers == 0) return success();
  if (sent.ok()) sent = wire_->send_sync();
  return sent.ok() ? receive_all(answers) : sent;
}

// The answers of so many commands and of the end of their part; the first failure.
Status PgConnection::receive_all(int answers) {
  Status out = success();
  for (int i = 0; i < answers; ++i) {
    Result<PgReply> reply = wire_->receive(nullptr, 0);
    if (!reply.ok() && out.ok()) out = note(std::move(reply).error());
  }
  Status synced = wire_->receive_sync();
  return out.ok() ? synced : out;
}

Error PgConnection::note(Error error) {
  if (wire_->fault() > fault_) {
    fault_ = wire_->fault();
    fault_code_ = error.code;
  }
  if (wire_->fault() == PgFault::repeat && error.code == Code::sql) outdated_ = true;
  return error;
}

Status PgConnection::commit() {
  if (state_ != State::open) {
    state_ = State::none;
    return success();
  }
  Status ready = prepare_end();
  if (!ready.ok()) return ready;
  Status sent = send_end();
  if (sent.ok()) sent = wire_->send_sync();
  if (!sent.ok()) return note(std::move(sent).error());  // nothing of it has left this process
  Result<PgReply> reply = receive_end();
  if (!reply.ok() && wire_->broken()) {
    unknown_ = true;
    counts_->outcomes_unknown.fetch_add(1, std::memory_order_relaxed);
    return std::move(reply).error().with_context("the outcome of COMMIT is unknown");
  }
  state_ = State::none;
  if (!reply.ok()) return std::move(reply).error();
  if (reply->rolled_back) return Error{Code::sql, "a statement of the transaction failed, and with it the transaction"};
  return success();
}

Status PgConnection::prepare_end() {
  end_statement_.clear();
  if (options_.commits == nullptr || !options_.commits->wanted()) return success();
  Result<const Statement*> statement = prepare(options_.commits->statement(wire_->server_version()), {});
  if (!statement.ok()) return std::move(statement).error();
  end_statement_ = statement.value()->name;
  return success();
}

Status PgConnection::send_end() {
  Status sent = end_statement_.empty() ? success() : wire_->send_prepared(end_statement_, {});
  return sent.ok() ? wire_->send("COMMIT") : sent;
}

Result<PgReply> PgConnection::receive_end() {
  PgRowBuffer changed;
  Status asked = success();
  if (!end_statement_.empty()) {
    Result<PgReply> tables = wire_->receive(&changed, options_.result_bytes_max);
    if (!tables.ok()) asked = note(std::move(tables).error());
  }
  Result<PgReply> reply = wire_->receive(nullptr, 0);
  if (!reply.ok()) reply = note(std::move(reply).error());
  Status synced = wire_->receive_sync();
  if (!asked.ok()) return std::move(asked).error();
  if (!reply.ok()) return reply;
  if (!synced.ok()) return std::move(synced).error();
  std::vector<std::string> names;
  for (std::size_t row = 0; row < changed.rows(); ++row) names.emplace_back(changed.at(row, 0));
  std::vector<const std::string*> views;
  views.reserve(names.size());
  for (const std::string& name : names) views.push_back(&name);
  if (!reply->rolled_back && options_.commits != nullptr) options_.commits->listeners.tell(views);
  return reply;
}

void PgConnection::end_read() {
  const bool open = state_ == State::open;
  state_ = State::none;
  if (!open || wire_->broken()) return;
  late_answer_ = wire_->send("COMMIT").ok() && wire_->send_sync().ok();
  wire_->flush();
}

void PgConnection::rollback() {
  const bool open = state_ == State::open;
  state_ = State::none;
  if (wire_->broken()) return;
  if (open) static_cast<void>(run_all({"ROLLBACK"}));
  if (outdated_ && !wire_->broken()) {
    statements_.clear();
    static_cast<void>(run_all({"DEALLOCATE ALL"}));
  }
  outdated_ = false;
}

bool PgConnection::repeatable() const {
  return !unknown_ && (fault_ == PgFault::repeat || (fault_ == PgFault::lost && fault_code_ == Code::network));
}

bool PgConnection::ready() {
  state_ = State::none;
  fault_ = PgFault::none;
  unknown_ = false;
  return !wire_->broken() && take_late_answer().ok() && wire_->alive();
}

Status PgConnection::take_late_answer() {
  if (!std::exchange(late_answer_, false)) return success();
  Status taken = receive_all(1);
  return wire_->broken() ? taken : success();
}

// Statements.

bool PgConnection::is_prepared(std::string_view sql, std::span<const Value> arguments) const {
  return statements_.contains(key_of(sql, arguments));
}

Result<const PgConnection::Statement*> PgConnection::prepare(std::string_view sql, std::span<const Value> arguments) {
  std::string key = key_of(sql, arguments);
  const auto found = statements_.find(key);
  if (found != statements_.end()) {
    counts_->statement_hits.fetch_add(1, std::memory_order_relaxed);
    found->second.last_used = ++uses_;
    return &found->second;
  }
  counts_->statement_misses.fetch_add(1, std::memory_order_relaxed);
  Status late = take_late_answer();
  if (late.ok()) late = make_room();
  if (!late.ok()) return std::move(late).error();
  const std::string name = "tw" + std::to_string(++names_);
  int answers = 1;
  Status sent = send_begin(answers);
  if (sent.ok()) sent = wire_->send_prepare(name, numbered_placeholders(sql), arguments);
  if (sent.ok()) sent = wire_->send_sync();
  if (!sent.ok()) return note(std::move(sent).error());
  Status prepared = receive_all(answers);
  if (!prepared.ok()) return std::move(prepared).error();
  return &statements_.emplace(std::move(key), Statement{name, ++uses_}).first->second;
}

Status PgConnection::make_room() {
  if (statements_.size() < std::max<std::size_t>(options_.statements_max, 1)) return success();
  const auto oldest = std::min_element(statements_.begin(), statements_.end(), [](const auto& a, const auto& b) {
    return a.second.last_used < b.second.last_used;
  });
  const std::string command = "DEALLOCATE " + oldest->second.name;
  statements_.erase(oldest);
  return run_all({command});
}

Result<std::int64_t> PgConnection::run(std::string_view sql, std::span<const Value> arguments, PgRowBuffer* rows) {
  return run_statement(sql, arguments, rows, false);
}

// With a savepoint around it in the same round trip.
Result<std::int64_t> PgConnection::run_statement(std::string_view sql, std::span<const Value> arguments,
                                                 PgRowBuffer* rows, bool savepoint) {
  Status sent = check_text(arguments);
  if (sent.ok()) sent = take_late_answer();
  if (!sent.ok()) return std::move(sent).error();
  Result<const Statement*> statement = prepare(sql, arguments);
  if (!statement.ok()) return std::move(statement).error();
  int before = savepoint ? 1 : 0;
  sent = send_begin(before);
  if (sent.ok() && savepoint) sent = wire_->send("SAVEPOINT tapewatch_statement");
  if (sent.ok()) sent = wire_->send_prepared(statement.value()->name, arguments);
  if (sent.ok() && savepoint) sent = wire_->send("RELEASE tapewatch_statement");
  if (sent.ok()) sent = wire_->send_sync();
  if (!sent.ok()) return note(std::move(sent).error());
  for (int i = 0; i < before; ++i) static_cast<void>(wire_->receive(nullptr, 0));
  Result<std::int64_t> out = receive_result(rows);
  if (savepoint && !wire_->broken()) static_cast<void>(wire_->receive(nullptr, 0));
  Status synced = wire_->receive_sync();
  if (out.ok() && !synced.ok()) return note(std::move(synced).error());
  return out;
}

Result<std::int64_t> PgConnection::receive_result(PgRowBuffer* rows) {
  PgRowBuffer unwanted;
  Result<PgReply> reply = wire_->receive(rows == nullptr ? &unwanted : rows, options_.result_bytes_max);
  if (!reply.ok()) return note(std::move(reply).error());
  if (reply->more)
    return wire_->give_up(Error{Code::limit, "the result is larger than result_bytes_max: use a stream"});
  return reply->changed;
}

Result<std::int64_t> PgConnection::run_write(std::string_view sql, std::span<const Value> arguments) {
  if (!options_.statement_savepoints) return run(sql, arguments, nullptr);
  Status sound = check_text(arguments);
  if (!sound.ok()) return std::move(sound).error();
  // A statement that cannot be prepared would take the transaction with it.
  if (!is_prepared(sql, arguments)) {
    Status marked = begin_now();
    if (marked.ok()) marked = run_all({"SAVEPOINT tapewatch_statement"});
    if (!marked.ok()) return std::move(marked).error();
    Result<const Statement*> statement = prepare(sql, arguments);
    if (!statement.ok()) return taken_back(std::move(statement).error());
    marked = run_all({"RELEASE tapewatch_statement"});
    if (!marked.ok()) return std::move(marked).error();
  }
  Result<std::int64_t> out = run_statement(sql, arguments, nullptr, true);
  return out.ok() ? out : taken_back(std::move(out).error());
}

// What the failed statement did; what can be repeated only as a whole stays so.
Error PgConnection::taken_back(Error error) {
  if (wire_->broken()) return error;
  const bool again = repeatable();
  Status undone = run_all({"ROLLBACK TO tapewatch_statement", "RELEASE tapewatch_statement"});
  if (!undone.ok()) return std::move(undone).error();
  if (!again) fault_ = PgFault::none;
  return error;
}

Status PgConnection::run_all(std::initializer_list<std::string> commands) {
  Status sent = take_late_answer();
  int answers = 0;
  for (const std::string& command : commands) {
    if (sent.ok()) sent = wire_->send(command);
    ++answers;
  }
  if (sent.ok()) sent = wire_->send_sync();
  return sent.ok() ? receive_all(answers) : Status(note(std::move(sent).error()));
}

Status PgConnection::run_script(const std::string& sql) {
  Status begun = begin_now();
  if (!begun.ok()) return begun;
  Status done = wire_->run_script(sql);
  return done.ok() ? done : Status(note(std::move(done).error()));
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/wire.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "storage/postgres/arguments.h"

namespace tapewatch {
namespace {

// The server ends a statement at its limit; a connection whose server does not answer even then is given up.
constexpr std::int64_t grace_ns = 250 * ns_per_ms;
constexpr int poll_ms_max = 60'000;

std::string line_of(const char* message) {
  std::string out = message == nullptr ? "" : message;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

std::string field_of(const PGresult* result, int field) {
  const char* const found = PQresultErrorField(result, field);
  return found == nullptr ? "" : found;
}

std::int64_t changed_by(PGresult* result) {
  if (std::strncmp(PQcmdStatus(result), "SELECT", 6) == 0 || std::strncmp(PQcmdStatus(result), "FETCH", 5) == 0)
    return 0;
  const std::string_view text = PQcmdTuples(result);
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

void take_rows(const PGresult* result, PgRowBuffer& rows) {
  const int columns = PQnfields(result);
  if (rows.columns().empty() && columns > 0) {
    std::vector<PgRowBuffer::Column> names;
    names.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) names.push_back({PQfname(result, i), PQftype(result, i)});
    rows.set_columns(std::move(names));
  }
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int i = 0; i < columns; ++i) {
      if (PQgetisnull(result, row, i) != 0)
        rows.add_null();
      else
        rows.add({PQgetvalue(result, row, i), static_cast<std::size_t>(PQgetlength(result, row, i))},
                 PQftype(result, i));
    }
  }
}

int poll_ms(std::int64_t left_ns) {
  return static_cast<int>(std::clamp<std::int64_t>(left_ns / ns_per_ms + 1, 0, poll_ms_max));
}

}  // namespace

PgWire::PgWire(PGconn* connection, const Clock& clock, std::shared_ptr<PgCounts> counts)
    : connection_(connection), clock_(clock), counts_(std::move(counts)) {
  counts_->open.fetch_add(1, std::memory_order_relaxed);
}

PgWire::~PgWire() {
  on_stop_.reset();
  PQfinish(connection_);
  counts_->open.fetch_sub(1, std::memory_order_relaxed);
}

Result<std::unique_ptr<PgWire>> PgWire::connect(const std::string& server, std::chrono::milliseconds wait_max,
                                                const Clock& clock, std::shared_ptr<PgCounts> counts) {
  const std::array<const char*, 4> names{"dbname", "fallback_application_name", "client_encoding", nullptr};
  const std::array<const char*, 4> values{server.c_str(), "tapewatch", "UTF8", nullptr};
  PGconn* const connection = PQconnectStartParams(names.data(), values.data(), 1);
  if (connection == nullptr) return Error{Code::network, "there is no memory for a connection"};
  auto out = std::make_unique<PgWire>(connection, clock, std::move(counts));
  Status done = out->finish_connecting(clock.steady_ns() + std::chrono::nanoseconds(wait_max).count());
  if (!done.ok()) return std::move(done).error().with_context("connecting to PostgreSQL");
  out->counts_->made.fetch_add(1, std::memory_order_relaxed);
  return out;
}

Status PgWire::finish_connecting(std::int64_t deadline_ns) {
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || PQstatus(connection_) == CONNECTION_BAD)
      return Error{Code::network, line_of(PQerrorMessage(connection_))};
    const std::int64_t left_ns = deadline_ns - clock_.steady_ns();
    if (left_ns <= 0) return Error{Code::network, "the server does not answer"};
    pollfd each{PQsocket(connection_), static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    if (poll(&each, 1, poll_ms(left_ns)) > 0) state = PQconnectPoll(connection_);
  }
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1)
    return Error{Code::network, line_of(PQerrorMessage(connection_))};
  return success();
}

void PgWire::set_limit(std::int64_t deadline_ns, const std::stop_token* stop) {
  on_stop_.reset();
  deadline_ns_ = deadline_ns;
  stoppable_ = stop != nullptr && stop->stop_possible();
  if (!stoppable_) return;
  if (!stop_event_.open()) stop_event_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  std::uint64_t before = 0;
  static_cast<void>(!read(stop_event_.get(), &before, sizeof before));
  on_stop_.emplace(*stop, [fd = stop_event_.get()] {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(fd, &one, sizeof one));
  });
}

Error PgWire::lose(Error error) {
  if (!broken_) counts_->lost.fetch_add(1, std::memory_order_relaxed);
  if (!broken_) why_ = error;
  broken_ = true;
  fault_ = PgFault::lost;
  return error;
}

Error PgWire::lose_connection() {
  return lose(Error{Code::network, "the connection to PostgreSQL is lost: " + line_of(PQerrorMessage(connection_))});
}

bool PgWire::alive() {
  while (!broken_) {
    pollfd each{PQsocket(connection_), POLLIN, 0};
    if (poll(&each, 1, 0) <= 0) return true;
    if (PQconsumeInput(connection_) == 0 || PQstatus(connection_) == CONNECTION_BAD)
      static_cast<void>(lose_connection());
  }
  return false;
}

Status PgWire::wait(bool reading, bool writing) {
  counts_->round_trips.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    std::int64_t left_ns = std::int64_t{poll_ms_max} * ns_per_ms;
    if (deadline_ns_ > 0) left_ns = deadline_ns_ + grace_ns - clock_.steady_ns();
    if (left_ns <= 0) return lose(Error{Code::timeout, "the server did not answer within the limit"});
    std::array<pollfd, 2> each{
        {{PQsocket(connection_), static_cast<short>((reading ? POLLIN : 0) | (writing ? POLLOUT : 0)), 0},
         {stop_event_.get(), POLLIN, 0}}};
    const int ready = poll(each.data(), stoppable_ ? 2 : 1, poll_ms(left_ns));
    if (ready < 0 && errno != EINTR) return lose(Error{Code::network, "waiting for the server failed"});
    if (ready <= 0) continue;
    if (each[1].revents != 0) return lose(Error{Code::cancelled, "the call was cancelled"});
    return success();
  }
}

Status PgWire::sent(int done) {
  if (done == 1) return success();
  if (PQstatus(connection_) == CONNECTION_BAD) return lose_connection();
  return lose(Error{Code::internal, line_of(PQerrorMessage(connection_))});
}

Status PgWire::send(const std::string& sql) { return send(sql, {}); }

Status PgWire::send(const std::string& sql, std::span<const Value> arguments) {
  if (broken_) return why_;
  const PgArguments bound(arguments);
  return sent(PQsendQueryParams(connection_, sql.c_str(), bound.count(), bound.types(), bound.values(), bound.lengths(),
                                bound.formats(), 0));
}

Status PgWire::send_prepare(const std::string& name, const std::string& sql, std::span<const Value> arguments) {
  if (broken_) return why_;
  const PgArguments bound(arguments);
  return sent(PQsendPrepare(connection_, name.c_str(), sql.c_str(), bound.count(), bound.types()));
}

Status PgWire::send_prepared(const std::string& name, std::span<const Value> arguments) {
  if (broken_) return why_;
  const PgArguments bound(arguments);
  return sent(PQsendQueryPrepared(connection_, name.c_str(), bound.count(), bound.values(), bound.lengths(),
                                  bound.formats(), 0));
}

Status PgWire::send_sync() {
  if (broken_) return why_;
  return sent(PQpipelineSync(connection_));
}

// What cannot be sent now is sent while the answers are waited for.
void PgWire::flush() { static_cast<void>(PQflush(connection_)); }

Result<PgWire::Answer> PgWire::next_answer() {
  if (broken_) return why_;
  while (PQisBusy(connection_) != 0) {
    const bool unsent = PQflush(connection_) == 1;
    Status ready = wait(true, unsent);
    if (!ready.ok()) return std::move(ready).error();
    // On failure the next answer tells why.
    if (PQconsumeInput(connection_) == 0) break;
  }
  Answer out(PQgetResult(connection_));
  if (PQstatus(connection_) != CONNECTION_BAD) return out;
  const ExecStatusType status = PQresultStatus(out.get());
  // The server's last words: why it ends the connection.
  if (status == PGRES_FATAL_ERROR && !field_of(out.get(), PG_DIAG_SQLSTATE).empty()) return lose(failure_of(out.get()));
  return lose_connection();
}

// Without the values that the server tells in its details: they are the application's, and messages go into logs.
Error PgWire::failure_of(const PGresult* result) {
  const std::string sqlstate = field_of(result, PG_DIAG_SQLSTATE);
  const std::string message = line_of(field_of(result, PG_DIAG_MESSAGE_PRIMARY).c_str());
  const PgState state = state_of(sqlstate, message);
  fault_ = state.fault;
  context_ = field_of(result, PG_DIAG_CONTEXT);
  Error out{state.code, message + " (" + sqlstate + ")"};
  return state.fault == PgFault::lost ? lose(std::move(out)) : out;
}

Result<PgReply> PgWire::receive(PgRowBuffer* rows, std::size_t bytes_max) {
  if (!in_rows_ && rows != nullptr && !broken_) static_cast<void>(PQsetSingleRowMode(connection_));
  in_rows_ = false;
  PgReply reply;
  std::optional<Error> failed;
  for (;;) {
    Result<Answer> answer = next_answer();
    if (!answer.ok()) return std::move(answer).error();
    PGresult* const result = answer->get();
    if (result == nullptr) break;
    switch (PQresultStatus(result)) {
      case PGRES_SINGLE_TUPLE:
      case PGRES_TUPLES_OK:
        if (rows != nullptr) take_rows(result, *rows);
        reply.changed = changed_by(result);
        if (rows == nullptr || rows->bytes() < bytes_max || PQresultStatus(result) == PGRES_TUPLES_OK) break;
        in_rows_ = true;
        reply.more = true;
        return reply;
      case PGRES_COMMAND_OK:
        reply.changed = changed_by(result);
        reply.rolled_back = std::strcmp(PQcmdStatus(result), "ROLLBACK") == 0;
        break;
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_PIPELINE_ABORTED:
        failed = Error{Code::cancelled, "a statement before it failed"};
        fault_ = PgFault::skipped;
        break;
      case PGRES_FATAL_ERROR:
        failed = failure_of(result);
        break;
      default:
        return lose(Error{Code::bad_reply, "an answer that nothing asked for"});
    }
  }
  if (failed) return *failed;
  return reply;
}

Status PgWire::receive_sync() {
  for (int empty = 0; empty < 2; ++empty) {
    Result<Answer> answer = next_answer();
    if (!answer.ok()) return std::move(answer).error();
    if (answer.value() == nullptr) continue;
    if (PQresultStatus(answer->get()) == PGRES_PIPELINE_SYNC) return success();
    break;
  }
  return lose(Error{Code::bad_reply, "the end of a pipeline did not come"});
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgWire: one connection to a server in libpq's pipeline mode, never blocking longer than its limit: what is sent is
// queued, and answers are received in the order of what was sent. It knows nothing of transactions. Once broken it
// stays so: every call fails with the reason, and its owner lets go of it. Thread: one at a time.

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "storage/postgres/counts.h"
#include "storage/postgres/faults.h"
#include "storage/postgres/row_buffer.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

struct PgReply {
  std::int64_t changed = 0;  // rows inserted, updated, deleted
  bool more = false;         // rows are left to be received
  bool rolled_back = false;  // COMMIT of a transaction that had failed
};

class PgWire final {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PgWire>> connect(const std::string& server,
                                                               std::chrono::milliseconds wait_max, const Clock& clock,
                                                               std::shared_ptr<PgCounts> counts);
  PgWire(PGconn* connection, const Clock& clock, std::shared_ptr<PgCounts> counts);
  ~PgWire();
  PgWire(const PgWire&) = delete;
  PgWire& operator=(const PgWire&) = delete;

  // Of every wait from now on: beyond it, or when `stop` asks for it, the connection is given up. 0 and null: none.
  void set_limit(std::int64_t deadline_ns, const std::stop_token* stop);
  [[nodiscard]] int server_version() const { return PQserverVersion(connection_); }
  [[nodiscard]] bool broken() const { return broken_; }
  // Of the newest failure.
  [[nodiscard]] PgFault fault() const { return fault_; }
  [[nodiscard]] const std::string& context() const { return context_; }
  // Breaks it, with a statement under way whose answer nobody wants.
  [[nodiscard]] Error give_up(Error error) {
    error = lose(std::move(error));
    fault_ = PgFault::statement;
    return error;
  }
  // Looks, without waiting, whether the server hung up meanwhile.
  [[nodiscard]] bool alive();

  // Queue one command of a pipeline; each has one answer. Texts among the arguments have no zero byte.
  [[nodiscard]] Status send(const std::string& sql);
  [[nodiscard]] Status send_prepare(const std::string& name, const std::string& sql, std::span<const Value> arguments);
  [[nodiscard]] Status send_prepared(const std::string& name, std::span<const Value> arguments);
  // A command with arguments that is not prepared.
  [[nodiscard]] Status send(const std::string& sql, std::span<const Value> arguments);
  // Ends a part: a failure before it skips commands up to here. Has an answer of its own.
  [[nodiscard]] Status send_sync();
  void flush();

  // The answer of the next command. At `bytes_max` of rows it stops with `more`, and the next call goes on.
  [[nodiscard]] Result<PgReply> receive(PgRowBuffer* rows, std::size_t bytes_max);
  [[nodiscard]] Status receive_sync();

  // What the server notifies of by itself, with nothing to be received; false when there was nothing in time.
  [[nodiscard]] Result<bool> hear(std::chrono::nanoseconds wait_max, const std::function<void(std::string_view)>& each);

  // Outside of a pipeline, with nothing to be received.
  [[nodiscard]] Status run_script(const std::string& sql);
  [[nodiscard]] Status copy_begin(const std::string& sql);
  [[nodiscard]] Status copy_data(std::string_view data);
  // How many rows were taken. With `refusal`, the server is to take none.
  [[nodiscard]] Result<std::int64_t> copy_end(const char* refusal = nullptr);

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;

  [[nodiscard]] Status finish_connecting(std::int64_t deadline_ns);
  [[nodiscard]] Status wait(bool reading, bool writing);
  [[nodiscard]] Result<Answer> next_answer();
  [[nodiscard]] Error failure_of(const PGresult* result);
  [[nodiscard]] Error lose(Error error);
  [[nodiscard]] Error lose_connection();
  bool take_words(const std::function<void(std::string_view)>& each);
  [[nodiscard]] Status sent(int done);
  [[nodiscard]] Status end_script(Status outcome);

  PGconn* const connection_;
  const Clock& clock_;
  const std::shared_ptr<PgCounts> counts_;
  std::int64_t deadline_ns_ = 0;
  Fd stop_event_;
  bool stoppable_ = false;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  bool broken_ = false;
  Error why_;             // it is
  bool in_rows_ = false;  // receive() stopped in the middle of an answer
  PgFault fault_ = PgFault::none;
  std::string context_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// The part of PgWire that leaves the pipeline: scripts of many statements, COPY, and notifications.
#include <poll.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "storage/postgres/wire.h"

namespace tapewatch {

// Takes what is left of the answers and goes back into the pipeline.
Status PgWire::end_script(Status outcome) {
  for (;;) {
    Result<Answer> answer = next_answer();
    if (!answer.ok()) return std::move(answer).error();
    if (answer.value() == nullptr) break;
    if (outcome.ok() && PQresultStatus(answer->get()) == PGRES_FATAL_ERROR) outcome = failure_of(answer->get());
  }
  if (PQenterPipelineMode(connection_) != 1) return lose_connection();
  return outcome;
}

Status PgWire::run_script(const std::string& sql) {
  if (broken_) return why_;
  if (PQexitPipelineMode(connection_) != 1) return lose_connection();
  Status begun = sent(PQsendQuery(connection_, sql.c_str()));
  return begun.ok() ? end_script(success()) : begun;
}

Status PgWire::copy_begin(const std::string& sql) {
  if (broken_) return why_;
  if (PQexitPipelineMode(connection_) != 1) return lose_connection();
  Status begun = sent(PQsendQuery(connection_, sql.c_str()));
  if (!begun.ok()) return begun;
  Result<Answer> answer = next_answer();
  if (!answer.ok()) return std::move(answer).error();
  if (PQresultStatus(answer->get()) == PGRES_COPY_IN) return success();
  return end_script(PQresultStatus(answer->get()) == PGRES_FATAL_ERROR
                        ? Status(failure_of(answer->get()))
                        : Status(Error{Code::bad_reply, "the server does not begin to copy"}));
}

Status PgWire::copy_data(std::string_view data) {
  if (broken_) return why_;
  if (PQputCopyData(connection_, data.data(), static_cast<int>(data.size())) != 1) return lose_connection();
  // Or libpq would keep all of it.
  for (;;) {
    const int unsent = PQflush(connection_);
    if (unsent < 0) return lose_connection();
    if (unsent == 0) return success();
    Status ready = wait(true, true);
    if (!ready.ok()) return ready;
    if (PQconsumeInput(connection_) == 0) return lose_connection();
  }
}

Result<std::int64_t> PgWire::copy_end(const char* refusal) {
  if (broken_) return why_;
  if (PQputCopyEnd(connection_, refusal) != 1) return lose_connection();
  Result<Answer> answer = next_answer();
  if (!answer.ok()) return std::move(answer).error();
  const bool done = PQresultStatus(answer->get()) == PGRES_COMMAND_OK;
  const std::string count = done ? PQcmdTuples(answer->get()) : "";
  Status ended = end_script(done ? success() : Status(failure_of(answer->get())));
  if (!ended.ok()) return std::move(ended).error();
  std::int64_t out = 0;
  for (const char digit : count) out = out * 10 + (digit - '0');
  return out;
}

Result<bool> PgWire::hear(std::chrono::nanoseconds wait_max, const std::function<void(std::string_view)>& each) {
  if (broken_) return why_;
  if (take_words(each)) return true;  // they came with an answer
  std::array<pollfd, 2> places{{{PQsocket(connection_), POLLIN, 0}, {stop_event_.get(), POLLIN, 0}}};
  const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wait_max).count();
  const int ready =
      poll(places.data(), stoppable_ ? 2 : 1, static_cast<int>(std::clamp<std::int64_t>(wait_ms, 0, 60'000)));
  if (ready > 0 && places[1].revents != 0) return lose(Error{Code::cancelled, "hearing was ended"});
  if (ready > 0 && PQconsumeInput(connection_) == 0) return lose_connection();
  return take_words(each);
}

bool PgWire::take_words(const std::function<void(std::string_view)>& each) {
  bool any = false;
  while (PGnotify* const word = PQnotifies(connection_)) {
    each(word->extra);
    PQfreemem(word);
    any = true;
  }
  return any;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Statements of several asynchronous calls on one connection: all are sent before the first answer is waited for.
#include <algorithm>
#include <utility>

#include "storage/postgres/arguments.h"
#include "storage/postgres/store_state.h"

namespace tapewatch {
namespace {

// A call of a group, ready to be sent on its connection.
struct Bound {
  enum class Fate : std::uint8_t { sent, answered, alone };
  Fate fate = Fate::sent;
  std::vector<Value> arguments;
  std::string statement;
};

void run_alone(const PgCall& call) { call.call->answer(call.run(call.call->deadline_ns(), nullptr)); }

// The ones that cannot be sent are answered, or are to be tried by themselves.
Bound bound(PgConnection& connection, const PgCall& call) {
  Bound out;
  out.arguments = call.statement->bind();
  Status sound = check_text(out.arguments);
  if (sound.ok()) {
    Result<const PgConnection::Statement*> statement = connection.prepare(call.statement->sql, out.arguments);
    if (statement.ok()) {
      out.statement = statement.value()->name;
      return out;
    }
    sound = std::move(statement).error();
    if (connection.repeatable()) out.fate = Bound::Fate::alone;
  }
  if (out.fate == Bound::Fate::alone) return out;
  out.fate = Bound::Fate::answered;
  call.call->answer(std::move(sound));
  return out;
}

std::vector<Bound> bind_all(PgConnection& connection, const std::vector<PgCall>& group) {
  std::vector<Bound> out;
  out.reserve(group.size());
  for (const PgCall& each : group) out.push_back(bound(connection, each));
  return out;
}

std::int64_t soonest(const std::vector<PgCall>& group) {
  std::int64_t out = 0;
  for (const PgCall& each : group) {
    const std::int64_t deadline_ns = each.call->deadline_ns();
    if (deadline_ns > 0 && (out == 0 || deadline_ns < out)) out = deadline_ns;
  }
  return out;
}

Status taken(const PgCall& call, std::shared_ptr<PgRowBuffer> buffer, std::int64_t changed) {
  PgRows rows(std::move(buffer));
  return call_job([&](PgRows& all) { return call.statement->take(all, changed); }, rows);
}

// Answers a read unless it is to be repeated: what broke with the connection, may succeed the next time, or ran out of
// the time of another call; or is to be sent again, because one before it failed.
Bound::Fate receive_read(PgConnection& connection, const PgCall& call, const Clock& clock) {
  PgWire& wire = connection.wire();
  if (wire.broken()) return Bound::Fate::alone;
  const auto rows = std::make_shared<PgRowBuffer>();
  Result<PgReply> reply = wire.receive(rows.get(), connection.options().result_bytes_max);
  if (reply.ok() && reply->more) reply = wire.give_up(Error{Code::limit, "the result is larger than result_bytes_max"});
  if (!reply.ok() && reply.error().code != Code::limit) {
    const std::int64_t deadline_ns = call.call->deadline_ns();
    const bool has_time = deadline_ns == 0 || clock.steady_ns() < deadline_ns;
    if (!wire.broken() && wire.fault() == PgFault::skipped) return Bound::Fate::sent;
    if (wire.broken() || wire.fault() == PgFault::repeat) return Bound::Fate::alone;
    if (reply.error().code == Code::timeout && has_time) return Bound::Fate::alone;
  }
  call.call->answer(reply.ok() ? taken(call, rows, 0) : Status(std::move(reply).error()));
  return Bound::Fate::answered;
}

// What is left of the group in one part, which is one transaction and one snapshot; false when nothing is left.
bool send_reads(PgConnection& connection, const std::vector<PgCall>& group, std::vector<Bound>& bounds,
                const Clock& clock) {
  PgWire& wire = connection.wire();
  bool sent = true;
  for (const Bound& each : bounds) {
    if (sent && each.fate == Bound::Fate::sent) sent = wire.send_prepared(each.statement, each.arguments).ok();
  }
  if (sent) static_cast<void>(wire.send_sync());
  bool left = false;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (bounds[i].fate != Bound::Fate::sent) continue;
    bounds[i].fate = receive_read(connection, group[i], clock);
    left = left || bounds[i].fate == Bound::Fate::sent;
  }
  if (!wire.broken()) static_cast<void>(wire.receive_sync());
  return left;
}

// How long the server lets each statement run.
void limit_statements(PgConnection& connection, std::int64_t limit_ns) {
  const std::int64_t limit_ms = std::max<std::int64_t>(limit_ns / ns_per_ms, 1);
  static_cast<void>(connection.run_all({"SET statement_timeout TO " + std::to_string(limit_ms)}));
}

// All statements and one COMMIT in one part: when one fails, nothing is committed. The rows changed by each.
Result<std::vector<std::int64_t>> send_writes(PgConnection& connection, const std::vector<Bound>& bounds) {
  PgWire& wire = connection.wire();
  int begun = 0;
  Status sent = connection.send_begin(begun);
  for (const Bound& each : bounds) {
    if (sent.ok()) sent = wire.send_prepared(each.statement, each.arguments);
  }
  if (sent.ok()) sent = connection.send_end();
  if (sent.ok()) sent = wire.send_sync();
  std::vector<std::int64_t> out;
  std::optional<Error> failed;
  const auto answers = static_cast<std::size_t>(begun) + bounds.size();
  for (std::size_t i = 0; i < answers && !wire.broken(); ++i) {
    Result<PgReply> reply = wire.receive(nullptr, 0);
    if (reply.ok() && i >= static_cast<std::size_t>(begun)) out.push_back(reply->changed);
    if (!reply.ok() && !failed) failed = connection.note(std::move(reply).error());
  }
  Result<PgReply> ended = connection.receive_end();
  if (failed) return *failed;
  if (!ended.ok()) return std::move(ended).error();
  connection.committed();
  return out;
}

}  // namespace

void PgStore::State::pipeline_reads(std::vector<PgCall> group) {
  std::vector<Bound> bounds(group.size());
  {
    Result<PgPool::Lease> lease = readers_.take(soonest(group), nullptr);
    if (lease.ok()) {
      bounds = bind_all(**lease, group);
      const std::int64_t deadline_ns = soonest(group);
      if (deadline_ns > 0) limit_statements(**lease, deadline_ns - clock_.steady_ns());
      while (send_reads(**lease, group, bounds, clock_)) {
      }
      const std::chrono::nanoseconds age_max = (*lease)->options().age_max;
      if (deadline_ns > 0 && !(*lease)->broken()) limit_statements(**lease, age_max.count());
      counts_->reads.fetch_add(static_cast<std::int64_t>(group.size()), std::memory_order_relaxed);
    } else {
      for (Bound& each : bounds) each.fate = Bound::Fate::alone;
    }
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (bounds[i].fate == Bound::Fate::alone) run_alone(group[i]);
  }
}

// In the order of their submission, whatever happens.
void PgStore::State::pipeline_writes(std::vector<PgCall> group) {
  const Durability durability = group.front().call->options().durability;
  bool alone = true;
  {
    Result<PgPool::Lease> lease = writers_.take(0, nullptr);
    if (lease.ok()) alone = !write_together(**lease, group, durability);
  }
  if (!alone) return;
  for (const PgCall& each : group) run_alone(each);
}

// False when nothing of it was committed and nobody was answered.
bool PgStore::State::write_together(PgConnection& connection, const std::vector<PgCall>& group, Durability durability) {
  std::vector<Bound> bounds;
  for (const PgCall& each : group) {
    Bound next;
    next.arguments = each.statement->bind();
    if (!check_text(next.arguments).ok()) return false;
    Result<const PgConnection::Statement*> statement = connection.prepare(each.statement->sql, next.arguments);
    if (!statement.ok()) return false;
    next.statement = statement.value()->name;
    bounds.push_back(std::move(next));
  }
  if (!connection.prepare_end().ok()) return false;
  connection.begin(durability);
  Result<std::vector<std::int64_t>> changed = send_writes(connection, bounds);
  if (!changed.ok() && !connection.broken()) {
    connection.rollback();
    return false;
  }
  counts_->writes.fetch_add(static_cast<std::int64_t>(group.size()), std::memory_order_relaxed);
  if (!changed.ok()) counts_->outcomes_unknown.fetch_add(1, std::memory_order_relaxed);
  const auto none = std::make_shared<PgRowBuffer>();
  for (std::size_t i = 0; i < group.size(); ++i) {
    group[i].call->answer(changed.ok() ? taken(group[i], none, changed.value()[i])
                                       : Status(Error(changed.error()).with_context("the outcome is unknown")));
  }
  return true;
}

}  // namespace tapewatch

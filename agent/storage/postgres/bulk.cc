// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/bulk.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "storage/postgres/arguments.h"
#include "storage/postgres/copy_text.h"

namespace tapewatch {
namespace {

constexpr std::size_t copy_piece_bytes = 64u << 10;
constexpr std::size_t pipelined_rows_max = 1024;
constexpr std::string_view staging = "pg_temp.tapewatch_rows";

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

template <typename Each>
std::string listed(std::size_t count, std::string_view between, Each each) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += between;
    out += each(i);
  }
  return out;
}

std::string names_of(Columns columns) {
  return listed(columns.size(), ",", [&](std::size_t i) { return quoted(columns[i]); });
}

bool is_in(Columns names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

std::string assignments(const PgBulkPlan& plan) {
  std::string out;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    if (is_in(plan.keys, plan.columns[i])) continue;
    if (!out.empty()) out += ',';
    out += quoted(plan.columns[i]) + "=";
    out += plan.kind == PgBulkPlan::Kind::update ? "?" + std::to_string(i + 1) : "excluded." + quoted(plan.columns[i]);
  }
  return out;
}

std::string insert_head(const PgBulkPlan& plan) {
  return "INSERT INTO " + quoted(plan.table) + "(" + names_of(plan.columns) + ") ";
}

std::string insert_tail(const PgBulkPlan& plan) {
  if (plan.kind == PgBulkPlan::Kind::insert)
    return plan.options.on_conflict == OnConflict::skip ? " ON CONFLICT DO NOTHING" : "";
  const std::string set = assignments(plan);
  return " ON CONFLICT(" + names_of(plan.keys) + ")" + (set.empty() ? " DO NOTHING" : " DO UPDATE SET " + set);
}

std::string row_statement(const PgBulkPlan& plan) {
  if (plan.kind != PgBulkPlan::Kind::update) {
    const auto mark = [](std::size_t) { return "?"; };
    return insert_head(plan) + "VALUES(" + listed(plan.columns.size(), ",", mark) + ")" + insert_tail(plan);
  }
  const auto test = [&](std::size_t i) {
    const auto at = std::find(plan.columns.begin(), plan.columns.end(), plan.keys[i]) - plan.columns.begin();
    return quoted(plan.keys[i]) + "=?" + std::to_string(at + 1);
  };
  return "UPDATE " + quoted(plan.table) + " SET " + assignments(plan) + " WHERE " +
         listed(plan.keys.size(), " AND ", test);
}

Status check(const PgBulkPlan& plan, const RowSource& source) {
  if (plan.columns.size() != source.columns)
    return Error{Code::invalid, "rows of " + std::to_string(source.columns) + " members for " +
                                    std::to_string(plan.columns.size()) + " columns"};
  if (plan.kind != PgBulkPlan::Kind::insert && plan.keys.empty()) return Error{Code::invalid, "no key column is named"};
  for (const std::string_view key : plan.keys) {
    if (!is_in(plan.columns, key)) return Error{Code::invalid, "the key " + quoted(key) + " is none of the columns"};
  }
  if (plan.kind == PgBulkPlan::Kind::update && plan.keys.size() >= plan.columns.size())
    return Error{Code::invalid, "no column is left to update"};
  return success();
}

Error at_row(Error error, std::size_t row) {
  return std::move(error).with_context("row " + std::to_string(row) + " of the rows");
}

// One call. Whoever made the savepoint takes back what a failed one wrote.
class Bulk final {
 public:
  Bulk(PgConnection& connection, const PgBulkPlan& plan, const RowSource& source)
      : connection_(connection),
        plan_(plan),
        source_(source),
        row_sql_(row_statement(plan)),
        // Such a row is left out and listed, and the others are written.
        lenient_(plan.options.on_conflict == OnConflict::report ||
                 (plan.kind == PgBulkPlan::Kind::update && plan.options.on_conflict == OnConflict::skip)) {}

  Status run() {
    const bool copied = plan_.kind != PgBulkPlan::Kind::update && source_.count >= connection_.options().copy_rows_min;
    if (!copied) return run_rows(0, source_.count);
    const bool straight = plan_.kind == PgBulkPlan::Kind::insert && plan_.options.on_conflict != OnConflict::skip;
    if (!straight) return run_part(0, source_.count, false);
    // Rows that may have faults are copied in parts, so that not all of them are done again because of one.
    const std::size_t step = lenient_ ? std::max<std::size_t>(plan_.options.chunk_rows, 1) : source_.count;
    for (std::size_t begin = 0; begin < source_.count; begin += step) {
      Status done = run_part(begin, std::min(source_.count, begin + step), true);
      if (!done.ok()) return done;
    }
    return success();
  }
  BulkResult take() { return std::move(result_); }

 private:
  // By COPY; row by row when that fails and the place of the fault is to be found.
  Status run_part(std::size_t begin, std::size_t end, bool straight) {
    Status marked = connection_.run_all({"SAVEPOINT tapewatch_part"});
    if (!marked.ok()) return marked;
    Result<std::int64_t> written = straight ? copy_straight(begin, end) : copy_staged(begin, end);
    if (written.ok()) {
      result_.written += written.value();
      result_.left_out += static_cast<std::int64_t>(end - begin) - written.value();
      return connection_.run_all({"RELEASE tapewatch_part"});
    }
    if (connection_.broken() || connection_.repeatable()) return std::move(written).error();
    Status undone = connection_.run_all({"ROLLBACK TO tapewatch_part", "RELEASE tapewatch_part"});
    return undone.ok() ? run_rows(begin, end) : undone;
  }

  Result<std::int64_t> copy_straight(std::size_t begin, std::size_t end) {
    return copy("COPY " + quoted(plan_.table) + "(" + names_of(plan_.columns) + ") FROM STDIN", begin, end);
  }

  Result<std::int64_t> copy_staged(std::size_t begin, std::size_t end) {
    const std::string into(staging);
    const std::string names = names_of(plan_.columns);
    Status made = connection_.run_all({"CREATE TEMP TABLE tapewatch_rows ON COMMIT DROP AS SELECT " + names + " FROM " +
                                       quoted(plan_.table) + " WITH NO DATA"});
    if (!made.ok()) return std::move(made).error();
    Result<std::int64_t> copied = copy("COPY " + into + " FROM STDIN", begin, end);
    if (!copied.ok()) return copied;
    const std::string insert = insert_head(plan_) + "SELECT " + names + " FROM " + into + insert_tail(plan_);
    PgWire& wire = connection_.wire();
    Status sent = wire.send(insert);
    if (sent.ok()) sent = wire.send("DROP TABLE " + into);
    if (sent.ok()) sent = wire.send_sync();
    if (!sent.ok()) return connection_.note(std::move(sent).error());
    Result<PgReply> inserted = wire.receive(nullptr, 0);
    if (!inserted.ok()) static_cast<void>(connection_.note(inserted.error()));
    Result<PgReply> dropped = wire.receive(nullptr, 0);
    Status synced = wire.receive_sync();
    if (!inserted.ok()) return std::move(inserted).error();
    if (!dropped.ok()) return connection_.note(std::move(dropped).error());
    if (!synced.ok()) return connection_.note(std::move(synced).error());
    return inserted->changed;
  }

  Result<std::int64_t> copy(const std::string& command, std::size_t begin, std::size_t end) {
    PgWire& wire = connection_.wire();
    Status going = wire.copy_begin(command);
    if (!going.ok()) return connection_.note(std::move(going).error());
    std::string piece;
    const char* refusal = nullptr;
    for (std::size_t row = begin; row < end && going.ok() && refusal == nullptr; ++row) {
      if (!append_row(piece, row)) refusal = "a text has a zero byte";
      if (piece.size() < copy_piece_bytes && row + 1 < end) continue;
      going = wire.copy_data(piece);
      piece.clear();
    }
    if (!going.ok()) return connection_.note(std::move(going).error());
    Result<std::int64_t> copied = wire.copy_end(refusal);
    if (!copied.ok()) return connection_.note(std::move(copied).error());
    return copied;
  }

  bool append_row(std::string& out, std::size_t row) {
    source_.read_at(row, values_.data());
    for (std::size_t i = 0; i < source_.columns; ++i) {
      if (i > 0) out += '\t';
      append_copied(out, values_[i]);
    }
    out += '\n';
    return check_text({values_.data(), source_.columns}).ok();
  }

  // Pipelined statements. Where rows with faults are left out, each part has a savepoint, and what is before such a row
  // is written again without it.
  Status run_rows(std::size_t begin, std::size_t end) {
    std::size_t size = lenient_ ? pipelined_rows_max / 16 : pipelined_rows_max;
    while (begin < end) {
      if (bad_ && bad_->row == begin) {
        leave_out();
        ++begin;
        continue;
      }
      const std::size_t stop = std::min({end, begin + size, bad_ ? bad_->row : end});
      Status done = try_rows(begin, stop);
      if (done.ok()) {
        begin = stop;
        size = std::min(2 * size, pipelined_rows_max);
      } else if (!lenient_ || !bad_ || done.error().code != Code::constraint) {
        return done;
      } else {
        size = std::max<std::size_t>(size / 2, 1);
      }
    }
    return success();
  }

  void leave_out() {
    ++result_.left_out;
    if (result_.errors.size() < plan_.options.errors_max) result_.errors.push_back(std::move(*bad_));
    bad_.reset();
  }

  // The statement is prepared for each kind of arguments that it meets: NULL or not makes none, a blob does.
  Status try_rows(std::size_t begin, std::size_t end) {
    Status marked = lenient_ ? connection_.run_all({"SAVEPOINT tapewatch_rows"}) : success();
    if (!marked.ok()) return marked;
    std::size_t at = begin;
    std::int64_t written = 0;
    Status done = success();
    while (done.ok() && at < end) {
      const std::size_t from = at;
      done = send_rows(at, end);
      if (done.ok()) done = receive_rows(from, at, written);
    }
    if (done.ok()) {
      result_.written += written;
      result_.left_out += static_cast<std::int64_t>(end - begin) - written;
      return lenient_ ? connection_.run_all({"RELEASE tapewatch_rows"}) : success();
    }
    if (lenient_ && !connection_.broken() && !connection_.repeatable()) {
      Status undone = connection_.run_all({"ROLLBACK TO tapewatch_rows", "RELEASE tapewatch_rows"});
      if (!undone.ok()) return undone;
    }
    return done;
  }

  // From `at` on as many as one statement takes, with the end of their part; moves `at` behind them.
  Status send_rows(std::size_t& at, std::size_t end) {
    source_.read_at(at, values_.data());
    const std::span<const Value> values(values_.data(), source_.columns);
    std::array<bool, row_detail::members_max> blobs{};
    for (std::size_t i = 0; i < values.size(); ++i) blobs[i] = values[i].type == Value::Type::blob;
    Result<const PgConnection::Statement*> statement = connection_.prepare(row_sql_, values);
    if (!statement.ok()) return std::move(statement).error();
    PgWire& wire = connection_.wire();
    Status sent = success();
    const std::size_t begin = at;
    for (; at < end && sent.ok(); ++at) {
      source_.read_at(at, values_.data());
      bool fits = true;
      for (std::size_t i = 0; i < values.size(); ++i) fits = fits && blobs[i] == (values[i].type == Value::Type::blob);
      Status sound = check_text(values);
      if (!sound.ok() && at == begin) return at_row(std::move(sound).error(), at);
      if (!fits || !sound.ok()) break;
      sent = wire.send_prepared(statement.value()->name, values);
    }
    if (sent.ok()) sent = wire.send_sync();
    return sent.ok() ? sent : Status(connection_.note(std::move(sent).error()));
  }

  Status receive_rows(std::size_t begin, std::size_t end, std::int64_t& written) {
    PgWire& wire = connection_.wire();
    Status out = success();
    for (std::size_t row = begin; row < end; ++row) {
      Result<PgReply> reply = wire.receive(nullptr, 0);
      if (reply.ok()) written += reply->changed;
      if (reply.ok() || !out.ok()) continue;
      if (reply.error().code == Code::constraint) bad_ = RowError{row, reply.error()};
      out = at_row(connection_.note(std::move(reply).error()), row);
    }
    Status synced = wire.receive_sync();
    return out.ok() ? synced : out;
  }

  PgConnection& connection_;
  const PgBulkPlan& plan_;
  const RowSource& source_;
  const std::string row_sql_;
  const bool lenient_;
  std::optional<RowError> bad_;  // met, and not left out yet
  std::array<Value, row_detail::members_max> values_{};
  BulkResult result_;
};

}  // namespace

Result<BulkResult> run_bulk(PgConnection& connection, const PgBulkPlan& plan, const RowSource& source) {
  Status sound = check(plan, source);
  if (!sound.ok()) return std::move(sound).error();
  if (source.count == 0) return BulkResult();
  Status opened = connection.begin_now();
  if (opened.ok()) opened = connection.run_all({"SAVEPOINT tapewatch_bulk"});
  if (!opened.ok()) return std::move(opened).error();
  Bulk bulk(connection, plan, source);
  Status done = bulk.run();
  if (connection.broken()) return done.ok() ? Error{Code::network, "the connection is lost"} : std::move(done).error();
  Status closed = done.ok() ? connection.run_all({"RELEASE tapewatch_bulk"})
                            : connection.run_all({"ROLLBACK TO tapewatch_bulk", "RELEASE tapewatch_bulk"});
  if (!done.ok()) return std::move(done).error();
  if (!closed.ok()) return std::move(closed).error();
  return bulk.take();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/row_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "storage/postgres/arguments.h"
#include "storage/postgres/placeholders.h"

namespace tapewatch {
namespace {

constexpr std::size_t fetch_rows_first = 64;
constexpr std::size_t fetch_rows_max = 65536;

std::int64_t age_of(const StreamOptions& options, const PgStore::Options& store) {
  return std::chrono::nanoseconds(options.age_max.count() > 0 ? options.age_max : store.read_age_max).count();
}

}  // namespace

Value PgRowStream::State::Kept::view() const {
  Value out = value;
  if (value.type == Value::Type::text || value.type == Value::Type::blob) out.bytes = bytes;
  return out;
}

PgRowStream::State::State(PgStore::State& store, const std::string& sql, std::span<const Value> arguments,
                          const StreamOptions& options)
    : store_(store),
      sql_("DECLARE tapewatch_stream NO SCROLL CURSOR FOR " + numbered_placeholders(sql)),
      options_(options),
      age_max_ns_(age_of(options, store.options())) {
  for (const Value& argument : arguments) arguments_.push_back(keep(argument));
  const std::size_t keys = static_cast<std::size_t>(std::max(options.key_columns, 0));
  if (keys > arguments_.size())
    failed_ = Error{Code::invalid, "a stream's last arguments are the key it begins behind"};
}

bool PgRowStream::State::old() const { return store_.clock().steady_ns() - since_ns_ > age_max_ns_; }

Status PgRowStream::State::open() {
  Result<PgPool::Lease> lease = store_.streams().take(0, &stop_token_, false);
  if (!lease.ok()) return std::move(lease).error();
  lease_.emplace(std::move(lease).value());
  store_.counts().streams_open.fetch_add(1, std::memory_order_relaxed);
  since_ns_ = store_.clock().steady_ns();
  asked_ = fetch_rows_first;
  in_answer_ = last_ = false;
  Status declared = declare();
  if (declared.ok()) snapshots_.fetch_add(1, std::memory_order_relaxed);
  return declared;
}

// In one round trip. The limit of a statement is that of a snapshot; nobody there for as long ends it too.
Status PgRowStream::State::declare() {
  std::vector<Value> views;
  for (const Kept& argument : arguments_) views.push_back(argument.view());
  Status sound = check_text(views);
  if (!sound.ok()) return sound;
  PgConnection& connection = **lease_;
  PgWire& wire = connection.wire();
  wire.set_limit(since_ns_ + 2 * age_max_ns_, &stop_token_);
  connection.begin();
  int answers = 1;
  Status sent = connection.send_begin(answers);
  const std::string age_ms = std::to_string(std::max<std::int64_t>(age_max_ns_ / ns_per_ms, 1));
  if (sent.ok()) sent = wire.send("SET LOCAL idle_in_transaction_session_timeout TO " + age_ms);
  if (sent.ok()) sent = wire.send(sql_, views);
  if (sent.ok()) sent = wire.send_sync();
  if (!sent.ok()) return sent;
  std::optional<Error> failed;
  for (int i = 0; i <= answers; ++i) {
    Result<PgReply> reply = wire.receive(nullptr, 0);
    if (!reply.ok() && !failed) failed = connection.note(std::move(reply).error());
  }
  Status synced = wire.receive_sync();
  return failed ? Status(*failed) : synced;
}

void PgRowStream::State::let_go() {
  rows_.reset();
  buffer_.reset();
  on_row_ = false;
  if (!lease_) return;
  PgWire& wire = (*lease_)->wire();
  if (in_answer_) static_cast<void>(wire.give_up(Error{Code::cancelled, ""}));
  in_answer_ = false;
  (*lease_)->rollback();
  lease_.reset();
  store_.counts().streams_open.fetch_sub(1, std::memory_order_relaxed);
}

// Where it stands, as the arguments of the next cursor.
void PgRowStream::State::remember() {
  const auto keys = static_cast<std::size_t>(options_.key_columns);
  for (std::size_t i = 0; on_row_ && i < keys; ++i)
    arguments_[arguments_.size() - keys + i] = keep(rows_->value(static_cast<int>(i)));
}

Status PgRowStream::State::receive() {
  buffer_ = std::make_shared<PgRowBuffer>();
  const std::size_t bytes_max = 2 * std::max<std::size_t>(store_.options().stream_fetch_bytes, 1);
  Result<PgReply> reply = (*lease_)->wire().receive(buffer_.get(), bytes_max);
  if (!reply.ok()) return (*lease_)->note(std::move(reply).error());
  in_answer_ = reply->more;
  received_ += buffer_->rows();
  if (buffer_->rows() > 0) widest_ = std::max(widest_, buffer_->bytes() / buffer_->rows());
  if (!in_answer_) {
    last_ = received_ < asked_;
    Status synced = (*lease_)->wire().receive_sync();
    if (!synced.ok()) return synced;
  }
  rows_.emplace(buffer_);
  return success();
}

// The next rows, of a cursor that is open or of what is left of an answer.
Status PgRowStream::State::fetch() {
  if (!lease_) {
    Status opened = open();
    if (!opened.ok()) return opened;
  }
  if (in_answer_) return receive();
  if (widest_ > 0) {
    const std::size_t fitting = std::max<std::size_t>(store_.options().stream_fetch_bytes / widest_, 1);
    asked_ = std::min({fitting, 8 * asked_, fetch_rows_max});
  }
  received_ = 0;
  PgWire& wire = (*lease_)->wire();
  Status sent = wire.send("FETCH FORWARD " + std::to_string(asked_) + " FROM tapewatch_stream");
  if (sent.ok()) sent = wire.send_sync();
  return sent.ok() ? receive() : Status((*lease_)->note(std::move(sent).error()));
}

// The same, with a new snapshot when the old one has had its time or is gone, if there is a key to go on from.
Status PgRowStream::State::fetch_again() {
  remember();
  const bool whole = rows_.has_value() && !in_answer_;
  if (lease_ && whole && old()) let_go();
  for (int attempts = 0;; ++attempts) {
    if (attempts == 0 && !lease_ && snapshots() > 0 && options_.key_columns == 0)
      return Error{Code::timeout, "the stream's snapshot is older than its limit, and it has no key to go on from"};
    Status fetched = fetch();
    if (fetched.ok()) return fetched;
    const bool gone = fetched.error().code == Code::network || (lease_ && (*lease_)->repeatable());
    const bool expired = fetched.error().code == Code::timeout && old();
    let_go();
    if (stop_.stop_requested()) return Error{Code::cancelled, "the stream was cancelled"};
    if (options_.key_columns == 0 || !(gone || expired) || attempts >= store_.options().retries_max) return fetched;
    store_.counts().retries.fetch_add(1, std::memory_order_relaxed);
    store_.streams().pause(store_.options().retry_wait_first * (1 << std::min(attempts, 6)));
  }
}

Result<bool> PgRowStream::State::walk(const std::function<bool(const PgRows&)>& visit) {
  for (;;) {
    if (rows_ && rows_->step() == PgRows::Step::row) {
      on_row_ = true;
      if (!visit(*rows_)) return true;
      continue;
    }
    if (rows_ && last_ && !in_answer_) return false;
    Status fetched = fetch_again();
    if (!fetched.ok()) return std::move(fetched).error();
  }
}

Result<bool> PgRowStream::State::run(const std::function<bool(const PgRows&)>& visit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failed_ && stop_.stop_requested()) failed_ = Error{Code::cancelled, "the stream was cancelled"};
  if (failed_) {
    let_go();
    return *failed_;
  }
  if (last_ && !rows_) return false;
  Result<bool> more = walk(visit);
  if (!more.ok()) failed_ = more.error();
  if (!more.ok() || !more.value()) let_go();
  return more;
}

// The public face.

PgRowStream::PgRowStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
PgRowStream::~PgRowStream() {
  if (state_ != nullptr) state_->cancel();
}
PgRowStream::PgRowStream(PgRowStream&&) noexcept = default;
PgRowStream& PgRowStream::operator=(PgRowStream&&) noexcept = default;

Result<bool> PgRowStream::run(const std::function<bool(const PgRows&)>& visit) { return state_->run(visit); }

void PgRowStream::run_async(std::function<bool(const PgRows&)> visit, std::function<void(Result<bool>)> done,
                            CallOptions options) {
  const auto more = std::make_shared<bool>(false);
  auto work = [state = state_, visit = std::move(visit), more]() -> Status {
    Result<bool> result = state->run(visit);
    if (!result.ok()) return std::move(result).error();
    *more = result.value();
    return success();
  };
  const auto answered = [more, done = std::move(done)](Status status) {
    done(status.ok() ? Result<bool>(*more) : Result<bool>(std::move(status).error()));
  };
  Status queued = state_->store().submit_own(std::move(work), answered, std::move(options));
  if (!queued.ok()) answered(std::move(queued));
}

void PgRowStream::cancel() { state_->cancel(); }
std::int64_t PgRowStream::snapshots() const { return state_->snapshots(); }

}  // namespace tapewatch

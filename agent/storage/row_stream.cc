// SPDX-License-Identifier: Apache-2.0
#include "storage/row_stream.h"

#include <utility>

namespace tapewatch {
namespace {

constexpr int rows_between_looks_at_the_clock = 256;

}  // namespace

KeptValue keep(const Value& value) { return KeptValue{value, std::string(value.bytes)}; }

Status RowStream::State::open() {
  Result<ReaderPool::Lease> lease = readers_.take();
  if (!lease.ok()) return std::move(lease).error();
  lease_.emplace(std::move(lease).value());
  Database& database = lease_->database();
  since_ns_ = clock_.steady_ns();
  // One long step (a sort) may take as long again as a snapshot; then it cannot be continued anyway.
  database.set_deadline(clock_, since_ns_ + 2 * age_max_ns());
  database.limit_call(0, &stop_token_);
  Status begun = database.exec("BEGIN");
  if (!begun.ok()) return begun;
  std::vector<Value> views;
  for (const KeptValue& argument : arguments_) views.push_back(argument.view());
  Result<Rows> rows = database.query(sql_, views.data(), views.size());
  if (!rows.ok()) return std::move(rows).error();
  rows_.emplace(std::move(rows).value());
  ++snapshots_;
  return success();
}

void RowStream::State::let_go() {
  rows_.reset();
  on_row_ = false;
  since_ns_ = 0;
  if (!lease_) return;
  lease_->database().rollback();
  lease_->database().limit_call(0, nullptr);
  lease_.reset();
}

// Remembers where it stands and lets go of the snapshot.
Status RowStream::State::go_on_later() {
  const auto keys = static_cast<std::size_t>(options_.key_columns);
  if (keys == 0) {
    let_go();
    return Error{Code::timeout, "the stream's snapshot is older than its limit, and it has no key to go on from"};
  }
  for (std::size_t i = 0; on_row_ && i < keys; ++i)
    arguments_[arguments_.size() - keys + i] = keep(rows_->value(static_cast<int>(i)));
  let_go();
  return success();
}

Result<bool> RowStream::State::run(const std::function<bool(const Rows&)>& visit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stop_.stop_requested()) {
    let_go();
    return Error{Code::cancelled, "the stream was cancelled"};
  }
  if (failed_) return *failed_;
  if (ended_) return false;
  Result<bool> more = step_rows(visit);
  if (!more.ok()) {
    failed_ = more.error();
    let_go();
  } else if (!more.value()) {
    ended_ = true;
    let_go();
  }
  return more;
}

Result<bool> RowStream::State::step_rows(const std::function<bool(const Rows&)>& visit) {
  for (int steps = 0;; ++steps) {
    if (rows_ && steps % rows_between_looks_at_the_clock == 0 && clock_.steady_ns() - since_ns_ > age_max_ns()) {
      Status kept = go_on_later();
      if (!kept.ok()) return std::move(kept).error();
    }
    if (!rows_) {
      Status opened = open();
      if (!opened.ok()) return std::move(opened).error();
    }
    const Rows::Step step = rows_->step();
    if (step == Rows::Step::failed) return rows_->failure();
    if (step == Rows::Step::end) return false;
    on_row_ = true;
    if (!visit(*rows_)) return true;
  }
}

void RowStream::State::expire(std::int64_t now_ns, bool pressed) {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || !rows_) return;
  const bool old = now_ns - since_ns_ > age_max_ns();
  if (!old && !(pressed && options_.key_columns > 0)) return;
  const Status kept = go_on_later();
  if (!kept.ok()) failed_ = kept.error();
}

void Streams::add(const std::shared_ptr<RowStream::State>& stream) {
  MutexLock lock(mutex_);
  std::erase_if(streams_, [](const auto& each) { return each.expired(); });
  streams_.push_back(stream);
  any_ = true;
}

std::vector<std::shared_ptr<RowStream::State>> Streams::alive() const {
  std::vector<std::shared_ptr<RowStream::State>> out;
  MutexLock lock(mutex_);
  for (const auto& each : streams_) {
    if (std::shared_ptr<RowStream::State> stream = each.lock()) out.push_back(std::move(stream));
  }
  return out;
}

void Streams::expire(std::int64_t now_ns, bool pressed) {
  if (!any_) return;
  for (const auto& stream : alive()) stream->expire(now_ns, pressed);
}

std::int64_t Streams::open() const {
  std::int64_t out = 0;
  for (const auto& stream : alive()) out += stream->since_ns() != 0 ? 1 : 0;
  return out;
}

// The public face.

RowStream::RowStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
RowStream::~RowStream() {
  if (state_ != nullptr) state_->cancel();
}
RowStream::RowStream(RowStream&&) noexcept = default;
RowStream& RowStream::operator=(RowStream&&) noexcept = default;

Result<bool> RowStream::run(const std::function<bool(const Rows&)>& visit) { return state_->run(visit); }

void RowStream::run_async(std::function<bool(const Rows&)> visit, std::function<void(Result<bool>)> done,
                          CallOptions options) {
  const auto more = std::make_shared<bool>(false);
  const auto work = [state = state_, visit = std::move(visit), more]() -> Status {
    Result<bool> result = state->run(visit);
    if (!result.ok()) return std::move(result).error();
    *more = result.value();
    return success();
  };
  const auto answered = [more, done = std::move(done)](Status status) {
    done(status.ok() ? Result<bool>(*more) : Result<bool>(std::move(status).error()));
  };
  state_->submit()(work, answered, std::move(options));
}

void RowStream::cancel() { state_->cancel(); }
std::int64_t RowStream::snapshots() const { return state_->snapshots(); }

}  // namespace tapewatch

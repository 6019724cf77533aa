// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/pool.h"

#include <algorithm>
#include <utility>

namespace tapewatch {

Status PgPool::wait_for_place(bool bound) {
  const std::int64_t until_ns = clock_.steady_ns() + std::chrono::nanoseconds(wait_max_).count();
  const std::thread::id self = std::this_thread::get_id();
  MutexLock lock(mutex_);
  if (bound && bound_since_ns_.contains(self))
    return Error{Code::invalid, "this thread is inside a closure of the store already"};
  while (!closing_ && lent_ >= connections_max_) {
    const std::int64_t left_ns = until_ns - clock_.steady_ns();
    if (left_ns <= 0) {
      counts_->refused.fetch_add(1, std::memory_order_relaxed);
      return Error{Code::busy, "no connection became free within " + std::to_string(wait_max_.count()) + " ms"};
    }
    freed_.wait_for(mutex_, std::chrono::nanoseconds(left_ns));
  }
  if (closing_) return Error{Code::closed, "the store is closing"};
  ++lent_;
  if (bound) bound_since_ns_.emplace(self, clock_.steady_ns());
  return success();
}

std::unique_ptr<PgConnection> PgPool::idle() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<PgConnection> out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

Result<PgPool::Lease> PgPool::take(std::int64_t deadline_ns, const std::stop_token* stop, bool bound) {
  Status placed = wait_for_place(bound);
  if (!placed.ok()) return std::move(placed).error();
  std::unique_ptr<PgConnection> connection = idle();
  while (connection != nullptr && !connection->ready()) connection = idle();
  if (connection == nullptr) {
    Result<std::unique_ptr<PgConnection>> made = PgConnection::connect(options_, clock_, counts_);
    if (!made.ok()) {
      leave();
      return std::move(made).error();
    }
    connection = std::move(made).value();
  }
  const std::int64_t now_ns = clock_.steady_ns();
  std::int64_t until_ns = now_ns + std::chrono::nanoseconds(options_.age_max).count();
  const bool sooner = deadline_ns > 0 && deadline_ns < until_ns;
  if (sooner) until_ns = deadline_ns;
  connection->wire().set_limit(until_ns, stop);
  connection->limit_statements(sooner ? until_ns - now_ns : 0);
  return Lease(*this, std::move(connection));
}

void PgPool::leave() {
  MutexLock lock(mutex_);
  --lent_;
  bound_since_ns_.erase(std::this_thread::get_id());
  freed_.notify_one();
}

// A connection of a stream comes back on whatever thread, which then has no bound one: streams have their own pool.
void PgPool::give_back(std::unique_ptr<PgConnection> connection) {
  const bool lost = connection->broken() && connection->wire().fault() == PgFault::lost;
  std::vector<std::unique_ptr<PgConnection>> unsure;  // closed outside of the lock
  if (!connection->broken()) connection->wire().set_limit(0, nullptr);
  {
    MutexLock lock(mutex_);
    if (lost) unsure.swap(idle_);
    if (!connection->broken() && !closing_) idle_.push_back(std::move(connection));
  }
  leave();
}

void PgPool::pause(std::chrono::nanoseconds wait) {
  const std::int64_t until_ns = clock_.steady_ns() + wait.count();
  MutexLock lock(mutex_);
  for (;;) {
    const std::int64_t left_ns = until_ns - clock_.steady_ns();
    if (closing_ || left_ns <= 0) return;
    closed_.wait_for(mutex_, std::chrono::nanoseconds(left_ns));
  }
}

void PgPool::close() {
  MutexLock lock(mutex_);
  closing_ = true;
  freed_.notify_all();
  closed_.notify_all();
}

std::int64_t PgPool::oldest_lease_ns() const {
  MutexLock lock(mutex_);
  std::int64_t out = 0;
  for (const auto& [thread, since_ns] : bound_since_ns_) out = std::max(out, clock_.steady_ns() - since_ns);
  return out;
}

}  // namespace tapewatch

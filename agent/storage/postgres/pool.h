// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgPool: connections of one use, opened when first needed, at most so many. A lease belongs to one thread and has a
// deadline; waiting for a free connection has one too. A connection is not tested with a query when it is lent: whether
// the server hung up is seen without asking it, and when one breaks, the idle ones are let go as well. Thread: any.

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/postgres/connection.h"

namespace tapewatch {

class PgPool final {
 public:
  PgPool(PgConnection::Options connection, int connections_max, std::chrono::milliseconds wait_max, const Clock& clock,
         std::shared_ptr<PgCounts> counts)
      : options_(std::move(connection)),
        connections_max_(connections_max),
        wait_max_(wait_max),
        clock_(clock),
        counts_(std::move(counts)) {}

  class Lease final {
   public:
    Lease(PgPool& pool, std::unique_ptr<PgConnection> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->give_back(std::move(connection_));
    }
    PgConnection& operator*() const { return *connection_; }
    PgConnection* operator->() const { return connection_.get(); }

   private:
    PgPool* pool_;
    std::unique_ptr<PgConnection> connection_;
  };

  // Its deadline is the age that the options allow, or `deadline_ns` if that comes before it (0: none).
  // Code::busy when none became free in time, Code::network when none could be made, Code::closed. With `bound`, the
  // lease is this thread's, which may have one (Code::invalid): a second would wait for the first without end.
  [[nodiscard]] Result<Lease> take(std::int64_t deadline_ns, const std::stop_token* stop, bool bound = true)
      EXCLUDES(mutex_);
  // Waits that long unless the pool is closed: before a repetition.
  void pause(std::chrono::nanoseconds wait) EXCLUDES(mutex_);
  // Whoever waits, and whoever asks from now on, gets Code::closed.
  void close() EXCLUDES(mutex_);
  [[nodiscard]] std::int64_t oldest_lease_ns() const EXCLUDES(mutex_);
  [[nodiscard]] const PgConnection::Options& options() const { return options_; }

 private:
  [[nodiscard]] Status wait_for_place(bool bound) EXCLUDES(mutex_);
  [[nodiscard]] std::unique_ptr<PgConnection> idle() EXCLUDES(mutex_);
  void give_back(std::unique_ptr<PgConnection> connection) EXCLUDES(mutex_);
  void leave() EXCLUDES(mutex_);

  const PgConnection::Options options_;
  const int connections_max_;
  const std::chrono::milliseconds wait_max_;
  const Clock& clock_;
  const std::shared_ptr<PgCounts> counts_;
  mutable Mutex mutex_;
  Condition freed_;
  Condition closed_;
  bool closing_ GUARDED_BY(mutex_) = false;
  int lent_ GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<PgConnection>> idle_ GUARDED_BY(mutex_);
  std::map<std::thread::id, std::int64_t> bound_since_ns_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

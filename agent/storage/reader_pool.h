// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReaderPool: read-only connections of one database, opened when first needed, at most so many. A lease belongs to one
// thread and has a maximum age, after which its next step fails; waiting for a free one has a deadline. Thread: any.

#include <chrono>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/database.h"

namespace tapewatch {

class ReaderPool final {
 public:
  struct Counts {
    std::int64_t reads = 0;
    std::int64_t refused = 0;
    std::int64_t expired = 0;
    std::int64_t open = 0;
    std::int64_t oldest_age_ns = 0;
  };

  ReaderPool(Database::Options database, int readers_max, std::chrono::milliseconds wait_max,
             std::chrono::milliseconds age_max, const Clock& clock)
      : options_(std::move(database)),
        readers_max_(readers_max),
        wait_max_(wait_max),
        age_max_(age_max),
        clock_(clock) {}

  class Lease final {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Database> database, std::int64_t since_ns)
        : pool_(&pool), database_(std::move(database)), since_ns_(since_ns) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (database_ != nullptr) pool_->give_back(std::move(database_), since_ns_);
    }
    Database& database() { return *database_; }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Database> database_;
    std::int64_t since_ns_;
  };

  // Code::busy when none became free in time.
  [[nodiscard]] Result<Lease> take() EXCLUDES(mutex_);
  [[nodiscard]] Counts counts() const EXCLUDES(mutex_);

  // Nobody gets a connection any more, and those in use come back: true when all have within `wait`. Until resume().
  [[nodiscard]] bool quiet(std::chrono::milliseconds wait) EXCLUDES(mutex_);
  void resume() EXCLUDES(mutex_);

 private:
  void give_back(std::unique_ptr<Database> database, std::int64_t since_ns) EXCLUDES(mutex_);

  const Database::Options options_;
  const int readers_max_;
  const std::chrono::milliseconds wait_max_;
  const std::chrono::milliseconds age_max_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Condition freed_;
  Condition returned_;
  bool paused_ GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Database>> idle_ GUARDED_BY(mutex_);
  std::vector<std::int64_t> leased_since_ns_ GUARDED_BY(mutex_);
  Counts counts_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

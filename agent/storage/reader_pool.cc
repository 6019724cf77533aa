// SPDX-License-Identifier: Apache-2.0
#include "storage/reader_pool.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {

Result<ReaderPool::Lease> ReaderPool::take() {
  std::unique_ptr<Database> database;
  const std::int64_t deadline_ns = clock_.steady_ns() + std::chrono::nanoseconds(wait_max_).count();
  std::int64_t now_ns = 0;
  {
    MutexLock lock(mutex_);
    for (;;) {
      now_ns = clock_.steady_ns();
      if (!paused_ && !idle_.empty()) {
        database = std::move(idle_.back());
        idle_.pop_back();
        break;
      }
      if (!paused_ && leased_since_ns_.size() < static_cast<std::size_t>(readers_max_)) break;
      if (now_ns >= deadline_ns) {
        ++counts_.refused;
        return Error{Code::busy, "no reader became free in " + std::to_string(wait_max_.count()) + " ms"};
      }
      freed_.wait_for(mutex_, std::chrono::nanoseconds(deadline_ns - now_ns));
    }
    leased_since_ns_.push_back(now_ns);
    ++counts_.reads;
  }
  if (database == nullptr) {
    Result<std::unique_ptr<Database>> opened = Database::open(options_);
    if (!opened.ok()) {
      give_back(nullptr, now_ns);
      return std::move(opened).error();
    }
    database = std::move(opened).value();
  }
  if (age_max_.count() > 0) database->set_deadline(clock_, now_ns + std::chrono::nanoseconds(age_max_).count());
  return Lease(*this, std::move(database), now_ns);
}

void ReaderPool::give_back(std::unique_ptr<Database> database, std::int64_t since_ns) {
  const bool expired = database != nullptr && database->expired();
  if (database != nullptr) database->set_deadline(clock_, 0);
  MutexLock lock(mutex_);
  const auto mine = std::find(leased_since_ns_.begin(), leased_since_ns_.end(), since_ns);
  CHECK(mine != leased_since_ns_.end());
  leased_since_ns_.erase(mine);
  if (expired) ++counts_.expired;
  if (database != nullptr) idle_.push_back(std::move(database));
  freed_.notify_one();
  if (paused_) returned_.notify_one();
}

bool ReaderPool::quiet(std::chrono::milliseconds wait) {
  const std::int64_t deadline_ns = clock_.steady_ns() + std::chrono::nanoseconds(wait).count();
  MutexLock lock(mutex_);
  paused_ = true;
  for (;;) {
    const std::int64_t left_ns = deadline_ns - clock_.steady_ns();
    if (leased_since_ns_.empty() || left_ns <= 0) return leased_since_ns_.empty();
    returned_.wait_for(mutex_, std::chrono::nanoseconds(left_ns));
  }
}

void ReaderPool::resume() {
  MutexLock lock(mutex_);
  paused_ = false;
  freed_.notify_all();
}

ReaderPool::Counts ReaderPool::counts() const {
  MutexLock lock(mutex_);
  Counts counts = counts_;
  counts.open = static_cast<std::int64_t>(idle_.size() + leased_since_ns_.size());
  for (const std::int64_t since_ns : leased_since_ns_)
    counts.oldest_age_ns = std::max(counts.oldest_age_ns, clock_.steady_ns() - since_ns);
  return counts;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/read_calls.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace tapewatch {

Status call_read(const Store::ReadJob& job, Reader& reader) {
  try {
    return job(reader);
  } catch (const std::exception& e) {
    return Error{Code::internal, std::string("a read threw: ") + e.what()};
  } catch (...) {
    return Error{Code::internal, "a read threw"};
  }
}

void ReadCalls::close() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  std::deque<ReadCall> left;
  {
    MutexLock lock(mutex_);
    left.swap(queue_);
  }
  for (const ReadCall& each : left) each.call->give_up(Error{Code::closed, "the store is closing"});
}

Status ReadCalls::submit(ReadCall call) {
  MutexLock lock(mutex_);
  if (stopping_) return Error{Code::closed, "the store is closing"};
  const std::size_t bytes = call.call->options().bytes;
  if (queue_.size() >= options_.queue_jobs_max || queue_bytes_ + bytes > options_.queue_bytes_max) {
    ++counts_.refused;
    return Error{Code::queue_full, std::to_string(queue_.size()) + " reads wait already"};
  }
  queue_bytes_ += bytes;
  queue_.push_back(std::move(call));
  if (idle_ == 0 && threads_.size() < static_cast<std::size_t>(std::max(options_.call_threads, 1)))
    threads_.emplace_back([this] { run(); });
  else if (queue_.size() == 1)
    wake_.notify_one();
  return success();
}

ReadCalls::Counts ReadCalls::counts() const {
  MutexLock lock(mutex_);
  Counts out = counts_;
  out.waiting = static_cast<std::int64_t>(queue_.size());
  return out;
}

void ReadCalls::run() {
  for (;;) {
    std::vector<ReadCall> group;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      --idle_;
      if (stopping_) return;
      // A fair part of what waits, so that the other threads have something to do.
      const std::size_t share = (queue_.size() + threads_.size() - 1) / threads_.size();
      for (std::size_t n = std::min(share, options_.group_reads_max); n > 0; --n) {
        queue_bytes_ -= queue_.front().call->options().bytes;
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      if (!queue_.empty()) wake_.notify_one();
      ++counts_.groups;
    }
    run_group(group);
  }
}

void ReadCalls::run_group(std::vector<ReadCall>& group) {
  std::optional<Result<ReaderPool::Lease>> lease;
  for (ReadCall& each : group) {
    if (!each.call->claim()) continue;
    const std::int64_t deadline_ns = each.call->deadline_ns();
    if (deadline_ns > 0 && clock_.steady_ns() >= deadline_ns) {
      each.call->answer(Error{Code::timeout, "the call waited longer than its limit"});
      continue;
    }
    if (each.own) {
      each.call->answer(each.own());
      continue;
    }
    if (!lease) {
      lease.emplace(readers_.take());
      if (lease->ok()) {
        const Status begun = (*lease)->database().exec("BEGIN");
        if (!begun.ok()) lease.emplace(begun.error());
      }
    }
    each.call->answer(lease->ok() ? run_one(each, (*lease)->database(), deadline_ns) : Status(lease->error()));
    each = ReadCall();
  }
  if (!lease || !lease->ok()) return;
  Database& database = (*lease)->database();
  if (!database.exec("COMMIT").ok()) database.rollback();  // COMMIT is prepared already
}

Status ReadCalls::run_one(ReadCall& call, Database& database, std::int64_t deadline_ns) {
  const std::stop_token& stop = call.call->options().stop;
  const bool limited = deadline_ns > 0 || stop.stop_possible();
  if (limited) database.limit_call(deadline_ns, &stop);
  Reader reader(database);
  Status out = call_read(call.read, reader);
  if (limited) database.limit_call(0, nullptr);
  return out;
}

}  // namespace tapewatch

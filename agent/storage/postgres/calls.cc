// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/calls.h"

#include <algorithm>
#include <utility>

namespace tapewatch {

void PgCalls::close(bool run_rest) {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    run_rest_ = run_rest;
    wake_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  std::deque<PgCall> left;
  {
    MutexLock lock(mutex_);
    left.swap(queue_);
  }
  for (const PgCall& each : left) each.call->give_up(Error{Code::closed, "the store is closing"});
}

Status PgCalls::submit(PgCall call) {
  MutexLock lock(mutex_);
  if (stopping_) return Error{Code::closed, "the store is closing"};
  const std::size_t bytes = call.call->options().bytes;
  if (queue_.size() >= options_.jobs_max || queue_bytes_ + bytes > options_.bytes_max) {
    ++counts_.refused;
    return Error{Code::queue_full, std::to_string(queue_.size()) + " calls wait already"};
  }
  queue_bytes_ += bytes;
  queue_.push_back(std::move(call));
  if (idle_ == 0 && threads_.size() < static_cast<std::size_t>(std::max(options_.threads, 1)))
    threads_.emplace_back([this] { run(); });
  else
    wake_.notify_one();
  return success();
}

PgCalls::Counts PgCalls::counts() const {
  MutexLock lock(mutex_);
  Counts out = counts_;
  out.waiting = static_cast<std::int64_t>(queue_.size());
  return out;
}

// One closure, or a fair part of the statements in front, all of one durability.
std::vector<PgCall> PgCalls::take_group() {
  std::vector<PgCall> out;
  const std::size_t share = (queue_.size() + threads_.size()) / std::max<std::size_t>(threads_.size(), 1);
  const std::size_t most = std::clamp<std::size_t>(share, 1, std::max<std::size_t>(options_.group_max, 1));
  while (!queue_.empty() && out.size() < most) {
    const PgCall& next = queue_.front();
    const bool alone = next.statement == nullptr;
    if (!out.empty() && (alone || next.call->options().durability != out.front().call->options().durability)) break;
    queue_bytes_ -= next.call->options().bytes;
    out.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (alone) break;
  }
  if (out.front().statement != nullptr) ++counts_.groups;
  return out;
}

void PgCalls::run() {
  for (;;) {
    std::vector<PgCall> group;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      --idle_;
      if (stopping_ && (!run_rest_ || queue_.empty())) return;
      group = take_group();
      if (!queue_.empty()) wake_.notify_one();
    }
    if (group.front().statement == nullptr) {
      run_alone(group.front());
      continue;
    }
    std::erase_if(group, [this](const PgCall& each) { return !claim(each); });
    if (!group.empty()) pipeline_(std::move(group));
  }
}

// False when somebody else answered it, or its time is over.
bool PgCalls::claim(const PgCall& call) const {
  if (!call.call->claim()) return false;
  const std::int64_t deadline_ns = call.call->deadline_ns();
  if (deadline_ns == 0 || clock_.steady_ns() < deadline_ns) return true;
  call.call->answer(Error{Code::timeout, "the call waited longer than its limit"});
  return false;
}

void PgCalls::run_alone(const PgCall& call) const {
  if (!claim(call)) return;
  call.call->answer(call.run(call.call->deadline_ns(), &call.call->options().stop));
}

}  // namespace tapewatch

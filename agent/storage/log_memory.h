// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogMemory: what the writer thread and the readers of a log store share: the newest blocks (committed or not), the
// list of segments, and the counters. A reader takes a LogView, a consistent picture, and needs no lock from there on:
// blocks only grow behind what was published. Thread: any.

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "storage/memory_block.h"
#include "storage/segment.h"

namespace tapewatch {

struct BlockView {
  std::shared_ptr<const MemoryBlock> block;
  std::size_t records = 0;
  bool sealed = false;
};

// Blocks and segments, oldest first. What is older than the first block is in the segments, committed.
struct LogView {
  std::vector<BlockView> blocks;
  std::vector<std::shared_ptr<Segment>> segments;
  std::int64_t next_sequence = 1;
};

struct LogCounters {
  std::atomic<std::int64_t> records{0};
  std::atomic<std::int64_t> record_bytes{0};
  std::atomic<std::int64_t> duplicates{0};
  std::atomic<std::int64_t> oversized{0};
  std::atomic<std::int64_t> commits{0};
  std::atomic<std::int64_t> commit_failures{0};
  std::atomic<std::int64_t> blocks{0};
  std::atomic<std::int64_t> pending_bytes{0};
  std::atomic<std::int64_t> removed_by_size{0};
  std::atomic<std::int64_t> removed_by_age{0};
  std::atomic<std::int64_t> removed_full_disk{0};
  std::atomic<std::int64_t> quarantined{0};
  std::atomic<std::int64_t> damaged_blocks{0};
  std::atomic<std::int64_t> searches{0};
  std::atomic<std::int64_t> searches_refused{0};
  std::atomic<std::int64_t> sources{0};
};

class LogMemory final {
 public:
  [[nodiscard]] LogView view() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return view_;
  }
  // Writer thread: shows readers how far the blocks go now.
  void publish(std::vector<BlockView> blocks, std::int64_t next_sequence) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    view_.blocks = std::move(blocks);
    view_.next_sequence = next_sequence;
  }
  void publish_segments(std::vector<std::shared_ptr<Segment>> segments) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    view_.segments = std::move(segments);
  }
  [[nodiscard]] std::int64_t next_sequence() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return view_.next_sequence;
  }
  void set_last_error(std::string error) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    last_error_ = std::move(error);
  }
  [[nodiscard]] std::string last_error() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return last_error_;
  }

  LogCounters counters;

 private:
  mutable Mutex mutex_;
  LogView view_ GUARDED_BY(mutex_);
  std::string last_error_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

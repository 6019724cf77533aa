// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogWriter: takes batches into the open block, commits blocks and positions together, starts new segments, removes old
// ones and moves damaged ones aside. Has no thread and no lock of its own. Thread: the log store's writer thread.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "storage/log_memory.h"
#include "storage/memory_block.h"
#include "storage/segment.h"
#include "tapewatch/log_store.h"

namespace tapewatch {

class LogWriter final {
 public:
  LogWriter(const LogStore::Options& options, const Clock& clock, Log& log, LogMemory& memory);

  // Looks through the folder; moves aside what is damaged.
  [[nodiscard]] Status open();
  [[nodiscard]] const KeptPositions& positions() const { return committed_; }

  // Makes the batch searchable; its `done` waits for the next commit.
  void take_in(const LogBatch& batch, LogStore::Done done);
  [[nodiscard]] bool dirty() const { return dirty_; }
  [[nodiscard]] std::size_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] std::int64_t dirty_since_ns() const { return dirty_since_ns_; }
  // Commits everything taken in and answers the waiting batches; takes it all back when that fails.
  Status commit();
  // Retention, age of the segment, files to be sealed or moved aside. Between commits.
  void maintain();
  // Commits; the newest segment goes on at the next start.
  void close();

 private:
  struct OpenBlock {
    std::shared_ptr<MemoryBlock> block;
    std::size_t committed = 0;  // records of it that are on disk
    bool sealed = false;
    bool finished = false;  // the segment knows that it will not change any more
  };

  void add_record(const LogRecord& record, std::string_view document);
  void start_block(std::size_t document_bytes);
  void seal_block();
  void note_position(std::uint64_t file, std::uint64_t end);
  void publish();
  void publish_segments();

  [[nodiscard]] bool nothing_to_write() const;
  [[nodiscard]] Status try_commit();
  [[nodiscard]] Status write_transaction();
  [[nodiscard]] Status write_block(const OpenBlock& open);
  [[nodiscard]] Status ensure_segment();
  [[nodiscard]] std::string uncommitted_text() const;
  void finish_commit();
  void take_back();
  [[nodiscard]] bool answer_failure(const Status& failed);
  void forget_old_blocks();

  void close_segment();
  void remove_oldest(std::atomic<std::int64_t>& counter, std::string_view reason);
  void apply_retention();
  // The caller holds `segment`: its writer may go, and it leaves segments_.
  void quarantine(const std::shared_ptr<Segment>& segment);
  void adopt(const std::string& name);
  [[nodiscard]] std::int64_t disk_bytes() const;
  void trim_positions();

  const LogStore::Options& options_;
  const Clock& clock_;
  Log& log_;
  LogMemory& memory_;

  std::vector<std::shared_ptr<Segment>> segments_;  // oldest first; the last one may be live
  std::unique_ptr<SegmentWriter> live_;
  std::int64_t live_since_ns_ = 0;                       // steady
  std::vector<std::unique_ptr<SegmentWriter>> sealing_;  // a reader was in the way

  std::deque<OpenBlock> blocks_;  // the last one is open; older ones are kept for live reading
  TokenFilter filter_;            // of the open block
  std::string scratch_;
  Compressor compressor_;  // of bodies, with the dictionary of live_
  Compressor heads_compressor_;
  std::int64_t next_sequence_ = 1;

  KeptPositions applied_;    // of what was taken in
  KeptPositions committed_;  // of what is on disk
  std::vector<std::uint64_t> changed_;

  bool dirty_ = false;
  std::int64_t dirty_since_ns_ = 0;
  std::size_t pending_bytes_ = 0;
  std::vector<LogStore::Done> waiting_;
};

}  // namespace tapewatch

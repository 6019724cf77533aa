// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogScan: goes through a log store's documents newest first and shows those that match. Blocks in memory first, then
// the segments from the newest to the oldest; a block is decompressed only when its times and its token filter allow a
// match. Damage is counted and skipped. Thread: one at a time; any.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "storage/log_memory.h"
#include "storage/query_node.h"
#include "tapewatch/log_store.h"

namespace tapewatch {

class LogScan final {
 public:
  // True to go on. The document's bytes live for the call; they are empty when `wants_documents` was false.
  using Visit = std::function<bool(std::int64_t sequence, const RecordHead& head, std::string_view document)>;

  LogScan(LogMemory& memory, const Clock& clock, Log& log, const Query& query, const SearchRange& range,
          std::int64_t deadline_ns)
      : memory_(memory),
        clock_(clock),
        log_(log),
        root_(query.root()),
        matcher_(query.root()),
        filtered_(root_ != nullptr && root_->wants_filter()),
        range_(range),
        deadline_ns_(deadline_ns) {}

  enum class End : std::uint8_t { all_seen, stopped, out_of_time };
  // Only records with a smaller sequence than `below`. Counts alone need no documents when the query matches all.
  End run(std::int64_t below, bool wants_documents, const Visit& visit);

  // Everything from here on was seen, in the direction of time.
  [[nodiscard]] std::int64_t seen_down_to() const { return seen_down_to_; }
  [[nodiscard]] std::int64_t lines() const { return lines_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] std::int64_t damaged_blocks() const { return damaged_; }

 private:
  End scan_segment(Segment& segment, bool wants_documents, const Visit& visit);
  // Whether the block's filter, sliced or single, allows a match.
  [[nodiscard]] Result<bool> may_match(SegmentReader& reader, const BlockRow& row);
  [[nodiscard]] Result<std::uint64_t> test_group(SegmentReader& reader, std::int64_t number);
  End scan_row(SegmentReader& reader, Segment& segment, const BlockRow& row, bool wants_documents, const Visit& visit);
  End scan_records(std::int64_t first, const RecordHead* heads, std::size_t count, const char* raw, const Visit& visit);
  // Whether nothing in `raw` can match, as far as one look at its bytes tells. Escapes hide what they stand for.
  [[nodiscard]] bool cannot_match(std::string_view raw) const;
  // Notes in worth_a_look_ which records may match: those that hold the needed text or an escape.
  void look_for_needed(const RecordHead* heads, std::size_t count, std::string_view raw);
  void note_damage(Segment& segment, std::int64_t block, std::string_view what);
  void note_failure(Segment& segment, const Error& error);
  [[nodiscard]] bool out_of_time() const { return deadline_ns_ > 0 && clock_.steady_ns() > deadline_ns_; }

  LogMemory& memory_;
  const Clock& clock_;
  Log& log_;
  const QueryNode* const root_;
  DocumentMatcher matcher_;
  const bool filtered_;
  const SearchRange range_;
  const std::int64_t deadline_ns_;

  std::int64_t below_ = 0;
  std::int64_t seen_down_to_ = 0;
  std::int64_t lines_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t damaged_ = 0;

  // Of the segment that is being scanned.
  std::vector<FilterGroup> groups_;
  std::int64_t tested_group_ = -1;
  std::uint64_t group_answer_ = 0;

  bool dictionary_loaded_ = false;  // into decompressor_

  Decompressor decompressor_;  // of bodies
  Decompressor heads_decompressor_;
  std::string dictionary_;
  std::string filter_bits_;
  std::string heads_bytes_;
  std::string body_;
  std::string raw_;
  std::vector<RecordHead> heads_;
  std::vector<char> worth_a_look_;  // by record of the block
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/log_scan.h"

#include <algorithm>
#include <cstring>

#include "storage/text_search.h"

namespace tapewatch {
namespace {

constexpr std::size_t records_between_time_checks = 256;

}  // namespace

LogScan::End LogScan::run(std::int64_t below, bool wants_documents, const Visit& visit) {
  const LogView view = memory_.view();
  below_ = std::min(below, view.next_sequence);
  seen_down_to_ = below_;
  for (auto at = view.blocks.rbegin(); at != view.blocks.rend(); ++at) {
    const MemoryBlock& block = *at->block;
    if (block.first_sequence() >= below_ || at->records == 0) continue;
    if (filtered_ && at->sealed && !root_->block_may_match(block.filter_bits())) continue;
    const End end = scan_records(block.first_sequence(), block.heads(), at->records, block.document({}).data(), visit);
    if (end != End::all_seen) return end;
    seen_down_to_ = block.first_sequence();
  }
  // What is in memory may also be on disk already.
  if (!view.blocks.empty()) below_ = std::min(below_, view.blocks.front().block->first_sequence());
  for (auto at = view.segments.rbegin(); at != view.segments.rend(); ++at) {
    Segment& segment = **at;
    if (segment.first_sequence >= below_ || segment.removed) continue;
    if (out_of_time()) return End::out_of_time;
    const End end = scan_segment(segment, wants_documents, visit);
    if (end != End::all_seen) return end;
    seen_down_to_ = segment.first_sequence;
  }
  return End::all_seen;
}

LogScan::End LogScan::scan_segment(Segment& segment, bool wants_documents, const Visit& visit) {
  Result<std::unique_ptr<SegmentReader>> reader = SegmentReader::open(segment);
  Status begun = reader.ok() ? reader.value()->begin() : Status(reader.error());
  if (!begun.ok()) {
    note_failure(segment, begun.error());
    return End::all_seen;
  }
  const Result<std::vector<BlockRow>> rows = reader.value()->blocks(below_, range_);
  if (!rows.ok()) {
    note_failure(segment, rows.error());
    return End::all_seen;
  }
  groups_.clear();
  tested_group_ = -1;
  dictionary_loaded_ = false;
  if (filtered_) {
    Result<std::vector<FilterGroup>> groups = reader.value()->groups();
    if (!groups.ok()) {
      note_failure(segment, groups.error());
      return End::all_seen;
    }
    groups_ = std::move(groups).value();
  }
  for (const BlockRow& row : rows.value()) {
    if (out_of_time()) return End::out_of_time;
    const End end = scan_row(*reader.value(), segment, row, wants_documents, visit);
    if (end != End::all_seen) return end;
    seen_down_to_ = row.first_sequence;
  }
  return End::all_seen;
}

Result<bool> LogScan::may_match(SegmentReader& reader, const BlockRow& row) {
  // The group whose first block is the last one not behind this block.
  auto group =
      std::upper_bound(groups_.begin(), groups_.end(), row.first_sequence,
                       [](std::int64_t first, const FilterGroup& g) { return first < g.first_sequences.front(); });
  if (group != groups_.begin()) {
    --group;
    const std::vector<std::int64_t>& members = group->first_sequences;
    const auto member = std::lower_bound(members.begin(), members.end(), row.first_sequence);
    if (member != members.end() && *member == row.first_sequence) {
      const Result<std::uint64_t> answer = test_group(reader, group->number);
      if (!answer.ok()) return answer.error();
      return (answer.value() >> (member - members.begin()) & 1) != 0;
    }
  }
  Status read = reader.read_filter(row.first_sequence, filter_bits_);
  if (!read.ok()) return std::move(read).error();
  return root_->block_may_match(filter_bits_);
}

// Blocks come in order, so that the answer for one group serves all of its blocks.
Result<std::uint64_t> LogScan::test_group(SegmentReader& reader, std::int64_t number) {
  if (tested_group_ == number) return group_answer_;
  Status read = success();
  const std::uint64_t answer =
      root_->group_may_match(reader.filter_buckets(), [&](std::size_t bucket) -> std::string_view {
        if (read.ok()) read = reader.read_slice(number, bucket, filter_bits_);
        return read.ok() ? std::string_view(filter_bits_) : std::string_view();
      });
  if (!read.ok()) return std::move(read).error();
  tested_group_ = number;
  group_answer_ = answer;
  return answer;
}

LogScan::End LogScan::scan_row(SegmentReader& reader, Segment& segment, const BlockRow& row, bool wants_documents,
                               const Visit& visit) {
  if (filtered_) {
    const Result<bool> possible = may_match(reader, row);
    if (!possible.ok()) {
      note_failure(segment, possible.error());
      return End::all_seen;
    }
    if (!possible.value()) return End::all_seen;
  }
  const bool body = wants_documents || root_ != nullptr;
  Status read = reader.read_block(row.first_sequence, heads_bytes_, body ? &body_ : nullptr);
  if (!read.ok()) {
    note_failure(segment, read.error());
    return End::all_seen;
  }
  if (body && !dictionary_loaded_) {
    read = reader.read_dictionary(dictionary_);
    if (!read.ok()) {
      note_failure(segment, read.error());
      return End::all_seen;
    }
    decompressor_.use_dictionary(dictionary_);
    dictionary_loaded_ = true;
  }
  const auto raw_bytes = static_cast<std::size_t>(std::max<std::int64_t>(0, row.raw_bytes));
  if (body && !decompressor_.decompress(body_, raw_bytes, raw_)) {
    note_damage(segment, row.first_sequence, "body");
    return End::all_seen;
  }
  const bool whole = row.first_sequence + row.records <= below_ && row.time_min_ns >= range_.from_ns &&
                     row.time_max_ns <= range_.to_ns;
  if (body && whole && cannot_match(raw_)) {
    lines_ += row.records;
    bytes_ += row.raw_bytes - row.records;
    return End::all_seen;
  }
  if (!decode_heads(heads_bytes_, raw_bytes, heads_decompressor_, heads_)) {
    note_damage(segment, row.first_sequence, "heads");
    return End::all_seen;
  }
  return scan_records(row.first_sequence, heads_.data(), heads_.size(), body ? raw_.data() : nullptr, visit);
}

LogScan::End LogScan::scan_records(std::int64_t first, const RecordHead* heads, std::size_t count, const char* raw,
                                   const Visit& visit) {
  const bool choosy = raw != nullptr && root_ != nullptr && !root_->needed.empty() && count > 0;
  if (choosy) look_for_needed(heads, count, std::string_view(raw, heads[count - 1].end));
  for (std::size_t i = count; i-- > 0;) {
    const std::int64_t sequence = first + static_cast<std::int64_t>(i);
    if (sequence >= below_) continue;
    if (i % records_between_time_checks == 0 && out_of_time()) {
      seen_down_to_ = sequence + 1;
      return End::out_of_time;
    }
    const RecordHead& head = heads[i];
    if (head.time_ns < range_.from_ns || head.time_ns > range_.to_ns) continue;
    ++lines_;
    const std::string_view document =
        raw != nullptr ? std::string_view(raw + head.begin, head.end - head.begin) : std::string_view();
    bytes_ += static_cast<std::int64_t>(document.size());
    if (choosy && worth_a_look_[i] == 0) continue;
    if (root_ != nullptr && !matcher_.matches(document)) continue;
    if (!visit(sequence, head, document)) {
      seen_down_to_ = sequence;
      return End::stopped;
    }
  }
  return End::all_seen;
}

bool LogScan::cannot_match(std::string_view raw) const {
  return root_ != nullptr && !root_->needed.empty() && std::memchr(raw.data(), '\\', raw.size()) == nullptr &&
         fold_find(raw, root_->needed) == std::string_view::npos;
}

void LogScan::look_for_needed(const RecordHead* heads, std::size_t count, std::string_view raw) {
  worth_a_look_.assign(count, 0);
  // `next(from)` is the offset of the next place at or after `from`, or npos.
  const auto note_all = [&](const auto& next) {
    std::size_t record = 0;
    for (std::size_t at = next(0); at != std::string_view::npos && record < count; at = next(heads[record].end)) {
      while (record + 1 < count && heads[record].end < at) ++record;
      worth_a_look_[record] = 1;
    }
  };
  note_all([&](std::size_t from) { return fold_find(raw, root_->needed, from); });
  note_all([&](std::size_t from) { return raw.find('\\', from); });
}

void LogScan::note_damage(Segment& segment, std::int64_t block, std::string_view what) {
  ++damaged_;
  ++memory_.counters.damaged_blocks;
  log_.error("a block of the log store is damaged and was skipped",
             {{"file", segment.path}, {"block", block}, {"part", what}});
}

// A file that went away under us is no damage; one that SQLite calls corrupt is moved aside by the writer thread.
void LogScan::note_failure(Segment& segment, const Error& error) {
  if (segment.removed) return;
  ++damaged_;
  ++memory_.counters.damaged_blocks;
  if (error.code == Code::corrupt) segment.damaged = true;
  log_.error("a segment of the log store could not be read", {{"file", segment.path}, {"error", error.message}});
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Segment: one file of the log store, and what is known of it in memory. SegmentWriter is the one connection that
// writes and checkpoints the newest file; SegmentReader looks at one file, live or sealed. A sealed file is never
// written again: it is read without locks, and removed by unlinking it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/database.h"
#include "storage/memory_block.h"

namespace tapewatch {

// 2: columns of the heads compressed, a dictionary for the bodies, smaller filters for larger blocks. 1 is read.
inline constexpr std::int64_t newest_format = 2;

// Shared by the writer thread and every search that has it in its view.
struct Segment {
  Segment(std::string p, std::int64_t first) : path(std::move(p)), first_sequence(first) {}
  const std::string path;
  const std::int64_t first_sequence;
  std::atomic<bool> sealed{false};      // the write-ahead log is empty for ever
  std::int64_t format = newest_format;  // set before anybody else sees it
  std::atomic<bool> removed{false};     // unlinked, or moved aside
  std::atomic<bool> damaged{false};     // a reader met damage of the file as a whole: to be moved aside
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::int64_t> written_ns{0};  // wall time of the last commit
};

struct KeptPosition {
  std::uint64_t end = 0;
  std::int64_t changed_ns = 0;
};
using KeptPositions = std::unordered_map<std::uint64_t, KeptPosition>;

// Filters of so many finished blocks are stored together, sliced; two slices fill a page.
inline constexpr std::size_t group_blocks = 62;

// The blocks of one group, in order.
struct FilterGroup {
  std::int64_t number = 0;
  std::vector<std::int64_t> first_sequences;
};

// What one block is on disk.
struct BlockRow {
  std::int64_t first_sequence = 0;
  std::int64_t records = 0;
  std::int64_t raw_bytes = 0;
  std::int64_t time_min_ns = 0;
  std::int64_t time_max_ns = 0;
};

class SegmentWriter final {
 public:
  struct Options {
    std::int64_t file_bytes_max = 0;
    std::int64_t checkpoint_bytes = 4 << 20;
  };
  // Creates the file with `positions` and the dictionary of its bodies in it, in one transaction, or opens one that is
  // there.
  [[nodiscard]] static Result<std::unique_ptr<SegmentWriter>> create(const std::shared_ptr<Segment>& segment,
                                                                     const Options& options,
                                                                     const KeptPositions& positions,
                                                                     std::string_view dictionary, std::int64_t wall_ns);
  [[nodiscard]] static Result<std::unique_ptr<SegmentWriter>> reopen(std::shared_ptr<Segment> segment,
                                                                     const Options& options);

  [[nodiscard]] Status begin() { return database_->exec("BEGIN IMMEDIATE"); }
  // A finished block is never put again.
  [[nodiscard]] Status put_block(const BlockRow& row, std::string_view heads, std::string_view body,
                                 std::string_view filter, bool finished);
  // The block that was put last time as it is now was its last.
  void finish_block(std::int64_t first_sequence, std::string_view filter) {
    ungrouped_.push_back({first_sequence, std::string(filter)});
  }
  [[nodiscard]] Status put_position(std::uint64_t file, const KeptPosition& position);
  [[nodiscard]] Status commit(std::int64_t wall_ns);
  void rollback();
  // Copies the write-ahead log when it has grown to its limit. Between transactions.
  void maintain();
  // True once everything is in the file itself and the segment is marked sealed; false while a reader is in the way.
  [[nodiscard]] bool seal();
  // What was committed is on the disk, be it in the write-ahead log.
  [[nodiscard]] Status sync();
  [[nodiscard]] const std::shared_ptr<Segment>& segment() const { return segment_; }
  // What bodies of this file are compressed with; may be empty. Of a file that was opened again, load it first.
  [[nodiscard]] Status load_dictionary();
  [[nodiscard]] const std::string& dictionary() const { return dictionary_; }

 private:
  SegmentWriter(std::shared_ptr<Segment> segment, std::unique_ptr<Database> database, std::int64_t checkpoint_bytes)
      : segment_(std::move(segment)), database_(std::move(database)), checkpoint_bytes_(checkpoint_bytes) {}
  [[nodiscard]] static Result<std::unique_ptr<SegmentWriter>> open(std::shared_ptr<Segment> segment,
                                                                   const Options& options);
  void measure();
  // Finished blocks whose filters still stand one by one, after a start.
  [[nodiscard]] Status load_ungrouped();
  [[nodiscard]] Status write_groups();
  [[nodiscard]] Status write_group(std::size_t at);

  struct Ungrouped {
    std::int64_t first_sequence;
    std::string filter;
  };

  const std::shared_ptr<Segment> segment_;
  const std::unique_ptr<Database> database_;
  const std::int64_t checkpoint_bytes_;
  std::string dictionary_;
  std::vector<Ungrouped> ungrouped_;
  std::size_t ungrouped_committed_ = 0;
  std::int64_t next_group_ = 0;
};

class SegmentReader final {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SegmentReader>> open(const Segment& segment);

  // What is known of a file when the store opens: Code::unsupported for one that has no schema yet,
  // Code::schema_newer for one of a later version.
  struct Facts {
    std::int64_t next_sequence = 0;
    std::int64_t written_ns = 0;
    std::int64_t format = 0;  // an older one is read, and never written again
  };
  [[nodiscard]] Result<Facts> facts();
  [[nodiscard]] Status add_positions(KeptPositions& into);

  [[nodiscard]] Status begin() { return database_->exec("BEGIN"); }
  // The blocks that begin before `below` and touch the time range, newest first.
  [[nodiscard]] Result<std::vector<BlockRow>> blocks(std::int64_t below, const SearchRange& range);
  // Oldest first.
  [[nodiscard]] Result<std::vector<FilterGroup>> groups();
  // Empty when it is not there.
  [[nodiscard]] Status read_slice(std::int64_t group, std::size_t bucket, std::string& bits);
  [[nodiscard]] Status read_filter(std::int64_t first_sequence, std::string& bits);
  [[nodiscard]] Status read_block(std::int64_t first_sequence, std::string& heads, std::string* body);
  [[nodiscard]] Status read_dictionary(std::string& bytes);
  // Of the filters in this file.
  [[nodiscard]] std::size_t filter_buckets() const {
    return format_ == 1 ? TokenFilter::buckets_of_version_1 : TokenFilter::buckets;
  }

 private:
  SegmentReader(std::unique_ptr<Database> database, std::int64_t format)
      : format_(format), database_(std::move(database)) {}
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql);
  const std::int64_t format_;
  const std::unique_ptr<Database> database_;
};

// "segment-00000000000000000001.db"
[[nodiscard]] std::string segment_name(std::int64_t first_sequence);
// The first sequence in such a name, or 0.
[[nodiscard]] std::int64_t segment_number(std::string_view name);
// Removes the file and what SQLite keeps beside it.
void unlink_segment(const std::string& path);
// Moves them to *.corrupt-<seconds>; false when that failed too.
bool set_aside_segment(const std::string& path, std::int64_t wall_ns);

}  // namespace tapewatch

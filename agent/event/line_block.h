// SPDX-License-Identifier: Apache-2.0
#pragma once
// LineBlock: whole lines of one file, as read, owned; moved from the tailer (loop thread) to the pipeline (worker).
// LineCursor walks its lines. A Line and its text live as long as the block.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace tapewatch {

// What is known about one tailed file; immutable, shared by all its blocks. A rename makes a new one with the same
// `file`.
struct SourceFile {
  std::uint64_t file = 0;  // the tailer's id of this file and generation: random, never used twice in a state directory
  std::string path;        // as events show it in log.file.path
  std::string input;       // name of the input that found it: part of every event id
  Hash128 head;            // hash of the file's first complete line: part of every event id
};

struct Line {
  std::string_view text;         // without line end, carriage return and byte order mark
  std::uint64_t offset = 0;      // of its first byte in the file
  std::uint64_t full_bytes = 0;  // length in the file; larger than text when the line was cut at max_line_bytes
  bool cut = false;              // only the first bytes of a longer line
  bool partial = false;          // the file ended (rotated away, deleted) without a line end behind it
};

struct LineBlock {
  std::shared_ptr<const SourceFile> source;
  std::uint64_t begin = 0;  // file offset of the first byte of `bytes`
  std::uint64_t end = 0;    // file offset behind everything this block accounts for (>= begin + size: holes, cut lines)
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;  // bytes used
  bool cut = false;      // `bytes` is the start of one line of cut_bytes bytes
  std::uint64_t cut_bytes = 0;
  bool partial = false;           // the last line has no line end and never will
  std::int64_t read_ns = 0;       // steady time of the read
  std::int64_t read_wall_ns = 0;  // wall time of the read: the time of events that carry none
};

// Thread: that of the block's owner. Skips blank lines (and counts them); strips one CR, and a BOM at file offset 0.
class LineCursor final {
 public:
  explicit LineCursor(const LineBlock& block) : block_(block), rest_(block.bytes.get(), block.size) {}
  // False at the end of the block.
  [[nodiscard]] bool next(Line& line);
  [[nodiscard]] std::uint64_t blank_lines() const { return blank_lines_; }

 private:
  const LineBlock& block_;
  std::string_view rest_;
  std::uint64_t blank_lines_ = 0;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading whole lines of one open file into a LineBlock, straight into the block's own buffer. The place where reading
// stands is always the start of a line: what has no line end yet is read again later, so nothing is carried and an idle
// file holds no memory. Plain functions over a descriptor and a Cursor. Thread: loop.

#include <cstddef>
#include <cstdint>

#include "event/line_block.h"
#include "tail/identity.h"

namespace tapewatch {

// Where reading of one file stands.
struct Cursor {
  std::uint64_t offset = 0;   // start of the next line
  std::uint64_t scanned = 0;  // no line end lies in [offset, scanned)
  Marker marker;              // of offset: checked by every read, so that a file replaced in place is never read on
};

struct ReadLimits {
  std::size_t block_bytes = std::size_t{256} << 10;
  std::size_t line_bytes_max = std::size_t{1} << 20;
  std::size_t scan_bytes_max = std::size_t{8} << 20;
};

enum class ReadStep : std::uint8_t {
  block,     // `block` holds lines; begin, end, bytes, size, cut, cut_bytes and partial are set
  skipped,   // no lines, but the cursor moved over NUL bytes: from `from` to cursor.offset
  busy,      // looked for the end of a long line or hole without finding it yet: call again
  waiting,   // no line end up to the end of the file
  replaced,  // what is before the offset is not what was read: truncated, and perhaps written again
  failed,    // `error` is the errno
};

struct ReadOutcome {
  ReadStep step = ReadStep::waiting;
  bool at_end = false;     // the end of the file was seen, at cursor.scanned
  std::uint64_t from = 0;  // cursor.offset before the call
  int error = 0;
};

// The next whole lines. Moves `cursor`.
[[nodiscard]] ReadOutcome read_lines(int fd, const ReadLimits& limits, Cursor& cursor, LineBlock& block);
// What is left behind the last line end, as a partial line: the file has ended. REQUIRES: read_lines said waiting.
[[nodiscard]] ReadOutcome read_partial(int fd, const ReadLimits& limits, Cursor& cursor, LineBlock& block);

}  // namespace tapewatch

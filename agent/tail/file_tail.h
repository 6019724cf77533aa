// SPDX-License-Identifier: Apache-2.0
#pragma once
// FileTail: the life of one generation of one file, from its first byte to its last, under whatever names it has. Owned
// by the tailer's table; holds at most one descriptor. It knows its own bytes only: which file follows which, copies
// and the checkpoint are the tailer's business. Thread: loop.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "event/line_block.h"
#include "tail/block_reader.h"
#include "tail/checkpoint.h"
#include "tail/finder.h"
#include "tail/identity.h"
#include "tail/tail_options.h"

namespace tapewatch {

enum class TailState : std::uint8_t {
  stored,   // known from the checkpoint, not met yet in this run
  live,     // found by the globs
  rotated,  // renamed to a name outside the globs
  deleted,  // without a name, read on through the descriptor
  cut,      // its bytes are gone (truncated, or another file has its place); a copy may have its tail
  gone,     // nothing left to read; remembered so that a copy is not read twice
};
[[nodiscard]] const char* state_name(TailState state);

struct FileTail {
  // Constant.
  std::uint64_t id = 0;
  std::string origin;  // path when first found: neighbours whose names start with it are its rotations
  std::string group;   // rotation_base(origin): what the table knows its generations by
  std::size_t input = 0;

  // Identity.
  FileKey key;
  Head head;
  Hash128 line;  // of the first line; with line_known
  bool line_known = false;
  TailState state = TailState::live;
  std::string path;
  std::size_t root_bytes = 0;
  Fd fd;
  std::shared_ptr<const SourceFile> source;  // set once line_known and lines may be delivered

  // Progress.
  Cursor cursor;
  std::uint64_t size = 0;  // last known
  std::int64_t mtime_ns = 0;
  std::uint64_t committed = 0;  // as the checkpoint has it, with its marker
  Marker committed_marker;
  bool registered = false;    // the checkpoint on disk has it
  bool finished = false;      // with gone: everything of it is accounted for
  std::uint64_t copy_of = 0;  // held back: its content is so far that of this file

  // Time (steady unless named wall).
  std::int64_t seen_wall_ns = 0;
  std::int64_t active_ns = 0;  // of the last read that gave something
  std::int64_t ended_ns = 0;   // since when renamed or deleted and not grown; 0: has its name
  std::int64_t moved_ns = 0;   // when an acknowledgement last moved on, or it fell behind
  std::int64_t retry_ns = 0;   // not before this
  std::int64_t error_wait_ns = 0;

  // Schedule, kept by the tailer.
  bool caught_up = false;     // it was read to its end in this run
  std::uint64_t goal = 0;     // end of its present turn
  bool flush = false;         // a partial last line is to be delivered now
  bool look_closely = false;  // something was odd: the next scan compares it though nothing seems to have changed
  std::int64_t hinted_ns = 0;
  std::uint64_t scan = 0;  // last scan that met it

  [[nodiscard]] bool on_disk() const {
    return state == TailState::live || state == TailState::rotated || state == TailState::deleted;
  }
  [[nodiscard]] std::uint64_t unread() const { return size > cursor.offset ? size - cursor.offset : 0; }
  // Whether the head can be known better than it is.
  [[nodiscard]] bool head_grows() const { return head.length < head_bytes_max && head.length < size; }
  // Whether a read could give something: more bytes than were searched for a line end.
  [[nodiscard]] bool has_news() const { return size > cursor.scanned || flush; }
};

[[nodiscard]] FileTail make_tail(std::uint64_t id, std::size_t input, const Found& found);
[[nodiscard]] FileTail make_tail(const CheckpointEntry& entry, std::size_t input);
[[nodiscard]] CheckpointEntry make_entry(const FileTail& tail, const std::string& input);

// Whether it lost bytes that were read, or all of which are still to be read: another generation.
[[nodiscard]] bool has_shrunk(const FileTail& tail, const FileStat& stat);
// Whether the open file still is this generation, read up to its cursor: size, head and marker.
[[nodiscard]] Identity identify(int fd, const FileTail& tail);
// The head grows with the file until it has its full length; it stays as it is when the file no longer begins with it.
void grow_head(FileTail& tail);
// Takes over what a fresh look at the file said. Growth restarts the clock of an ended file.
void observe(FileTail& tail, const FileStat& stat, std::int64_t now_ns);
// Gives the file another name; blocks read from now on carry it.
void rename_tail(FileTail& tail, const std::string& path, std::size_t root_bytes);
// The source of its blocks. REQUIRES: line_known.
void make_source(FileTail& tail, const std::string& input);

// Whether `name` is a name that a rotation gives to `original`: digits, dates and their separators appended.
[[nodiscard]] bool is_rotation_of(std::string_view original, std::string_view name);
// app.log.3 has rank 3, a name without a number 0: among generations of the same age the higher is the older.
[[nodiscard]] std::uint64_t rotation_rank(std::string_view path);
// Orders files by age, the oldest first; of one time: app.log.2, app.log.1, app.log-20260105, app.log-20260106,
// app.log.
using FileAge = std::tuple<std::int64_t, std::uint64_t, std::string>;
[[nodiscard]] FileAge file_age(const std::string& path, std::int64_t mtime_ns);
// The name that a rotated name was made of: app.log of app.log.3 and of app.log-20260105; other names are their own.
[[nodiscard]] std::string rotation_base(const std::string& path);
// Which of two generations of one file has to be read first.
[[nodiscard]] bool is_older(const FileTail& a, const FileTail& b);
// Length of what a gzip file holds, from its last bytes (modulo 4 GiB). nullopt: not one.
[[nodiscard]] std::optional<std::uint64_t> gzip_length(const Found& file);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "tail/block_reader.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t padding_bytes = 64;  // the parser reads a little beyond the text
constexpr std::size_t chunk_bytes = std::size_t{256} << 10;

struct Buffer {
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;
  bool at_end = false;  // the file ended within the read
};

std::unique_ptr<char[]> allocate(std::size_t bytes) {
  return std::make_unique_for_overwrite<char[]>(bytes + padding_bytes);
}

// One system call reads the bytes before the offset, which must be those that were read before, and the bytes behind.
ReadStep read_checked(int fd, const Cursor& cursor, std::size_t want, Buffer& out, int& error) {
  std::array<char, marker_bytes_max> before;
  const std::size_t marker = cursor.marker.length;
  out.bytes = allocate(want);
  iovec parts[2] = {{before.data(), marker}, {out.bytes.get(), want}};
  ssize_t n = 0;
  do {
    n = ::preadv(fd, parts, 2, static_cast<off_t>(cursor.offset - marker));
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    error = errno;
    return ReadStep::failed;
  }
  const auto got = static_cast<std::size_t>(n);
  if (got < marker) return ReadStep::replaced;
  if (marker > 0 && make_marker({before.data(), marker}).hash != cursor.marker.hash) return ReadStep::replaced;
  out.size = got - marker;
  out.at_end = out.size < want;
  return ReadStep::block;
}

// Moves the cursor behind what a block or a hole accounts for.
void advance(int fd, Cursor& cursor, std::uint64_t to, std::string_view last_bytes) {
  cursor.offset = to;
  cursor.scanned = std::max(cursor.scanned, to);
  cursor.marker = last_bytes.size() >= marker_bytes_max ? make_marker(last_bytes) : read_marker(fd, to);
}

void fill(LineBlock& block, Buffer buffer, std::uint64_t begin, std::size_t size, std::uint64_t end) {
  std::memset(buffer.bytes.get() + buffer.size, 0, padding_bytes);
  block.bytes = std::move(buffer.bytes);
  block.begin = begin;
  block.size = size;
  block.end = end;
  block.cut = false;
  block.cut_bytes = 0;
  block.partial = false;
}

// How much of `text`, which ends with a line end, comes before the first line that is longer than the limit.
std::size_t before_long_line(std::string_view text, std::size_t line_bytes_max) {
  std::size_t at = 0;
  while (text.size() - at > line_bytes_max + 1) {
    const void* newline = ::memrchr(text.data() + at, '\n', line_bytes_max + 1);
    if (newline == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const char*>(newline) - text.data()) + 1;
  }
  return text.size() - at > line_bytes_max + 1 ? at : text.size();
}

// How much of `text` comes before the first line that starts with NUL.
std::size_t before_hole(std::string_view text) {
  for (std::size_t at = text.find('\0'); at != std::string_view::npos; at = text.find('\0', at)) {
    if (at == 0 || text[at - 1] == '\n') return at;
    at = text.find('\n', at);
    if (at == std::string_view::npos) break;
  }
  return text.size();
}

// The first byte at or behind `at` that is not NUL. A hole of the file system costs one call, whatever its size.
ReadOutcome skip_hole(int fd, const ReadLimits& limits, Cursor& cursor) {
  ReadOutcome outcome{ReadStep::busy, false, cursor.offset, 0};
  std::uint64_t at = cursor.offset;
  const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
  if (data < 0 && errno == ENXIO) {  // nothing but hole: wait for what comes behind it
    Result<FileStat> stat = stat_open(fd);
    if (stat.ok()) cursor.scanned = std::max(cursor.scanned, stat->size);
    return {ReadStep::waiting, true, cursor.offset, 0};
  }
  at = std::max(at, static_cast<std::uint64_t>(std::max<off_t>(data, 0)));
  const auto bytes = std::make_unique_for_overwrite<char[]>(chunk_bytes);
  for (std::size_t seen = 0; seen < limits.scan_bytes_max; seen += chunk_bytes) {
    const std::int64_t n = read_at(fd, at, bytes.get(), chunk_bytes);
    if (n < 0) return {ReadStep::failed, false, cursor.offset, errno};
    const std::string_view text(bytes.get(), static_cast<std::size_t>(n));
    const std::size_t nuls = std::min(text.find_first_not_of('\0'), text.size());
    at += nuls;
    if (nuls < text.size()) {
      advance(fd, cursor, at, {});
      outcome.step = ReadStep::skipped;
      return outcome;
    }
    if (text.size() < chunk_bytes) {
      cursor.scanned = std::max(cursor.scanned, at);
      return {ReadStep::waiting, true, cursor.offset, 0};
    }
  }
  // A long run in the middle of its way: what was passed is NUL, so the start may move already.
  advance(fd, cursor, at, {});
  outcome.step = ReadStep::skipped;
  return outcome;
}

ReadOutcome deliver_cut(int fd, const ReadLimits& limits, Cursor& cursor, std::uint64_t line_end, std::uint64_t end,
                        LineBlock& block) {
  ReadOutcome outcome{ReadStep::block, false, cursor.offset, 0};
  Buffer buffer;
  const std::size_t want = limits.line_bytes_max;
  const ReadStep step = read_checked(fd, cursor, want, buffer, outcome.error);
  if (step == ReadStep::block && buffer.size < want) return {ReadStep::replaced, false, cursor.offset, 0};
  if (step != ReadStep::block) return {step, false, cursor.offset, outcome.error};
  fill(block, std::move(buffer), cursor.offset, want, end);
  block.cut = true;
  block.cut_bytes = line_end - cursor.offset;
  advance(fd, cursor, end, {});
  return outcome;
}

// The line at the cursor is longer than the limit: look for its end without keeping it, then deliver its start.
ReadOutcome pass_long_line(int fd, const ReadLimits& limits, Cursor& cursor, LineBlock& block) {
  std::uint64_t at = std::max(cursor.scanned, cursor.offset + limits.line_bytes_max);
  const auto bytes = std::make_unique_for_overwrite<char[]>(chunk_bytes);
  for (std::size_t seen = 0; seen < limits.scan_bytes_max; seen += chunk_bytes) {
    const std::int64_t n = read_at(fd, at, bytes.get(), chunk_bytes);
    if (n < 0) return {ReadStep::failed, false, cursor.offset, errno};
    const std::string_view text(bytes.get(), static_cast<std::size_t>(n));
    const std::size_t newline = text.find('\n');
    if (newline != std::string_view::npos)
      return deliver_cut(fd, limits, cursor, at + newline, at + newline + 1, block);
    at += text.size();
    cursor.scanned = at;
    if (text.size() < chunk_bytes) return {ReadStep::waiting, true, cursor.offset, 0};
  }
  return {ReadStep::busy, false, cursor.offset, 0};
}

}  // namespace

ReadOutcome read_lines(int fd, const ReadLimits& limits, Cursor& cursor, LineBlock& block) {
  ReadOutcome outcome{ReadStep::block, false, cursor.offset, 0};
  const std::size_t long_line = limits.line_bytes_max + 1;
  if (cursor.scanned - cursor.offset >= long_line) {
    char first = 1;
    const bool hole = read_at(fd, cursor.offset, &first, 1) == 1 && first == '\0';
    return hole ? skip_hole(fd, limits, cursor) : pass_long_line(fd, limits, cursor, block);
  }
  Buffer buffer;
  std::size_t size = 0;
  // Twice at most: when a block's length holds no line end, the length of the longest line must decide.
  for (std::size_t want = limits.block_bytes;; want = long_line) {
    const ReadStep step = read_checked(fd, cursor, want, buffer, outcome.error);
    if (step != ReadStep::block) return {step, false, cursor.offset, outcome.error};
    outcome.at_end = buffer.at_end;
    if (buffer.size > 0 && buffer.bytes[0] == '\0') return skip_hole(fd, limits, cursor);
    const void* newline = ::memrchr(buffer.bytes.get(), '\n', buffer.size);
    if (newline != nullptr) {
      size = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer.bytes.get()) + 1;
      break;
    }
    cursor.scanned = std::max(cursor.scanned, cursor.offset + buffer.size);
    if (buffer.size >= long_line) return pass_long_line(fd, limits, cursor, block);
    if (buffer.at_end) return {ReadStep::waiting, true, cursor.offset, 0};
  }
  const std::size_t whole =
      before_hole({buffer.bytes.get(), before_long_line({buffer.bytes.get(), size}, limits.line_bytes_max)});
  if (whole == 0) return pass_long_line(fd, limits, cursor, block);
  const std::uint64_t begin = cursor.offset;
  if (whole == size) {
    cursor.scanned = begin + buffer.size;  // behind the last line end there is none
  } else {
    cursor.scanned = begin + whole;
    outcome.at_end = false;
  }
  const std::string_view text(buffer.bytes.get(), whole);
  advance(fd, cursor, begin + whole, text);
  fill(block, std::move(buffer), begin, whole, begin + whole);
  return outcome;
}

ReadOutcome read_partial(int fd, const ReadLimits& limits, Cursor& cursor, LineBlock& block) {
  ReadOutcome outcome{ReadStep::block, true, cursor.offset, 0};
  Result<FileStat> stat = stat_open(fd);
  if (!stat.ok() || stat->size < cursor.offset) return {ReadStep::replaced, false, cursor.offset, 0};
  const std::uint64_t left = stat->size - cursor.offset;
  char first = 1;
  if (left == 0 || read_at(fd, cursor.offset, &first, 1) != 1) return {ReadStep::waiting, true, cursor.offset, 0};
  if (first == '\0') {  // read_lines waited, so all the rest is NUL
    advance(fd, cursor, stat->size, {});
    return {ReadStep::skipped, true, outcome.from, 0};
  }
  if (left > limits.line_bytes_max) {
    outcome = deliver_cut(fd, limits, cursor, stat->size, stat->size, block);
    block.partial = outcome.step == ReadStep::block;
    outcome.at_end = true;
    return outcome;
  }
  Buffer buffer;
  const ReadStep step = read_checked(fd, cursor, static_cast<std::size_t>(left), buffer, outcome.error);
  if (step != ReadStep::block) return {step, false, cursor.offset, outcome.error};
  if (buffer.size == 0) return {ReadStep::waiting, true, cursor.offset, 0};
  const std::uint64_t begin = cursor.offset;
  const std::size_t size = buffer.size;
  advance(fd, cursor, begin + size, {buffer.bytes.get(), size});
  fill(block, std::move(buffer), begin, size, begin + size);
  block.partial = true;
  return outcome;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "tail/file_tail.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr char rotation_characters[] = "0123456789.-_:TZ+";

}  // namespace

const char* state_name(TailState state) {
  switch (state) {
    case TailState::stored:
      return "stored";
    case TailState::live:
      return "live";
    case TailState::rotated:
      return "rotated";
    case TailState::deleted:
      return "deleted";
    case TailState::cut:
      return "cut";
    case TailState::gone:
      return "gone";
  }
  return "?";
}

FileTail make_tail(std::uint64_t id, std::size_t input, const Found& found) {
  FileTail tail;
  tail.id = id;
  tail.input = input;
  tail.origin = found.path;
  tail.path = found.path;
  tail.root_bytes = found.root_bytes;
  tail.key = found.stat.key;
  tail.size = found.stat.size;
  tail.mtime_ns = found.stat.mtime_ns;
  return tail;
}

FileTail make_tail(const CheckpointEntry& entry, std::size_t input) {
  FileTail tail;
  tail.id = entry.id;
  tail.input = input;
  tail.origin = entry.origin;
  tail.path = entry.path;
  tail.key = entry.key;
  tail.head = entry.head;
  tail.line = entry.first_line;
  tail.line_known = entry.first_line != Hash128{};
  tail.state = entry.finished ? TailState::gone : TailState::stored;
  tail.finished = entry.finished;
  tail.cursor = {entry.committed, entry.committed, entry.marker};
  tail.size = entry.size;
  tail.mtime_ns = entry.mtime_ns;
  tail.committed = entry.committed;
  tail.committed_marker = entry.marker;
  tail.seen_wall_ns = entry.seen_wall_ns;
  tail.registered = true;
  return tail;
}

CheckpointEntry make_entry(const FileTail& tail, const std::string& input) {
  CheckpointEntry entry;
  entry.id = tail.id;
  entry.input = input;
  entry.path = tail.path;
  entry.origin = tail.origin;
  entry.key = tail.key;
  entry.head = tail.head;
  entry.committed = tail.committed;
  entry.marker = tail.committed_marker;
  entry.size = std::max(tail.size, tail.committed);
  entry.mtime_ns = tail.mtime_ns;
  if (tail.line_known) entry.first_line = tail.line;
  entry.seen_wall_ns = tail.seen_wall_ns;
  entry.finished = tail.finished;
  return entry;
}

bool has_shrunk(const FileTail& tail, const FileStat& stat) {
  return stat.size < (tail.cursor.offset == 0 ? tail.size : tail.cursor.offset);
}

Identity identify(int fd, const FileTail& tail) {
  Result<FileStat> stat = stat_open(fd);
  if (!stat.ok()) return Identity::unreadable;
  if (has_shrunk(tail, *stat)) return Identity::changed;
  const Identity head = check_head(fd, tail.head);
  return head == Identity::same ? check_marker(fd, tail.cursor.offset, tail.cursor.marker) : head;
}

void grow_head(FileTail& tail) {
  CHECK(tail.fd.open());
  if (!tail.head_grows() || check_head(tail.fd.get(), tail.head) != Identity::same) return;
  const Head head = read_head(tail.fd.get());
  if (head.length > tail.head.length) tail.head = head;
}

void observe(FileTail& tail, const FileStat& stat, std::int64_t now_ns) {
  if (stat.size != tail.size && tail.ended_ns != 0) tail.ended_ns = now_ns;
  // NUL bytes may be written over in place: a change without growth is worth another look at the rest.
  if (stat.mtime_ns != tail.mtime_ns && stat.size == tail.size && tail.cursor.scanned == tail.size)
    tail.cursor.scanned = tail.cursor.offset;
  if (stat.size < tail.cursor.scanned) tail.cursor.scanned = std::max(tail.cursor.offset, stat.size);
  tail.size = stat.size;
  tail.mtime_ns = stat.mtime_ns;
}

void rename_tail(FileTail& tail, const std::string& path, std::size_t root_bytes) {
  tail.path = path;
  tail.root_bytes = root_bytes;
  if (tail.source) {
    SourceFile source = *tail.source;
    source.path = path;
    tail.source = std::make_shared<const SourceFile>(std::move(source));
  }
}

void make_source(FileTail& tail, const std::string& input) {
  CHECK(tail.line_known);
  tail.source = std::make_shared<const SourceFile>(SourceFile{tail.id, tail.path, input, tail.line});
}

bool is_rotation_of(std::string_view original, std::string_view name) {
  if (name.size() <= original.size() || name.substr(0, original.size()) != original) return false;
  name.remove_prefix(original.size());
  if (name[0] != '.' && name[0] != '-' && name[0] != '_') return false;
  return name.find_first_not_of(rotation_characters) == std::string_view::npos &&
         name.find_first_of("0123456789") != std::string_view::npos;
}

std::uint64_t rotation_rank(std::string_view path) {
  const std::size_t dot = path.find_last_not_of("0123456789");
  if (dot == std::string_view::npos || path[dot] != '.' || path.size() - dot > 7) return 0;
  std::uint64_t rank = 0;
  std::from_chars(path.data() + dot + 1, path.data() + path.size(), rank);
  return rank;
}

FileAge file_age(const std::string& path, std::int64_t mtime_ns) {
  return {mtime_ns, ~rotation_rank(path), path + '\xff'};
}

std::string rotation_base(const std::string& path) {
  const std::size_t last = path.find_last_not_of(rotation_characters);
  const std::size_t separator = path.find_first_of(".-_", last == std::string::npos ? 0 : last + 1);
  if (last == std::string::npos || separator == std::string::npos) return path;
  const std::string base = path.substr(0, separator);
  return base.back() != '/' && is_rotation_of(base, path) ? base : path;
}

bool is_older(const FileTail& a, const FileTail& b) {
  const auto at_base = [](const FileTail& t) { return t.state == TailState::live && t.path == rotation_base(t.path); };
  if (at_base(a) != at_base(b)) return at_base(b);
  const std::uint64_t rank_a = rotation_rank(a.path);
  const std::uint64_t rank_b = rotation_rank(b.path);
  const bool numbered = rank_a != 0 && rank_b != 0 && rank_a != rank_b;
  if (numbered && a.state != TailState::deleted && b.state != TailState::deleted) return rank_a > rank_b;
  return file_age(a.path, a.mtime_ns) < file_age(b.path, b.mtime_ns);
}

std::optional<std::uint64_t> gzip_length(const Found& file) {
  constexpr std::uint64_t least_bytes = 18;
  if (file.stat.size < least_bytes) return std::nullopt;
  Result<OpenFile> open = open_log_file(file.path, file.root_bytes);
  if (!open.ok()) return std::nullopt;
  std::array<char, 2> magic{};
  std::array<char, 4> length{};
  if (read_at(open->fd.get(), 0, magic.data(), magic.size()) != 2 || magic != std::array{'\x1f', '\x8b'})
    return std::nullopt;
  if (read_at(open->fd.get(), open->stat.size - length.size(), length.data(), length.size()) != 4) return std::nullopt;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < length.size(); ++i)
    bytes |= std::uint64_t{static_cast<unsigned char>(length[i])} << (8 * i);
  return bytes;
}

}  // namespace tapewatch

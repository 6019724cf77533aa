// SPDX-License-Identifier: Apache-2.0
#pragma once
// What tells one generation of a file from another: device and inode, the hash of its head (growing to 1 KiB), the hash
// of the bytes just before an offset. Only hashes are kept, never contents. Plain values and reads at given offsets;
// no descriptor's position is ever moved. Thread: loop.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/hash.h"
#include "tapewatch/result.h"

namespace tapewatch {

inline constexpr std::size_t head_bytes_max = 1024;
inline constexpr std::size_t marker_bytes_max = 64;

struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileKey&, const FileKey&) = default;
};
struct FileKeyHash {
  std::size_t operator()(const FileKey& key) const { return key.inode * 0x9E3779B97F4A7C15u ^ key.device; }
};

struct FileStat {
  FileKey key;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t links = 0;
};

// Hash of the first `length` bytes.
struct Head {
  std::uint32_t length = 0;
  std::uint64_t hash = 0;
  friend bool operator==(const Head&, const Head&) = default;
};

// Hash of the `length` bytes before the offset it belongs to; length 0 says nothing.
struct Marker {
  std::uint32_t length = 0;
  std::uint64_t hash = 0;
  friend bool operator==(const Marker&, const Marker&) = default;
};

// What comparing a file on disk with what is known of it said.
enum class Identity : std::uint8_t { same, changed, unreadable };

struct OpenFile {
  Fd fd;
  FileStat stat;
};

// Opens a regular file for reading without following a symbolic link below `root_bytes` bytes of its path, and without
// waiting for a FIFO's writer. Code::invalid: not a regular file; Code::limit: no descriptor left.
[[nodiscard]] Result<OpenFile> open_log_file(const std::string& path, std::size_t root_bytes);
[[nodiscard]] Result<FileStat> stat_open(int fd);
// Does not follow a link. `regular` (may be null) tells whether it is a regular file.
[[nodiscard]] std::optional<FileStat> stat_path(const std::string& path, bool* regular = nullptr);

// Up to `bytes` at `offset`, fewer only at the end of the file; -1 and errno when it failed.
[[nodiscard]] std::int64_t read_at(int fd, std::uint64_t offset, char* out, std::size_t bytes);

// The head as far as the file goes now, at most 1 KiB.
[[nodiscard]] Head read_head(int fd);
// Whether the file still begins with `head`.
[[nodiscard]] Identity check_head(int fd, const Head& head);
// The marker of `offset`; length 0 when it cannot be read.
[[nodiscard]] Marker read_marker(int fd, std::uint64_t offset);
// Whether the bytes before `offset` still are those of `marker`.
[[nodiscard]] Identity check_marker(int fd, std::uint64_t offset, const Marker& marker);
[[nodiscard]] Marker make_marker(std::string_view bytes_before);

// Hash of the first complete line behind leading NUL bytes, of its first `line_bytes_max` bytes when it is longer.
// nullopt: no complete line yet; with `final`, what is there counts as complete, unless that is nothing.
[[nodiscard]] std::optional<Hash128> first_line(int fd, std::size_t line_bytes_max, bool final);

// Whether two files agree in their first `bytes` bytes, judged by all of them when they are few and by samples spread
// over them otherwise.
[[nodiscard]] bool same_content(int a, int b, std::uint64_t bytes);

}  // namespace tapewatch

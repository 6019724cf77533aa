// SPDX-License-Identifier: Apache-2.0
#include "tail/identity.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace tapewatch {
namespace {

constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr std::size_t sample_bytes = 4096;
constexpr std::uint64_t samples = 32;

FileStat from_stat(const struct stat& s) {
  FileStat out;
  out.key = {static_cast<std::uint64_t>(s.st_dev), static_cast<std::uint64_t>(s.st_ino)};
  out.size = static_cast<std::uint64_t>(s.st_size);
  out.mtime_ns = std::int64_t{s.st_mtim.tv_sec} * 1'000'000'000 + s.st_mtim.tv_nsec;
  out.links = static_cast<std::uint64_t>(s.st_nlink);
  return out;
}

// openat2 keeps every component below the root from being a link, whoever swaps folders meanwhile. Kernels and
// sandboxes without it get the guard for the last component alone.
int open_beneath(const std::string& path, std::size_t root_bytes) {
  const std::string root = root_bytes == 0 ? std::string("/") : path.substr(0, root_bytes);
  const std::string rest = path.substr(std::min(path.size(), root_bytes + 1));
  const Fd folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return -1;
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(open_flags);
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  const long fd = ::syscall(SYS_openat2, folder.get(), rest.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return ::openat(folder.get(), rest.c_str(), open_flags);
}

// REQUIRES: length <= head_bytes_max.
Identity check_bytes(int fd, std::uint64_t offset, std::size_t length, std::uint64_t hash) {
  std::array<char, head_bytes_max> bytes;
  if (length == 0) return Identity::same;
  const std::int64_t n = read_at(fd, offset, bytes.data(), length);
  if (n < 0) return Identity::unreadable;
  const bool same = static_cast<std::size_t>(n) == length && hash64({bytes.data(), length}) == hash;
  return same ? Identity::same : Identity::changed;
}

}  // namespace

Result<OpenFile> open_log_file(const std::string& path, std::size_t root_bytes) {
  OpenFile file;
  file.fd = Fd(open_beneath(path, root_bytes));
  if (!file.fd.open()) {
    const int error = errno;
    Error e = errno_error("opening " + path, error);
    if (error == EMFILE || error == ENFILE) e.code = Code::limit;
    return e;
  }
  struct stat s {};
  if (::fstat(file.fd.get(), &s) != 0) return errno_error("looking at " + path, errno);
  if (!S_ISREG(s.st_mode)) return Error{Code::invalid, path + " is not a regular file"};
  file.stat = from_stat(s);
  return file;
}

Result<FileStat> stat_open(int fd) {
  struct stat s {};
  if (::fstat(fd, &s) != 0) return errno_error("looking at an open file", errno);
  return from_stat(s);
}

std::optional<FileStat> stat_path(const std::string& path, bool* regular) {
  struct stat s {};
  if (::lstat(path.c_str(), &s) != 0) return std::nullopt;
  if (regular != nullptr) *regular = S_ISREG(s.st_mode);
  return from_stat(s);
}

std::int64_t read_at(int fd, std::uint64_t offset, char* out, std::size_t bytes) {
  std::size_t got = 0;
  while (got < bytes) {
    const ssize_t n = ::pread(fd, out + got, bytes - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return static_cast<std::int64_t>(got);
}

Head read_head(int fd) {
  std::array<char, head_bytes_max> bytes;
  const std::int64_t n = read_at(fd, 0, bytes.data(), bytes.size());
  if (n <= 0) return {};
  return {static_cast<std::uint32_t>(n), hash64({bytes.data(), static_cast<std::size_t>(n)})};
}

Identity check_head(int fd, const Head& head) {
  if (head.length > head_bytes_max) return Identity::changed;
  return check_bytes(fd, 0, head.length, head.hash);
}

Marker make_marker(std::string_view bytes_before) {
  if (bytes_before.size() > marker_bytes_max) bytes_before.remove_prefix(bytes_before.size() - marker_bytes_max);
  return {static_cast<std::uint32_t>(bytes_before.size()), hash64(bytes_before)};
}

Marker read_marker(int fd, std::uint64_t offset) {
  std::array<char, marker_bytes_max> bytes;
  const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes.size()));
  const std::int64_t n = read_at(fd, offset - length, bytes.data(), length);
  if (n != static_cast<std::int64_t>(length)) return {};
  return make_marker({bytes.data(), length});
}

Identity check_marker(int fd, std::uint64_t offset, const Marker& marker) {
  if (marker.length > marker_bytes_max || marker.length > offset) return Identity::changed;
  return check_bytes(fd, offset - marker.length, marker.length, marker.hash);
}

std::optional<Hash128> first_line(int fd, std::size_t line_bytes_max, bool final) {
  std::uint64_t at = 0;
  const off_t data = ::lseek(fd, 0, SEEK_DATA);
  if (data > 0) at = static_cast<std::uint64_t>(data);
  // A short piece first: most first lines are short, and the whole of a long one is read once only.
  for (std::size_t want = sample_bytes;;) {
    want = std::min(want, line_bytes_max + 1);
    const auto bytes = std::make_unique_for_overwrite<char[]>(want);
    const std::int64_t n = read_at(fd, at, bytes.get(), want);
    if (n <= 0) return std::nullopt;
    std::string_view text(bytes.get(), static_cast<std::size_t>(n));
    const std::size_t nuls = std::min(text.find_first_not_of('\0'), text.size());
    if (nuls > 0) {
      at += nuls;
      continue;
    }
    const std::size_t newline = text.find('\n');
    if (newline != std::string_view::npos) return hash128(text.substr(0, std::min(newline, line_bytes_max)));
    if (text.size() > line_bytes_max) return hash128(text.substr(0, line_bytes_max));
    if (text.size() < want) return final ? std::optional(hash128(text)) : std::nullopt;
    want = line_bytes_max + 1;
  }
}

bool same_content(int a, int b, std::uint64_t bytes) {
  std::array<char, sample_bytes> left;
  std::array<char, sample_bytes> right;
  const std::uint64_t pieces = (bytes + sample_bytes - 1) / sample_bytes;
  const std::uint64_t steps = std::min(pieces, samples);
  for (std::uint64_t i = 0; i < steps; ++i) {
    // The last piece is always among them.
    const std::uint64_t piece = steps == pieces ? i : (pieces - 1) * i / (steps - 1);
    const std::uint64_t offset = piece * sample_bytes;
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(sample_bytes, bytes - offset));
    if (read_at(a, offset, left.data(), want) != static_cast<std::int64_t>(want)) return false;
    if (read_at(b, offset, right.data(), want) != static_cast<std::int64_t>(want)) return false;
    if (std::memcmp(left.data(), right.data(), want) != 0) return false;
  }
  return true;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Small POSIX file helpers with Results. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

// Owns one descriptor; every descriptor is opened O_CLOEXEC.
class Fd final {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// An Error whose code follows errno and whose message is `what` and the system's words for it.
[[nodiscard]] Error errno_error(std::string_view what, int error_number);

// Writes all of it, however often the system takes only a part. `path` is for the message.
[[nodiscard]] Status write_all(int fd, std::string_view bytes, const std::string& path);
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::uint64_t bytes_max);
// Atomic and durable: a temporary neighbour, fsync, rename, fsync of the folder. Mode 0600. A reader sees the old
// content or the new one, whatever happens.
[[nodiscard]] Status write_file_durable(const std::string& path, std::string_view content);
// The same of `pieces`, one behind the other.
[[nodiscard]] Status write_file_durable(const std::string& path, const std::vector<std::string_view>& pieces);
// Makes `next`, which is written and synced, the current file, and the one before it the previous; all in one folder,
// which is synced. At no moment is there no current file, but on a file system without hard links: there the previous
// one is what is left.
[[nodiscard]] Status next_generation(const std::string& next, const std::string& current, const std::string& previous);
// Creates the folder (mode 0700) and its missing parents.
[[nodiscard]] Status make_folders(const std::string& path);
// An exclusive lock on `path` (created, mode 0600) that dies with the process; holds our pid as text. Code::busy names
// the holder's pid and the path.
[[nodiscard]] Result<Fd> lock_file(const std::string& path);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tapewatch {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status sync_folder(const std::string& path) {
  const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return errno_error("opening " + path, errno);
  if (::fsync(folder.get()) != 0) return errno_error("syncing " + path, errno);
  return success();
}

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Code::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::permission;
    case ENOSPC:
    case EDQUOT:
      return Code::full;
    default:
      return Code::io;
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Error errno_error(std::string_view what, int error_number) {
  return Error{code_of(error_number), std::string(what) + ": " + std::generic_category().message(error_number)};
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_error("writing " + path, n < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return success();
}

Result<std::string> read_file(const std::string& path, std::uint64_t bytes_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return errno_error("opening " + path, errno);
  std::string content;
  constexpr std::size_t step = 65536;
  for (;;) {
    const std::size_t had = content.size();
    if (had > bytes_max)
      return Error{Code::limit, "reading " + path + ": larger than " + std::to_string(bytes_max) + " bytes"};
    content.resize(had + step);
    const ssize_t n = ::read(file.get(), content.data() + had, step);
    if (n < 0 && errno != EINTR) return errno_error("reading " + path, errno);
    content.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n == 0) return content;
  }
}

Status write_file_durable(const std::string& path, std::string_view content) {
  return write_file_durable(path, std::vector<std::string_view>{content});
}

Status write_file_durable(const std::string& path, const std::vector<std::string_view>& pieces) {
  const std::string temporary = path + ".new";
  {
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.open()) return errno_error("creating " + temporary, errno);
    for (const std::string_view piece : pieces) {
      if (Status written = write_all(file.get(), piece, temporary); !written.ok()) return written;
    }
    if (::fdatasync(file.get()) != 0) return errno_error("syncing " + temporary, errno);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return errno_error("renaming " + temporary + " to " + path, errno);
  return sync_folder(folder_of(path));
}

Status next_generation(const std::string& next, const std::string& current, const std::string& previous) {
  ::unlink(previous.c_str());
  if (::link(current.c_str(), previous.c_str()) != 0 && errno != ENOENT)
    (void)::rename(current.c_str(), previous.c_str());
  if (::rename(next.c_str(), current.c_str()) != 0) return errno_error("renaming " + next, errno);
  return sync_folder(folder_of(current));
}

Status make_folders(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return errno_error("creating the folder " + part, errno);
  }
  return success();
}

Result<Fd> lock_file(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.open()) return errno_error("opening " + path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("locking " + path, errno);
    Result<std::string> holder = read_file(path, 64);
    return Error{Code::busy, path + " is held by process " + (holder.ok() ? holder.value() : std::string("?"))};
  }
  if (::ftruncate(file.get(), 0) != 0) return errno_error("truncating " + path, errno);
  Status written = write_all(file.get(), std::to_string(::getpid()), path);
  if (!written.ok()) return std::move(written).error();
  return file;
}

}  // namespace tapewatch

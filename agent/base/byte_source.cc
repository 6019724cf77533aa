// SPDX-License-Identifier: Apache-2.0
#include "base/byte_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace tapewatch {

Result<std::unique_ptr<FileSource>> FileSource::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return errno_error("opening " + path, errno);
  return std::unique_ptr<FileSource>(new FileSource(std::move(fd), path));
}

std::string FileSource::beginning(std::size_t bytes) const {
  std::string found(bytes, '\0');
  const ssize_t got = ::pread(fd_.get(), found.data(), bytes, 0);
  found.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return found;
}

Result<std::size_t> FileSource::read(char* out, std::size_t bytes) {
  ssize_t got = 0;
  do {
    got = ::read(fd_.get(), out, bytes);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno_error("reading " + path_, errno);
  bytes_read_ += static_cast<std::size_t>(got);
  return static_cast<std::size_t>(got);
}

}  // namespace tapewatch

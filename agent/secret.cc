// SPDX-License-Identifier: Apache-2.0
#include "secret.h"

#include <sys/stat.h>

#include "base/files.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t secret_bytes_max = 64 * 1024;

}  // namespace

Result<Secret> read_secret_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return Error{Code::invalid, path + " is not a file"};
    if ((status.st_mode & S_IROTH) != 0) return Error{Code::permission, "everybody can read " + path};
  }
  Result<std::string> content = read_file(path, secret_bytes_max);
  if (!content) return std::move(content).error();
  std::string bytes = std::move(content).value();
  while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes.pop_back();
  if (bytes.empty()) return Error{Code::invalid, path + " is empty"};
  return Secret(std::move(bytes), path);
}

Result<Secret> read_again(const Secret& secret) {
  if (secret.file().empty()) return secret;
  return read_secret_file(secret.file());
}

}  // namespace tapewatch

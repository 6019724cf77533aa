// SPDX-License-Identifier: Apache-2.0
#include "base/state_file.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/state_bytes.h"

namespace tapewatch {

Status write_state_file(const std::string& path, std::string_view head, std::string_view content) {
  std::string file(head);
  StateWriter(file).half_word(crc32c(content));
  return write_file_durable(path, file.append(content));
}

Result<std::optional<std::string>> read_state_file(const std::string& path, std::string_view head,
                                                   std::uint64_t bytes_max) {
  Result<std::string> file = read_file(path, bytes_max);
  if (!file.ok() && file.error().code == Code::not_found) return std::optional<std::string>();
  if (!file.ok()) return std::move(file).error();
  if (!file->starts_with(head)) return Error{Code::corrupt, path + " does not begin as it should"};
  StateReader sum(std::string_view(*file).substr(head.size()));
  const std::uint32_t expected = sum.half_word();
  if (sum.failed()) return Error{Code::corrupt, path + " is cut"};
  file->erase(0, head.size() + sizeof expected);
  if (crc32c(*file) != expected) return Error{Code::corrupt, "the checksum of " + path + " does not match"};
  return std::optional<std::string>(std::move(*file));
}

}  // namespace tapewatch

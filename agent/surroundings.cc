// SPDX-License-Identifier: Apache-2.0
#include "surroundings.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/files.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t pod_labels_bytes_max = 64 * 1024;

}  // namespace

Surroundings process_surroundings() {
  Surroundings around;
  around.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) around.host_name = name.data();
  std::array<char, 4096> folder{};
  if (auto labels = read_file("/etc/podinfo/labels", pod_labels_bytes_max)) around.pod_labels = std::move(*labels);
  if (::getcwd(folder.data(), folder.size()) != nullptr) around.folder = folder.data();
  return around;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration: they load or are refused with a fault, and what is printed is safe for a terminal.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "config.h"

using namespace tapewatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = "/dev/shm/tapewatch-config-fuzz-" + std::to_string(::getpid());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::write(fd, data, size) != static_cast<::ssize_t>(size)) std::abort();
  ::close(fd);
  Diagnostics diagnostics;
  const Surroundings around{[](const std::string&) { return std::nullopt; }, "host", "/"};
  const bool loaded = load_config(path, around, diagnostics).has_value();
  if (loaded == diagnostics.has_errors()) std::abort();
  const std::string printed = diagnostics.render(false) + diagnostics.render_json();
  for (const char c : printed) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') std::abort();
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What this process uses, read from /proc/self at the moment of the call. Thread: any.

#include <cstdint>

namespace tapewatch {

struct ProcessUse {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t fds_max = 0;
  std::uint64_t threads = 0;
  double start_seconds = 0;  // since 1970
};

// What cannot be read stays 0.
[[nodiscard]] ProcessUse read_process_use();

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many descriptors the process may hold: the soft limit of the kernel is often 1024, the hard one far above. Raised
// once, before anything is opened. Thread: main.

#include <cstdint>
#include <string>

#include "base/log.h"
#include "config.h"

namespace tapewatch {

// Of the log files, the front door's connections, the outputs, the store and the agent's own files.
[[nodiscard]] std::uint64_t descriptors_needed(const Config& config);

struct FileLimit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
// The soft limit that `needed` descriptors want: never below what it is, never above the hard one.
[[nodiscard]] std::uint64_t wanted_soft_limit(std::uint64_t needed, const FileLimit& now);
// Raises the limit of this process as far as it is allowed to, and says how to mend it when that is too little.
void raise_file_limit(const Config& config, Log& log);

}  // namespace tapewatch

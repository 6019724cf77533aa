// SPDX-License-Identifier: Apache-2.0
#pragma once
// A state file: what a part of the agent has to remember over a restart, whole or not at all. Its head names the part
// and the version of its bytes; a checksum (CRC-32C) covers them. Thread: any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

// Atomic and durable, mode 0600. `head` is one line: "tapewatch webhook 1\n".
[[nodiscard]] Status write_state_file(const std::string& path, std::string_view head, std::string_view content);
// Nothing when there is no such file. Code::corrupt: another head, or bytes that are not those that were written.
[[nodiscard]] Result<std::optional<std::string>> read_state_file(const std::string& path, std::string_view head,
                                                                 std::uint64_t bytes_max);

}  // namespace tapewatch

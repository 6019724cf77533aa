// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a process uses, read from /proc at the moment of the call. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

struct ProcessUse {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t fds_max = 0;
  std::uint64_t threads = 0;
  double start_seconds = 0;      // since 1970
  std::uint64_t read_bytes = 0;  // from disk; of another user's process not to be known
  std::uint64_t written_bytes = 0;
};

// Of this process. What cannot be read stays 0.
[[nodiscard]] ProcessUse read_process_use();
// Of the process in `folder` ("/proc/17"), `proc` being the one above it. False when there is none.
[[nodiscard]] bool read_process_use(const std::string& proc, const std::string& folder, ProcessUse& use);

// The text of a file below /proc or /sys; "" when it cannot be read, or is no plain file.
[[nodiscard]] std::string proc_text(const std::string& path);
// A number in digits; 0 for anything else.
[[nodiscard]] std::uint64_t proc_number(std::string_view text);
// What stands between blanks and line ends.
[[nodiscard]] std::vector<std::string_view> proc_words(std::string_view text);
// The value behind `name` in "name value" lines, 0 when it is not there.
[[nodiscard]] std::uint64_t proc_value(std::string_view text, std::string_view name);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a sample of a log to a configuration in which every guess is explained. Reads only what it is given; the caller
// reads files and writes the result. Thread: any.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

struct LogSample {
  std::string path;                     // absolute
  std::string text;                     // the file's first bytes
  std::vector<std::string> neighbours;  // names of the other files in its folder
};

inline constexpr std::size_t sample_bytes_max = 512 * 1024;
inline constexpr std::size_t sample_lines_max = 2'000;

// The text of a configuration that passes validation.
[[nodiscard]] std::string guess_configuration(const LogSample& sample);

}  // namespace tapewatch

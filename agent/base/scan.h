// SPDX-License-Identifier: Apache-2.0
#pragma once
// Scans that read a whole line at the speed of memory, to find the few places worth a closer look. Thread: any.

#include <cstddef>
#include <string_view>
#include <vector>

namespace tapewatch {

struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const TextRange&, const TextRange&) = default;
};

// Shortest run that find_digit_runs() reports: the length of the shortest card number.
inline constexpr std::size_t digit_run_min = 13;

// Appends every longest run of at least digit_run_min characters that starts and ends with a digit and consists of
// digits and of single spaces or dashes between digits.
void find_digit_runs(std::string_view text, std::vector<TextRange>& runs);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What can be said about a configuration file's text before it is parsed, and about the places of brackets and quotes
// that the YAML parser reports in the wrong line. Thread: any.

#include <optional>
#include <string>
#include <string_view>

#include "config_faults.h"

namespace tapewatch {

inline constexpr std::uint64_t config_bytes_max = 1024 * 1024;
inline constexpr std::size_t nesting_max = 32;

// Reports tabs in indentation and brackets within brackets without end. True when the text may be parsed.
[[nodiscard]] bool check_text(int file, std::string_view text, ConfigFaults& faults);

// A quote or bracket that is opened but not closed before line `line_max`.
struct Unclosed {
  char opened = '"';
  int line = 0;
  int column = 0;
};
[[nodiscard]] std::optional<Unclosed> find_unclosed(std::string_view text, int line_max);

// The same text, byte for byte as long, with the values of keys that look like secrets and passwords within URLs
// replaced by asterisks: what may be shown beside a fault.
[[nodiscard]] std::string redact_secrets(std::string_view text);

}  // namespace tapewatch

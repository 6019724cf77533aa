// SPDX-License-Identifier: Apache-2.0
#pragma once
// Searching text without regard to ASCII case. Patterns are given folded (lower case). Thread: any.

#include <cstddef>
#include <string>
#include <string_view>

namespace tapewatch {

[[nodiscard]] constexpr bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
[[nodiscard]] std::string fold(std::string_view text);

// Offset of the first occurrence at or after `from`, or npos. An empty pattern is found at `from`.
[[nodiscard]] std::size_t fold_find(std::string_view text, std::string_view folded, std::size_t from = 0);
[[nodiscard]] bool fold_equal(std::string_view text, std::string_view folded);

}  // namespace tapewatch

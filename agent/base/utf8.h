// SPDX-License-Identifier: Apache-2.0
#pragma once
// UTF-8 (RFC 3629): strict, so overlong forms, surrogates and values above U+10FFFF are not UTF-8. Thread: any.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tapewatch {

// Bytes of the well-formed sequence at the start of `text`, 0 when there is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
// How many bytes of `text`, at most `bytes_max`, end with a whole character.
[[nodiscard]] std::size_t utf8_cut(std::string_view text, std::size_t bytes_max);
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace tapewatch

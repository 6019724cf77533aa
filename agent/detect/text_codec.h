// SPDX-License-Identifier: Apache-2.0
#pragma once
// The encodings that rules can ask for: base64 at its three offsets, UTF-16. Thread: any.

#include <array>
#include <string>
#include <string_view>

namespace tapewatch {

// How `bytes` look inside a base64 text that started zero, one or two bytes before them: only the characters that
// depend on nothing but them.
[[nodiscard]] std::array<std::string, 3> base64_offsets(std::string_view bytes);

enum class ByteOrder : unsigned char { little, big };
// `text` is UTF-8; a byte that is not stands for the character of its number.
[[nodiscard]] std::string utf16(std::string_view text, ByteOrder order);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Case folding for rules: letters of one case and length in UTF-8 (ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic,
// full-width Latin). A folded text has the length of its source, so places in one are places in the other.
// Thread: any.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tapewatch {

// Whether folding changes nothing: no upper-case ASCII letter and nothing but ASCII.
[[nodiscard]] bool is_folded_ascii(std::string_view text);
[[nodiscard]] bool is_ascii(std::string_view text);
// Writes text.size() bytes to `out`.
void fold_into(std::string_view text, char* out);
[[nodiscard]] std::string folded(std::string_view text);

// Whether bytes of this character may change in folding although they are not ASCII: such a character must not be part
// of a literal that an ASCII-only search looks for. `text` starts with the character, `bytes` long.
[[nodiscard]] bool has_case_beyond_ascii(std::string_view text, std::size_t bytes);

// A hash that all spellings of one ASCII text share: bit 5 of every byte is ignored. Whoever finds by it compares.
[[nodiscard]] inline std::uint64_t caseless_hash(std::string_view text) {
  constexpr std::uint64_t case_bits = 0x2020202020202020u;
  constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15u;
  const auto load = [&text](std::size_t at, std::size_t bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, bytes);
    return word;
  };
  const std::size_t size = text.size();
  std::uint64_t hash = size * 0xD6E8FEB86659FD93u;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ (word | case_bits)) * multiplier;
    hash ^= hash >> 29;
  };
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) mix(load(at, 8));
    mix(load(size - 8, 8));
  } else if (size >= 4) {
    mix(load(0, 4) | load(size - 4, 4) << 32);
  } else if (size > 0) {
    mix(load(0, 1) | load(size / 2, 1) << 8 | load(size - 1, 1) << 16);
  }
  return hash;
}

}  // namespace tapewatch

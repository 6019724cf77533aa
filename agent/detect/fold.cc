// SPDX-License-Identifier: Apache-2.0
#include "detect/fold.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080u;

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// The lower-case partner of a two-byte code point, or the code point itself. Only pairs whose halves are both two
// bytes long are folded.
std::uint32_t lower_two_bytes(std::uint32_t c) {
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 0x20;
  if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return (c & 1) != 0 ? c + 1 : c;
  if (c == 0x178) return 0xFF;
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 0x20;
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 0x25;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 0x3F;
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  if ((c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F)) return c | 1;
  return c;
}

bool two_byte_lead(unsigned char c) { return c >= 0xC3 && c <= 0xD4; }

bool continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// U+FF21 to U+FF3A, "Ａ" to "Ｚ".
bool full_width_upper(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && byte_at(text, at) == 0xEF && byte_at(text, at + 1) == 0xBC &&
         byte_at(text, at + 2) >= 0xA1 && byte_at(text, at + 2) <= 0xBA;
}

bool full_width_lower(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && byte_at(text, at) == 0xEF && byte_at(text, at + 1) == 0xBD &&
         byte_at(text, at + 2) >= 0x81 && byte_at(text, at + 2) <= 0x9A;
}

// Folds the non-ASCII character at `at`; returns its bytes.
std::size_t fold_wide(std::string_view text, std::size_t at, char* out) {
  const unsigned char c = byte_at(text, at);
  if (two_byte_lead(c) && at + 1 < text.size() && continuation(byte_at(text, at + 1))) {
    const std::uint32_t lower = lower_two_bytes((std::uint32_t{c} & 0x1F) << 6 | (byte_at(text, at + 1) & 0x3F));
    out[at] = static_cast<char>(0xC0 | lower >> 6);
    out[at + 1] = static_cast<char>(0x80 | (lower & 0x3F));
    return 2;
  }
  if (full_width_upper(text, at)) {
    out[at] = text[at];
    out[at + 1] = static_cast<char>(0xBD);
    out[at + 2] = static_cast<char>(byte_at(text, at + 2) - 0x20);
    return 3;
  }
  out[at] = text[at];
  return 1;
}

}  // namespace

bool is_ascii(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & high_bits) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if (byte_at(text, at) >= 0x80) return false;
  }
  return true;
}

bool is_folded_ascii(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & high_bits) != 0) return false;
    // Per byte: bit 7 of (c + 0x3F) is set from 'A' on, of (c + 0x25) from '[' on.
    const std::uint64_t from_a = word + 0x3F3F3F3F3F3F3F3Fu;
    const std::uint64_t from_behind_z = word + 0x2525252525252525u;
    if ((from_a & ~from_behind_z & high_bits) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    const unsigned char c = byte_at(text, at);
    if (c >= 0x80 || (c >= 'A' && c <= 'Z')) return false;
  }
  return true;
}

void fold_into(std::string_view text, char* out) {
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char c = byte_at(text, at);
    if (c >= 0x80) {
      at += fold_wide(text, at, out);
      continue;
    }
    out[at] = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    ++at;
  }
}

std::string folded(std::string_view text) {
  std::string out(text.size(), '\0');
  fold_into(text, out.data());
  return out;
}

bool has_case_beyond_ascii(std::string_view text, std::size_t bytes) {
  if (bytes == 2) return two_byte_lead(byte_at(text, 0));
  return full_width_upper(text, 0) || full_width_lower(text, 0);
}

}  // namespace tapewatch

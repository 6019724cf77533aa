// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace tapewatch {
namespace {

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto a = static_cast<unsigned char>(text[0]);
  if (a < 0x80) return 1;
  const auto b = text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0u;
  if (a >= 0xC2 && a <= 0xDF) return continues(text, 1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    if (!continues(text, 1) || !continues(text, 2)) return 0;
    if (a == 0xE0 && b < 0xA0) return 0;
    if (a == 0xED && b >= 0xA0) return 0;
    return 3;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    if (!continues(text, 1) || !continues(text, 2) || !continues(text, 3)) return 0;
    if (a == 0xF0 && b < 0x90) return 0;
    if (a == 0xF4 && b >= 0x90) return 0;
    return 4;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::size_t utf8_cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

}  // namespace tapewatch

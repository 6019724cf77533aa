// SPDX-License-Identifier: Apache-2.0
#include "detect/text_codec.h"

#include <algorithm>
#include <cstdint>

#include "base/base64.h"
#include "base/utf8.h"

namespace tapewatch {
namespace {

std::uint32_t byte_or_zero(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

void append_unit(std::string& out, std::uint32_t unit, ByteOrder order) {
  const char high = static_cast<char>(unit >> 8);
  const char low = static_cast<char>(unit & 0xFF);
  out.push_back(order == ByteOrder::little ? low : high);
  out.push_back(order == ByteOrder::little ? high : low);
}

// The code point of the well-formed sequence `text`.
std::uint32_t decode(std::string_view text) {
  const std::uint32_t lead = byte_or_zero(text, 0);
  if (text.size() == 1) return lead;
  std::uint32_t point = lead & (0x7Fu >> text.size());
  for (std::size_t i = 1; i < text.size(); ++i) point = point << 6 | (byte_or_zero(text, i) & 0x3F);
  return point;
}

}  // namespace

std::array<std::string, 3> base64_offsets(std::string_view bytes) {
  constexpr std::array<std::size_t, 3> cut_front = {0, 2, 3};
  constexpr std::array<std::size_t, 3> cut_back = {0, 3, 2};
  std::array<std::string, 3> offsets;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const std::string shifted = base64(std::string(offset, ' ') + std::string(bytes));
    const std::size_t back = cut_back[(bytes.size() + offset) % 3];
    const std::size_t cut = cut_front[offset] + back;
    offsets[offset] = shifted.size() > cut ? shifted.substr(cut_front[offset], shifted.size() - cut) : "";
  }
  return offsets;
}

std::string utf16(std::string_view text, ByteOrder order) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::max<std::size_t>(1, utf8_sequence(text.substr(at)));
    std::uint32_t point = decode(text.substr(at, bytes));
    if (point >= 0x10000) {
      point -= 0x10000;
      append_unit(out, 0xD800 + (point >> 10), order);
      point = 0xDC00 + (point & 0x3FF);
    }
    append_unit(out, point, order);
    at += bytes;
  }
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <cstdint>

namespace tapewatch {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint32_t byte_or_zero(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t word =
        byte_or_zero(bytes, at) << 16 | byte_or_zero(bytes, at + 1) << 8 | byte_or_zero(bytes, at + 2);
    out.push_back(alphabet[word >> 18]);
    out.push_back(alphabet[word >> 12 & 63]);
    out.push_back(at + 1 < bytes.size() ? alphabet[word >> 6 & 63] : '=');
    out.push_back(at + 2 < bytes.size() ? alphabet[word & 63] : '=');
  }
  return out;
}

}  // namespace tapewatch

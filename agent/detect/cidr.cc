// SPDX-License-Identifier: Apache-2.0
#include "detect/cidr.h"

#include <arpa/inet.h>

#include <charconv>

namespace tapewatch {
namespace {

constexpr std::size_t address_bytes_max = 45;

// 4 or 16 bytes into `out`, or 0 when `text` is no address.
int parse_address(std::string_view text, std::array<std::uint8_t, 16>& out) {
  if (text.empty() || text.size() > address_bytes_max) return 0;
  const std::string zero_ended(text);
  if (inet_pton(AF_INET, zero_ended.c_str(), out.data()) == 1) return 4;
  if (inet_pton(AF_INET6, zero_ended.c_str(), out.data()) == 1) return 16;
  return 0;
}

// Whether the first `bits` of both are equal.
bool same_prefix(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b, int bits) {
  for (int i = 0; i < bits; ++i) {
    const auto byte = static_cast<std::size_t>(i / 8);
    if (((a[byte] ^ b[byte]) >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

}  // namespace

Result<Cidr> Cidr::parse(std::string_view text) {
  Cidr network;
  const std::size_t slash = text.find('/');
  network.size_ = parse_address(text.substr(0, slash), network.bytes_);
  if (network.size_ == 0) return Error{Code::invalid, "not an IPv4 or IPv6 network"};
  network.bits_ = network.size_ * 8;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    int bits = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > network.bits_) {
      return Error{Code::invalid, "prefix length must be 0 to " + std::to_string(network.bits_)};
    }
    network.bits_ = bits;
  }
  for (int i = network.bits_; i < network.size_ * 8; ++i) {
    if ((network.bytes_[static_cast<std::size_t>(i / 8)] >> (7 - i % 8) & 1) != 0) {
      return Error{Code::invalid, "bits are set behind the prefix"};
    }
  }
  return network;
}

bool Cidr::contains(std::string_view address) const {
  std::array<std::uint8_t, 16> bytes{};
  return parse_address(address, bytes) == size_ && same_prefix(bytes, bytes_, bits_);
}

}  // namespace tapewatch

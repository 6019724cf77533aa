// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cidr: a network of IPv4 or IPv6 addresses. A value; thread: any.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

class Cidr final {
 public:
  Cidr() = default;
  // "10.0.0.0/8", "fe80::/10", or one address. Bits set behind the prefix are an error: the rule means another network.
  [[nodiscard]] static Result<Cidr> parse(std::string_view text);
  // Text that is not an address is in no network.
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  int size_ = 0;  // 4 or 16
  int bits_ = 0;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Decimal: an exact number as JSON and rules write it, compared digit by digit: 9007199254740993 is not
// 9007199254740992, and 5 is 5.0. A value; thread: any.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapewatch {

class Decimal final {
 public:
  Decimal() = default;
  // JSON's number grammar, whole text. nullopt when it is anything else or its exponent is beyond 10,000.
  [[nodiscard]] static std::optional<Decimal> parse(std::string_view text);
  [[nodiscard]] static Decimal from(std::int64_t value);

  [[nodiscard]] std::strong_ordering compare(const Decimal& other) const;
  // How the number that `text` is stands to this one. nullopt when parse() would give nothing. Quick for short numbers.
  [[nodiscard]] std::optional<std::strong_ordering> compare_text(std::string_view text) const;
  friend bool operator==(const Decimal& a, const Decimal& b) { return a.compare(b) == std::strong_ordering::equal; }

  // One text for each value: "-12.5", "200", "1e30" as digits and exponent when it is long.
  [[nodiscard]] std::string canonical() const;

 private:
  // A number of few digits and no exponent: mantissa / 10^scale.
  struct Short {
    std::int64_t mantissa = 0;
    int scale = -1;  // -1: it is not short
    friend bool operator==(const Short&, const Short&) = default;
  };
  [[nodiscard]] static Short parse_short(std::string_view text);
  [[nodiscard]] std::strong_ordering compare_magnitude(const Decimal& other) const;

  bool negative_ = false;
  int point_ = 0;       // the value is 0.DIGITS * 10^point
  std::string digits_;  // neither first nor last is '0'; empty for zero
  Short short_ = {0, 0};
};

// Whether `text` is an integer in the one way to write it: then canonical() of its Decimal is `text` itself.
[[nodiscard]] bool is_plain_integer(std::string_view text);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "event/json_index.h"

namespace tapewatch {
namespace {

constexpr int exponent_max = 10'000;
constexpr int plain_digits_max = 40;
constexpr int short_digits_max = 18;

__extension__ using Wide = __int128;

constexpr std::array<std::int64_t, short_digits_max + 1> powers = [] {
  std::array<std::int64_t, short_digits_max + 1> all{1};
  for (std::size_t i = 1; i < all.size(); ++i) all[i] = all[i - 1] * 10;
  return all;
}();

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  if (!is_json_number(text)) return std::nullopt;
  Decimal number;
  number.short_ = parse_short(text);
  if (text.front() == '-') {
    number.negative_ = true;
    text.remove_prefix(1);
  }
  int exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.front() == '+') digits.remove_prefix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc() || exponent < -exponent_max || exponent > exponent_max) return std::nullopt;
    text = text.substr(0, e);
  }
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  number.digits_ = whole;
  if (dot != std::string_view::npos) number.digits_.append(text.substr(dot + 1));
  const std::size_t first = std::min(number.digits_.find_first_not_of('0'), number.digits_.size());
  number.point_ = static_cast<int>(whole.size()) - static_cast<int>(first) + exponent;
  number.digits_.erase(0, first);
  number.digits_.erase(number.digits_.find_last_not_of('0') + 1);
  if (number.digits_.empty()) return Decimal();
  return number;
}

// Digits with at most one dot, after an optional minus; anything else, also what is no number, is not short.
Decimal::Short Decimal::parse_short(std::string_view text) {
  const bool minus = !text.empty() && text.front() == '-';
  if (minus) text.remove_prefix(1);
  const bool leading_zero = text.size() > 1 && text[0] == '0' && text[1] != '.';
  if (text.empty() || text.size() > short_digits_max || leading_zero) return {};
  std::int64_t mantissa = 0;
  std::size_t dot = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      mantissa = mantissa * 10 + (text[i] - '0');
    } else if (text[i] == '.' && dot == text.size() && i > 0 && i + 1 < text.size()) {
      dot = i;
    } else {
      return {};
    }
  }
  const std::size_t scale = dot == text.size() ? 0 : text.size() - dot - 1;
  return {minus ? -mantissa : mantissa, static_cast<int>(scale)};
}

std::optional<std::strong_ordering> Decimal::compare_text(std::string_view text) const {
  const Short other = parse_short(text);
  if (short_.scale >= 0 && other.scale >= 0) {
    return static_cast<Wide>(other.mantissa) * powers[static_cast<std::size_t>(short_.scale)] <=>
           static_cast<Wide>(short_.mantissa) * powers[static_cast<std::size_t>(other.scale)];
  }
  const auto number = parse(text);
  if (!number) return std::nullopt;
  return number->compare(*this);
}

Decimal Decimal::from(std::int64_t value) { return *parse(std::to_string(value)); }

std::strong_ordering Decimal::compare_magnitude(const Decimal& other) const {
  if (digits_.empty() || other.digits_.empty()) return !digits_.empty() <=> !other.digits_.empty();
  if (point_ != other.point_) return point_ <=> other.point_;
  return digits_.compare(other.digits_) <=> 0;
}

std::strong_ordering Decimal::compare(const Decimal& other) const {
  if (negative_ != other.negative_) return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  return negative_ ? other.compare_magnitude(*this) : compare_magnitude(other);
}

std::string Decimal::canonical() const {
  if (digits_.empty()) return "0";
  std::string out = negative_ ? "-" : "";
  const int count = static_cast<int>(digits_.size());
  if (point_ > plain_digits_max || point_ < 1 - plain_digits_max) {
    return out.append(digits_).append("e").append(std::to_string(point_));
  }
  if (point_ <= 0) return out.append("0.").append(static_cast<std::size_t>(-point_), '0').append(digits_);
  if (point_ >= count) return out.append(digits_).append(static_cast<std::size_t>(point_ - count), '0');
  return out.append(digits_, 0, static_cast<std::size_t>(point_))
      .append(".")
      .append(digits_, static_cast<std::size_t>(point_));
}

bool is_plain_integer(std::string_view text) {
  const bool minus = !text.empty() && text.front() == '-';
  if (minus) text.remove_prefix(1);
  if (text == "0") return !minus;
  if (text.empty() || text.size() > plain_digits_max || text.front() == '0') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "enrich/card.h"

#include <array>
#include <cstdint>

namespace tapewatch {
namespace {

constexpr int digits_min = 13;
constexpr int digits_max = 19;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool between(int value, int low, int high) { return value >= low && value <= high; }

// Whether an issuer's numbers start with these four digits and have this length.
bool issued(int first_four, int length) {
  const int two = first_four / 100;
  switch (first_four / 1000) {
    case 2:  // Mastercard, Mir
      return between(first_four, 2221, 2720) ? length == 16 : between(first_four, 2200, 2204) && length >= 16;
    case 3:  // American Express, JCB, Diners
      if (two == 34 || two == 37) return length == 15;
      if (two == 35) return first_four >= 3528 && first_four <= 3589 && length >= 16;
      return (two == 30 || two == 36 || two == 38 || two == 39) && length >= 14;
    case 4:  // Visa
      return length == 13 || length == 16 || length == 19;
    case 5:  // Mastercard, Maestro
      return between(two, 51, 55) ? length == 16 : two == 50 || between(two, 56, 58);
    case 6:  // Discover, UnionPay, RuPay, Maestro
      return true;
    default:
      return false;
  }
}

// The same for the first two characters, if they are digits.
bool may_be_issued(char first, char second) {
  if (first == '2') return second >= '2' && second <= '7';
  if (first == '3') return second != '1' && second != '2' && second != '3';
  return first >= '4' && first <= '6';
}

bool luhn(const std::array<std::uint8_t, digits_max>& digits, int length) {
  static constexpr std::array<std::uint8_t, 10> doubled = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
  int sum = 0;
  bool twice = false;
  for (int i = length - 1; i >= 0; --i) {
    const std::uint8_t digit = digits[static_cast<std::size_t>(i)];
    sum += twice ? doubled[digit] : digit;
    twice = !twice;
  }
  return sum % 10 == 0;
}

// How the digits read so far are grouped. Card numbers are written in one group, in groups of one size (4-4-4-4), or
// with a first group of four or six (4-6-5, 6-13); an identifier of other groups that passes for one does so by chance.
struct Groups {
  int count = 0;
  int first = 0;
  bool equal = true;
  void add(int size) {
    if (count == 0) first = size;
    if (size != first) equal = false;
    ++count;
  }
  [[nodiscard]] bool usual() const { return count == 1 || equal || first == 4 || first == 6; }
};

// The longest card number that starts at `begin`, the start of a group, and ends at the end of one; 0 when there is
// none.
std::size_t card_end(std::string_view text, TextRange run, std::size_t begin) {
  std::array<std::uint8_t, digits_max> digits{};
  Groups groups;
  int length = 0;
  std::size_t found = 0;
  for (std::size_t i = begin; i < run.end && length <= digits_max;) {
    int size = 0;
    for (; i < run.end && is_digit(text[i]); ++i, ++size) {
      if (length == digits_max) return found;
      digits[static_cast<std::size_t>(length++)] = static_cast<std::uint8_t>(text[i] - '0');
    }
    groups.add(size);
    const int first_four = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    const bool ends = i == text.size() || !is_alnum(text[i]);
    if (ends && length >= digits_min && groups.usual() && issued(first_four, length) && luhn(digits, length)) found = i;
    ++i;
  }
  return found;
}

// Whether a number may start here: not right behind a letter or a digit, and not as the fraction of another number.
bool may_start(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  return !is_alnum(before) && !(before == '.' && at > 1 && is_digit(text[at - 2]));
}

}  // namespace

bool find_card(std::string_view text, TextRange run, std::size_t from, TextRange& card) {
  for (std::size_t i = from > run.begin ? from : run.begin; i + digits_min <= run.end; ++i) {
    if (!is_digit(text[i]) || !may_start(text, i)) continue;
    if (!may_be_issued(text[i], text[i + 1])) continue;
    if (const std::size_t end = card_end(text, run, i); end != 0) {
      card = {i, end};
      return true;
    }
  }
  return false;
}

}  // namespace tapewatch

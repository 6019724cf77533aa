// SPDX-License-Identifier: Apache-2.0
#pragma once
// StateWriter, StateReader: the numbers and texts of a saved state, one behind the other. Whole numbers are written in
// as few bytes as they need (LEB128), everything else little-endian. The reader may be given any bytes: what does not
// fit makes it fail for good, whatever is read after that is zero or empty, and whoever reads asks failed() once, at
// the end. No count that it returns is larger than the bytes that are left can hold. Thread: any.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace tapewatch {

class StateWriter final {
 public:
  // Appends to `out`, which outlives it.
  explicit StateWriter(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void flag(bool value) { byte(value ? 1 : 0); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  // Small whatever its sign: 0, -1, 1, -2, ...
  void signed_number(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  // A time, in few bytes when it is near `base_ns`.
  void time(std::int64_t ns, std::int64_t base_ns) {
    signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(ns) - static_cast<std::uint64_t>(base_ns)));
  }
  // Eight bytes: of hashes and other numbers that are seldom small.
  void word(std::uint64_t value) {
    char bytes[sizeof value];
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<char>(value >> (8 * i) & 0xFF);
    out_.append(bytes, sizeof bytes);
  }
  void half_word(std::uint32_t value) {
    for (std::size_t i = 0; i < sizeof value; ++i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  // Every bit of it.
  void real(double value) { word(std::bit_cast<std::uint64_t>(value)); }
  void short_real(float value) { half_word(std::bit_cast<std::uint32_t>(value)); }
  void hash(const Hash128& value) {
    word(value.high);
    word(value.low);
  }
  void text(std::string_view value) {
    number(value.size());
    out_.append(value);
  }
  void pairs(const std::vector<std::pair<std::string, std::string>>& values) {
    number(values.size());
    for (const auto& [name, value] : values) {
      text(name);
      text(value);
    }
  }

  // Makes room for the length, to be filled in by end_part(), of what is written from here on. Parts may be nested.
  [[nodiscard]] std::size_t begin_part() {
    word(0);
    return out_.size();
  }
  void end_part(std::size_t part) {
    const std::uint64_t bytes = out_.size() - part;
    for (std::size_t i = 0; i < sizeof bytes; ++i)
      out_[part - sizeof bytes + i] = static_cast<char>(bytes >> (8 * i) & 0xFF);
  }

 private:
  std::string& out_;
};

class StateReader final {
 public:
  explicit StateReader(std::string_view bytes) : rest_(bytes) {}

  // Something did not fit, or fail() was called.
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  // What was read makes no sense.
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  std::uint8_t byte() {
    const std::string_view taken = take(1);
    return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken.front());
  }
  bool flag() {
    const std::uint8_t value = byte();
    if (value > 1) fail();
    return value == 1;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t bits = byte();
      value |= static_cast<std::uint64_t>(bits & 0x7F) << shift;
      if ((bits & 0x80) != 0) continue;
      if (shift == 63 && bits > 1) break;
      return failed_ ? 0 : value;
    }
    fail();
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
  }
  // Up to the year 2255 and back to 1684: what is near the end of the numbers would overflow when time is added to it.
  std::int64_t time(std::int64_t base_ns) {
    constexpr std::int64_t far_ns = 9'000'000'000'000'000'000;
    const auto ns =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(signed_number()) + static_cast<std::uint64_t>(base_ns));
    if (ns <= far_ns && ns >= -far_ns) return ns;
    fail();
    return 0;
  }
  // At most `most`; more is a failure.
  std::uint64_t number_to(std::uint64_t most) { return checked(number(), most); }
  template <typename Choice>
  requires std::is_enum_v<Choice> Choice choice(Choice last) {
    return static_cast<Choice>(number_to(static_cast<std::uint64_t>(last)));
  }
  std::uint64_t word() { return little_endian(take(sizeof(std::uint64_t))); }
  std::uint32_t half_word() { return static_cast<std::uint32_t>(little_endian(take(sizeof(std::uint32_t)))); }
  double real() { return std::bit_cast<double>(word()); }
  float short_real() { return std::bit_cast<float>(half_word()); }
  Hash128 hash() {
    const std::uint64_t high = word();
    return {high, word()};
  }
  // A view into the bytes.
  std::string_view text() { return take(count(1)); }
  std::vector<std::pair<std::string, std::string>> pairs() {
    std::vector<std::pair<std::string, std::string>> values(count(2));
    for (auto& [name, value] : values) {
      name = text();
      value = text();
    }
    return values;
  }
  // How many things follow, each of at least `bytes_each` bytes.
  std::size_t count(std::size_t bytes_each) {
    const std::uint64_t value = number();
    return static_cast<std::size_t>(checked(value, rest_.size() / bytes_each));
  }
  // What was written between begin_part() and end_part().
  std::string_view part() {
    const std::uint64_t bytes = word();
    if (bytes <= rest_.size()) return take(static_cast<std::size_t>(bytes));
    fail();
    return {};
  }

 private:
  std::uint64_t checked(std::uint64_t value, std::uint64_t most) {
    if (value <= most) return value;
    fail();
    return 0;
  }
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  static std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace tapewatch

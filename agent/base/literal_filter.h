// SPDX-License-Identifier: Apache-2.0
#pragma once
// LiteralFilter: tells quickly of most texts that none of a few dozen literals occurs in them, so that a LiteralSet
// need not look. Of each literal four characters in a row are looked for, in 16 groups: a place counts when all four
// belong to one group. It can be wrong only by saying yes. Needs AVX-512 with VBMI; elsewhere it always says yes.
// Immutable once built. Thread: any.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/literals.h"

namespace tapewatch {

class LiteralFilter final {
 public:
  // Whether a filter for these is of use: few literals, each of at least three characters, all ASCII.
  [[nodiscard]] static bool takes(const std::vector<Literal>& literals);
  // REQUIRES: takes(literals).
  explicit LiteralFilter(const std::vector<Literal>& literals);

  [[nodiscard]] bool may_contain(std::string_view text) const {
    if (!usable_) return true;
    return sets_ == 1 ? scan_few(text) : scan_many(text);
  }
  [[nodiscard]] bool usable() const { return usable_; }

 private:
  static constexpr std::size_t gram_size = 4;
  static constexpr std::size_t group_count = 16;
  static constexpr std::size_t set_count = group_count / 8;
  // A place of a literal: a character in its two cases, or none there, so that any will do.
  struct Place {
    std::uint8_t c = 0;
    std::uint8_t other = 0;
    bool any = true;
  };
  using Gram = std::array<Place, gram_size>;
  // The characters that a group takes at one place, and how often texts have one of them.
  struct Chars {
    std::bitset<128> takes;
    double weight_sum = 0;
    void insert(std::uint8_t c);
    [[nodiscard]] double sum_with(const Place& place) const;
  };
  using Group = std::array<Chars, gram_size>;
  // Bit g of entry c: group g takes the character c at this place.
  using Table = std::array<std::uint8_t, 128>;

  static Gram gram_of(const Literal& literal, std::size_t at);
  static void add(const Literal& literal, std::span<Group> groups);
  template <std::size_t sets>
  [[nodiscard]] bool scan(std::string_view text) const;
  [[nodiscard]] bool scan_few(std::string_view text) const;
  [[nodiscard]] bool scan_many(std::string_view text) const;

  bool usable_ = false;
  std::size_t sets_ = set_count;  // of tables; one is enough for few literals
  alignas(64) std::array<std::array<Table, gram_size>, set_count> tables_{};
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// ValueMemo: which rules the recent values of one field wake. Most fields of a log (an action, a level, a message) have
// few values, and what was found out about one of them need not be found out again. Direct-mapped and bounded; where
// values hardly ever repeat (an id, a price) it stands aside for a while. Owned by the WitnessIndex. Thread: worker.

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "event/field_table.h"

namespace tapewatch {

class ValueMemo final {
 public:
  using Rules = std::vector<std::uint32_t>;

  ValueMemo() : entries_(entries) {}

  // The rules of this value; nullptr when it is not known.
  [[nodiscard]] const Rules* find(std::string_view value) {
    place_ = nullptr;
    if (value.size() > value_bytes_max) return nullptr;
    if (++finds_ == finds_in_period) end_period();
    if (aside_) return nullptr;
    Entry& entry = entries_[KeyNode::slot_hash(value) % entries];
    if (entry.size == value.size() && same_bytes(entry.value.data(), value.data(), value.size())) return &entry.rules;
    ++misses_;
    place_ = &entry;
    return nullptr;
  }

  // Remembers the rules of the value that was looked for last and not found, unless it is too long.
  void keep(std::string_view value, const Rules& rules) {
    if (place_ == nullptr) return;
    place_->size = static_cast<std::uint8_t>(value.size());
    std::memcpy(place_->value.data(), value.data(), value.size());
    place_->rules = rules;
  }

 private:
  static constexpr std::size_t entries = 128;
  static constexpr std::size_t value_bytes_max = 95;
  static constexpr std::uint8_t no_value = 0xFF;
  static constexpr std::uint32_t finds_in_period = 1024;
  static constexpr std::uint32_t periods_aside = 64;

  struct Entry {
    std::array<char, value_bytes_max> value;
    std::uint8_t size = no_value;
    Rules rules;
  };

  void end_period() {
    if (!aside_) {
      aside_ = misses_ > finds_in_period / 2;
      periods_ = 0;
    } else if (++periods_ == periods_aside) {
      aside_ = false;
    }
    finds_ = misses_ = 0;
  }

  std::vector<Entry> entries_;
  Entry* place_ = nullptr;  // where the value looked for last belongs
  std::uint32_t finds_ = 0;
  std::uint32_t misses_ = 0;
  std::uint32_t periods_ = 0;
  bool aside_ = false;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// FieldTable: every field that enrichment, masks, rules and metrics name gets a number when the configuration is
// loaded; the parser then fills numbered slots in one pass over a line and looks at nothing else by name.
// Built once, then immutable. Thread: any once built.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

using FieldId = std::uint16_t;
inline constexpr FieldId no_field = 0xFFFF;

// Whether the `n` bytes at `a` and at `b` are the same; for keys, which are too short to be worth a call.
[[nodiscard]] inline bool same_bytes(const char* a, const char* b, std::size_t n) {
  const auto load = [](const char* p, auto word) {
    std::memcpy(&word, p, sizeof word);
    return word;
  };
  if (n >= 8) {
    std::size_t i = 0;
    for (; i + 8 < n; i += 8) {
      if (load(a + i, std::uint64_t{}) != load(b + i, std::uint64_t{})) return false;
    }
    return load(a + n - 8, std::uint64_t{}) == load(b + n - 8, std::uint64_t{});
  }
  if (n >= 4) {
    return load(a, std::uint32_t{}) == load(b, std::uint32_t{}) &&
           load(a + n - 4, std::uint32_t{}) == load(b + n - 4, std::uint32_t{});
  }
  return n == 0 || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

// One object level of the wanted paths: which keys lead to a slot, to a deeper level, or to both.
class KeyNode final {
 public:
  struct Entry {
    std::string key;
    FieldId field = no_field;
    std::unique_ptr<KeyNode> child;
  };
  // nullptr when the key is not wanted. `key` without escapes.
  [[nodiscard]] const Entry* find(std::string_view key) const { return find(key, slot_hash(key)); }
  // The same with the key's slot_hash().
  [[nodiscard]] const Entry* find(std::string_view key, std::size_t hash) const {
    if (table_.empty()) return nullptr;
    const std::size_t mask = table_.size() - 1;
    for (std::size_t i = hash & mask; table_[i] != nullptr; i = (i + 1) & mask) {
      const std::string& known = table_[i]->key;
      if (known.size() == key.size() && same_bytes(known.data(), key.data(), key.size())) return table_[i];
    }
    return nullptr;
  }
  // What a key of a line leads to: itself, or else itself without its spaces ("Source Name" is SourceName), as the
  // Sigma specification has it under "field usage".
  [[nodiscard]] const Entry* find_in_line(std::string_view key) const {
    const Entry* entry = find(key);
    return entry != nullptr || key.find(' ') == std::string_view::npos ? entry : find_without_spaces(key);
  }
  // The entry of `key`, made when missing.
  Entry& at(std::string_view key);

  [[nodiscard]] static std::size_t slot_hash(std::string_view key) {
    const std::size_t n = key.size();
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (n >= 8) {
      std::memcpy(&a, key.data(), 8);
      std::memcpy(&b, key.data() + n - 8, 8);
    } else if (n >= 4) {
      std::memcpy(&a, key.data(), 4);
      std::memcpy(&b, key.data() + n - 4, 4);
    } else if (n > 0) {
      a = static_cast<unsigned char>(key[0]);
      b = static_cast<unsigned char>(key[n / 2]) * 256u + static_cast<unsigned char>(key[n - 1]);
    }
    const std::uint64_t mixed = (a ^ b * 0x9E3779B97F4A7C15u ^ n) * 0xD6E8FEB86659FD93u;
    return static_cast<std::size_t>(mixed >> 32);
  }

 private:
  [[nodiscard]] const Entry* find_without_spaces(std::string_view key) const;
  void rebuild();

  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<const Entry*> table_;  // open addressing, a power of two, at most half full
};

class FieldTable final {
 public:
  // The number of the field with this dotted path ("user.id"); made when missing. In a line it may stand nested
  // ({"user":{"id":1}}), as a dotted key ({"user.id":1}) or mixed.
  FieldId add(std::string_view path);
  [[nodiscard]] FieldId find(std::string_view path) const;
  // A line's field at `source_path` fills the slot `field` as well. The first alias of a path wins.
  void alias(std::string_view source_path, FieldId field);

  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] const std::string& name(FieldId field) const { return names_[field]; }
  [[nodiscard]] const KeyNode& root() const { return root_; }

 private:
  std::vector<std::string> names_;
  KeyNode root_;
};

}  // namespace tapewatch

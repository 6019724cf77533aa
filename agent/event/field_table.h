// SPDX-License-Identifier: Apache-2.0
#pragma once
// FieldTable: every field that enrichment, masks, rules and metrics name gets a number when the configuration is
// loaded; the parser then fills numbered slots in one pass over a line and looks at nothing else by name.
// Built once, then immutable. Thread: any once built.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

using FieldId = std::uint16_t;
inline constexpr FieldId no_field = 0xFFFF;

// One object level of the wanted paths: which keys lead to a slot, to a deeper level, or to both.
class KeyNode final {
 public:
  struct Entry {
    std::string key;
    FieldId field = no_field;
    std::unique_ptr<KeyNode> child;
  };
  // nullptr when the key is not wanted. `key` without escapes.
  [[nodiscard]] const Entry* find(std::string_view key) const;
  // The entry of `key`, made when missing.
  Entry& at(std::string_view key);

 private:
  static std::size_t slot_hash(std::string_view key);
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

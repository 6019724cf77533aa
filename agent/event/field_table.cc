// SPDX-License-Identifier: Apache-2.0
#include "event/field_table.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t mixed_parts_max = 5;  // a.b.c.d.e has 16 spellings; longer paths get nested and dotted only

// Calls `visit` with every way to write `path` as a chain of keys: nested, dotted and mixed.
template <typename Visit>
void for_each_spelling(std::string_view path, const Visit& visit) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t dot = std::min(path.find('.', begin), path.size());
    parts.push_back(path.substr(begin, dot - begin));
    begin = dot + 1;
  }
  const std::size_t joints = parts.size() - 1;
  const std::uint32_t all = (1u << std::min<std::size_t>(joints, 31)) - 1;
  for (std::uint32_t joined = 0; joined <= all; ++joined) {  // bit i: part i and i+1 share a key
    if (parts.size() > mixed_parts_max && joined != 0) joined = all;
    std::vector<std::string> chain{std::string(parts[0])};
    for (std::size_t i = 0; i < joints; ++i) {
      if (joined >> i & 1) {
        chain.back().append(".").append(parts[i + 1]);
      } else {
        chain.emplace_back(parts[i + 1]);
      }
    }
    visit(chain);
  }
}

}  // namespace

KeyNode::Entry& KeyNode::at(std::string_view key) {
  for (const auto& entry : entries_) {
    if (entry->key == key) return *entry;
  }
  entries_.push_back(std::make_unique<Entry>());
  entries_.back()->key = key;
  rebuild();
  return *entries_.back();
}

const KeyNode::Entry* KeyNode::find_without_spaces(std::string_view key) const {
  std::string bare(key);
  std::erase(bare, ' ');
  return find(bare);
}

void KeyNode::rebuild() {
  std::size_t size = 4;
  while (size < entries_.size() * 3) size *= 2;
  table_.assign(size, nullptr);
  for (const auto& entry : entries_) {
    std::size_t i = slot_hash(entry->key) & (size - 1);
    while (table_[i] != nullptr) i = (i + 1) & (size - 1);
    table_[i] = entry.get();
  }
}

FieldId FieldTable::find(std::string_view path) const {
  const auto found = std::find(names_.begin(), names_.end(), path);
  return found == names_.end() ? no_field : static_cast<FieldId>(found - names_.begin());
}

FieldId FieldTable::add(std::string_view path) {
  const FieldId known = find(path);
  if (known != no_field) return known;
  CHECK(names_.size() < no_field);
  names_.emplace_back(path);
  const auto field = static_cast<FieldId>(names_.size() - 1);
  alias(path, field);
  return field;
}

void FieldTable::alias(std::string_view source_path, FieldId field) {
  for_each_spelling(source_path, [&](const std::vector<std::string>& chain) {
    KeyNode* node = &root_;
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
      KeyNode::Entry& entry = node->at(chain[i]);
      if (!entry.child) entry.child = std::make_unique<KeyNode>();
      node = entry.child.get();
    }
    KeyNode::Entry& leaf = node->at(chain.back());
    if (leaf.field == no_field) leaf.field = field;
  });
}

}  // namespace tapewatch

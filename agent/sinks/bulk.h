// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bulk: the body of one `_bulk` request, whole items of a batch: an action line and a document line each. Thread: loop.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapewatch {

struct Bulk {
  std::string body;
  std::vector<std::uint32_t> items;  // end offset in body of each item
  std::string compressed;            // gzip of body; empty: not made

  [[nodiscard]] std::string_view item(std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : items[i - 1];
    return std::string_view(body).substr(begin, items[i] - begin);
  }
  // What is sent, and what it weighs in memory.
  [[nodiscard]] std::string_view wire() const { return compressed.empty() ? body : compressed; }
  [[nodiscard]] std::size_t bytes() const { return body.size() + compressed.size(); }
};

// The action line and the document line of an item, without line ends.
struct BulkItem {
  std::string_view action;
  std::string_view document;
};
[[nodiscard]] BulkItem split_item(std::string_view item);
// Value of "_id" in an action line; empty when it has none.
[[nodiscard]] std::string_view id_of_action(std::string_view action);

// A copy of the named items, uncompressed. REQUIRES: `items` ascend.
[[nodiscard]] Bulk copy_items(const Bulk& bulk, const std::vector<std::uint32_t>& items);
// Two halves of about equal bytes, neither empty. REQUIRES: at least two items.
[[nodiscard]] std::pair<Bulk, Bulk> halve(const Bulk& bulk);

}  // namespace tapewatch

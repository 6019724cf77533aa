// SPDX-License-Identifier: Apache-2.0
#include "sinks/bulk.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {
namespace {

Bulk copy_range(const Bulk& bulk, std::size_t begin, std::size_t end) {
  Bulk out;
  const std::uint32_t from = begin == 0 ? 0 : bulk.items[begin - 1];
  out.body.assign(bulk.body, from, bulk.items[end - 1] - from);
  out.items.reserve(end - begin);
  for (std::size_t i = begin; i < end; ++i) out.items.push_back(bulk.items[i] - from);
  return out;
}

}  // namespace

BulkItem split_item(std::string_view item) {
  if (!item.empty() && item.back() == '\n') item.remove_suffix(1);
  const std::size_t end = std::min(item.find('\n'), item.size());
  return BulkItem{item.substr(0, end), end == item.size() ? std::string_view() : item.substr(end + 1)};
}

std::string_view id_of_action(std::string_view action) {
  static constexpr std::string_view key = "\"_id\":\"";
  const std::size_t at = action.find(key);
  if (at == std::string_view::npos) return {};
  action.remove_prefix(at + key.size());
  return action.substr(0, action.find('"'));
}

Bulk copy_items(const Bulk& bulk, const std::vector<std::uint32_t>& items) {
  Bulk out;
  std::size_t bytes = 0;
  for (const std::uint32_t i : items) bytes += bulk.item(i).size();
  out.body.reserve(bytes);
  out.items.reserve(items.size());
  for (const std::uint32_t i : items) {
    out.body.append(bulk.item(i));
    out.items.push_back(static_cast<std::uint32_t>(out.body.size()));
  }
  return out;
}

std::pair<Bulk, Bulk> halve(const Bulk& bulk) {
  CHECK(bulk.items.size() >= 2);
  const auto middle = std::upper_bound(bulk.items.begin(), bulk.items.end(), bulk.body.size() / 2);
  const auto at = static_cast<std::size_t>(middle - bulk.items.begin());
  const std::size_t cut = std::clamp<std::size_t>(at, 1, bulk.items.size() - 1);
  return {copy_range(bulk, 0, cut), copy_range(bulk, cut, bulk.items.size())};
}

}  // namespace tapewatch

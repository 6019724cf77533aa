// SPDX-License-Identifier: Apache-2.0
// The fast way through a reply in which every item was created. A reply of an 8 MiB body has some 4 MB and 18,000
// items.
#include <algorithm>

#include "sinks/bulk_reply.h"

namespace tapewatch {
namespace {

constexpr int learn_max = 16;            // shapes of one reply: shards differ in their primary term
constexpr std::size_t check_every = 32;  // every item's place is compared, and every 32nd's _id

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool take_number(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 19) return false;
  text.remove_prefix(digits);
  return true;
}

// `{"took":30,"errors":false,"items":[`, in any order and with the other number that newer engines write.
bool take_head(std::string_view& text) {
  bool no_errors = false;
  if (!take(text, "{")) return false;
  while (!take(text, "\"items\":[")) {
    if (take(text, "\"errors\":false,")) {
      no_errors = true;
    } else if (!(take(text, "\"took\":") || take(text, "\"ingest_took\":")) || !take_number(text) || !take(text, ",")) {
      return false;
    }
  }
  return no_errors;
}

bool has_id(std::string_view text, std::string_view before_id, const Bulk& bulk, std::size_t item) {
  text.remove_prefix(before_id.size());
  const std::string_view sent = id_of_action(split_item(bulk.item(item)).action);
  return sent.empty() || (text.starts_with(sent) && text.substr(sent.size()).starts_with('"'));
}

}  // namespace

bool BulkReply::learn(std::string_view text, Shape& shape) {
  std::size_t end = text.find("}}");
  if (end == std::string_view::npos) return false;
  end += 2;
  text = text.substr(0, end);
  Item item;
  if (!index_.build(text) || !read_item(item) || !index_.done()) return false;
  if ((item.status != 200 && item.status != 201) || item.id.empty()) return false;
  const auto id_at = static_cast<std::size_t>(item.id.data() - text.data());
  shape.before_id = text.substr(0, id_at);
  shape.id_bytes = item.id.size();
  std::string_view rest = text.substr(id_at + item.id.size());
  static constexpr std::string_view number = "\"_seq_no\":";
  const std::size_t number_at = rest.find(number);
  shape.numbered = number_at != std::string_view::npos;
  const std::size_t after = shape.numbered ? number_at + number.size() : rest.size();
  shape.after_id = rest.substr(0, after);
  rest.remove_prefix(after);
  if (shape.numbered && !take_number(rest)) return false;
  shape.end = rest;
  return true;
}

bool BulkReply::read_uniform(std::string_view text, const Bulk& bulk) {
  std::string_view rest = text;
  if (!take_head(rest)) return false;
  const auto take_item = [&rest](const Shape& shape) {
    std::string_view item = rest;
    if (!take(item, shape.before_id) || item.size() < shape.id_bytes) return false;
    item.remove_prefix(shape.id_bytes);
    if (!take(item, shape.after_id) || (shape.numbered && !take_number(item)) || !take(item, shape.end)) return false;
    rest = item;
    return true;
  };
  Shape shape;
  int learnt = 0;
  const std::size_t count = bulk.items.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && !take(rest, ",")) return false;
    const std::string_view item = rest;
    if (learnt == 0 || !take_item(shape)) {
      if (++learnt > learn_max || !learn(rest, shape) || !take_item(shape)) return false;
    }
    if ((i % check_every == 0 || i + 1 == count) && !has_id(item, shape.before_id, bulk, i)) return false;
  }
  return rest == "]}";
}

}  // namespace tapewatch

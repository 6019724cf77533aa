// SPDX-License-Identifier: Apache-2.0
#include "sinks/bulk_reply.h"

#include <charconv>
#include <utility>

namespace tapewatch {
namespace {

constexpr int depth_max = 32;

Error not_understood(const char* why) { return Error{Code::bad_reply, why}; }

std::string readable(std::string_view raw) {
  std::string out;
  raw = raw.substr(0, BulkReply::reason_bytes_max);
  // The cut may have split an escape.
  while (!escapes_valid(raw) && !raw.empty()) raw.remove_suffix(1);
  append_unescaped(out, raw);
  return out;
}

}  // namespace

Result<BulkVerdict> BulkReply::read(std::string_view text, const Bulk& bulk) {
  BulkVerdict verdict;
  if (read_uniform(text, bulk)) {
    verdict.created = bulk.items.size();
    return verdict;
  }
  if (!index_.build(text)) return not_understood("the reply is not JSON");
  if (Status status = read_body(bulk, verdict); !status) return std::move(status).error();
  if (!index_.done()) return not_understood("the reply goes on behind its end");
  return verdict;
}

Status BulkReply::read_body(const Bulk& bulk, BulkVerdict& verdict) {
  bool has_errors = false;
  bool has_items = false;
  if (!index_.take('{')) return not_understood("the reply is not a JSON object");
  if (index_.take('}')) return not_understood("the reply has no items");
  do {
    std::string_view key;
    if (!read_key(key)) return not_understood("the reply is not JSON");
    if (key == "items") {
      if (std::exchange(has_items, true)) return not_understood("the reply has items twice");
      if (Status status = read_items(bulk, verdict); !status) return status;
    } else if (key == "errors" && index_.peek() != '"') {
      const std::string_view value = index_.take_scalar_raw();
      if (value != "true" && value != "false") return not_understood("the reply's errors is neither true nor false");
      has_errors = true;
    } else if (!index_.skip_value(depth_max)) {
      return not_understood("the reply is not JSON");
    }
  } while (index_.take(','));
  if (!index_.take('}')) return not_understood("the reply is cut off");
  if (!has_errors) return not_understood("the reply does not say whether there were errors");
  if (!has_items) return not_understood("the reply has no items");
  return success();
}

Status BulkReply::read_items(const Bulk& bulk, BulkVerdict& verdict) {
  if (!index_.take('[')) return not_understood("the reply's items are not an array");
  const std::size_t count = bulk.items.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i > 0 && !index_.take(',')) return not_understood("the reply has fewer items than were sent");
    if (index_.peek() == ']') return not_understood("the reply has fewer items than were sent");
    Item item;
    if (!read_item(item)) return not_understood("an item of the reply cannot be understood");
    if (!item.id.empty()) {
      const std::string_view sent = id_of_action(split_item(bulk.item(i)).action);
      if (!sent.empty() && sent != item.id) return not_understood("an item of the reply has another _id than was sent");
    }
    if (item.status == 200 || item.status == 201) {
      ++verdict.created;
    } else if (item.status == 409) {
      ++verdict.duplicate;
    } else {
      verdict.refused.push_back(RefusedItem{i, item.status, readable(item.type), readable(item.reason)});
    }
  }
  if (index_.peek() == ',') return not_understood("the reply has more items than were sent");
  if (!index_.take(']')) return not_understood("the reply is cut off");
  return success();
}

bool BulkReply::read_key(std::string_view& key) {
  if (index_.peek() != '"') return false;
  key = index_.take_string_raw();
  return index_.take(':');
}

bool BulkReply::read_item(Item& item) {
  std::string_view verb;
  if (!index_.take('{') || !read_key(verb) || verb != "create" || !index_.take('{')) return false;
  if (index_.take('}')) return false;
  do {
    std::string_view key;
    if (!read_key(key) || !read_member(key, item)) return false;
  } while (index_.take(','));
  // One action an item; and a status that no server sends is one that was not read.
  return index_.take('}') && index_.take('}') && item.status >= 100 && item.status <= 599;
}

bool BulkReply::read_member(std::string_view key, Item& item) {
  if (key == "status") {
    if (index_.peek() == '"') return false;
    const std::string_view text = index_.take_scalar_raw();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), item.status);
    return error == std::errc() && end == text.data() + text.size();
  }
  if (key == "_id" && index_.peek() == '"') {
    item.id = index_.take_string_raw();
    return true;
  }
  if (key == "error" && index_.peek() == '{') return read_error(item);
  if (key == "error" && index_.peek() == '"') {
    item.reason = index_.take_string_raw();
    return escapes_valid(item.reason);
  }
  return index_.skip_value(depth_max);
}

bool BulkReply::read_error(Item& item) {
  if (!index_.take('{')) return false;
  if (index_.take('}')) return true;
  do {
    std::string_view key;
    if (!read_key(key)) return false;
    const bool string = index_.peek() == '"';
    if (string && (key == "type" || key == "reason")) {
      const std::string_view value = index_.take_string_raw();
      if (!escapes_valid(value)) return false;
      (key == "type" ? item.type : item.reason) = value;
    } else if (!index_.skip_value(depth_max)) {
      return false;
    }
  } while (index_.take(','));
  return index_.take('}');
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "event/event.h"

#include <algorithm>

#include "base/json_writer.h"

namespace tapewatch {
namespace {

constexpr std::size_t scratch_bytes = 256 * 1024;

}  // namespace

Event::Event(std::size_t field_count) : slots_(field_count) { scratch_.reserve(scratch_bytes); }

void Event::reset(const Line& line, const SourceFile& source, std::int64_t read_wall_ns) {
  for (const FieldId id : touched_) slots_[id] = FieldValue{};
  touched_.clear();
  more_.clear();
  sensitive_.clear();
  edits_.clear();
  added_.clear();
  scratch_.clear();
  line_ = line;
  source_ = &source;
  is_json_ = false;
  time_ns = read_wall_ns;
  level = Level::none;
  correlation_id = {};
}

std::string_view Event::keep(std::string_view bytes) {
  if (scratch_.size() + bytes.size() > scratch_bytes) return {};
  const std::size_t at = scratch_.size();
  scratch_.append(bytes);
  return std::string_view(scratch_).substr(at);
}

std::string_view Event::text(const FieldValue& value) {
  if (!value.escaped) return value.raw;
  const std::size_t at = scratch_.size();
  if (at + value.raw.size() > scratch_bytes) return value.raw;  // an unescaped string is never longer than its source
  append_unescaped(scratch_, value.raw);
  return std::string_view(scratch_).substr(at);
}

void Event::set(FieldId id, std::string_view unescaped_text) {
  FieldValue& slot = slots_[id];
  if (!slot.present()) touched_.push_back(id);
  slot = FieldValue{};
  slot.raw = unescaped_text;
  slot.type = JsonType::string;
}

void Event::add(std::string_view key, std::string_view unescaped_text) {
  added_.append(",\"").append(key).append("\":");
  append_json_string(added_, unescaped_text);
}

void Event::add(std::string_view key, std::int64_t number) {
  added_.append(",\"").append(key).append("\":");
  append_json_int(added_, number);
}

std::size_t Event::json_bytes_max() const {
  std::size_t bytes = added_.size() + 64 + line_.text.size() * (is_json_ ? 1 : 6);
  for (const Edit& edit : edits_) bytes += edit.text.size();
  return bytes;
}

void Event::append_text_line(std::string& out) const {
  out.append("{\"message\":");
  append_json_string(out, line_.text);
  out.append(",\"error.type\":\"json\"").append(added_).push_back('}');
}

void Event::append_json(std::string& out) {
  if (!is_json_) {
    append_text_line(out);
    return;
  }
  const auto in_order = [](const Edit& a, const Edit& b) { return a.begin < b.begin; };
  if (!std::is_sorted(edits_.begin(), edits_.end(), in_order)) std::stable_sort(edits_.begin(), edits_.end(), in_order);
  const std::string_view text = line_.text;
  std::uint32_t copied = 0;
  for (const Edit& edit : edits_) {
    if (edit.begin >= copied) {
      out.append(text.substr(copied, edit.begin - copied)).append(edit.text);
    }
    copied = std::max(copied, edit.end);  // an edit inside another one's range has gone with it
  }
  out.append(text.substr(copied, close_ - copied));
  std::string_view added = added_;
  if (empty_object_ && !added.empty()) added.remove_prefix(1);
  out.append(added).push_back('}');
}

}  // namespace tapewatch

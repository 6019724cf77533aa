// SPDX-License-Identifier: Apache-2.0
#include "detect/event_values.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "detect/fold.h"

namespace tapewatch {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t kept_bytes_max = 4 * 1024 * 1024;

}  // namespace

char* TurnMemory::take(std::size_t bytes) {
  while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].size) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    const std::size_t size = std::max(bytes, chunk_bytes);
    chunks_.push_back({std::make_unique<char[]>(size), size});
  }
  char* out = chunks_[chunk_].bytes.get() + used_;
  used_ += bytes;
  return out;
}

void TurnMemory::clear() {
  if (chunks_.size() > 1) {  // a rare, big event: what it needed is given back beyond a bound
    std::size_t kept = 0;
    const auto beyond = [&](const Chunk& chunk) { return (kept += chunk.size) > kept_bytes_max; };
    chunks_.erase(std::remove_if(chunks_.begin(), chunks_.end(), beyond), chunks_.end());
  }
  chunk_ = 0;
  used_ = 0;
}

EventValues::EventValues() : array_index_(std::make_unique<JsonIndex>()) { values_.reserve(values_max); }

void EventValues::begin(Event& event) {
  event_ = &event;
  ++turn_;
  values_.clear();
  memory_.clear();
}

std::span<ValueView> EventValues::of(FieldId field) {
  if (field >= slots_.size()) slots_.resize(field + std::size_t{1});
  Slot& slot = slots_[field];
  if (slot.turn != turn_) read(field, slot);
  return {values_.data() + slot.begin, slot.count};
}

void EventValues::read(FieldId field, Slot& slot) {
  slot.turn = turn_;
  slot.begin = static_cast<std::uint32_t>(values_.size());
  const FieldValue* value = &event_->field(field);
  if (value->present()) {
    add_value(*value);
    for (std::uint16_t more = value->more; more != no_more_values;) {
      const FieldValue& further = event_->more_value(more);
      add_value(further);
      more = further.more;
    }
  }
  slot.count = static_cast<std::uint32_t>(values_.size() - slot.begin);
}

void EventValues::push(const ValueView& value) {
  if (values_.size() < values_max) {
    values_.push_back(value);
  } else {
    ++values_dropped_;
  }
}

void EventValues::add_value(const FieldValue& value) {
  if (value.type == JsonType::array) {
    add_array(value.raw);
    return;
  }
  ValueView view;
  view.type = value.type;
  view.text = value.escaped ? unescaped(value.raw) : value.raw;
  push(view);
}

// The scalars that are members of the array itself or of arrays in it. Objects in it have slots of their own.
void EventValues::add_array(std::string_view json) {
  JsonIndex& index = *array_index_;
  if (!index.build(json)) return;
  int objects = 0;
  while (!index.done()) {
    const char c = index.peek();
    if (c == '{') ++objects;
    if (c == '}') --objects;
    if (c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':') {
      index.advance();
      continue;
    }
    ValueView view;
    const bool string = c == '"';
    const std::string_view raw = string ? index.take_string_raw() : index.take_scalar_raw();
    if (objects > 0) continue;
    view.type = string ? JsonType::string : scalar_type(raw);
    view.text = string && raw.find('\\') != std::string_view::npos ? unescaped(raw) : raw;
    push(view);
  }
}

std::string_view EventValues::unescaped(std::string_view raw) {
  std::string text;
  append_unescaped(text, raw);
  char* out = memory_.take(text.size());
  std::memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

std::string_view EventValues::folded(ValueView& value) {
  if (value.has_folded) return value.folded;
  value.has_folded = true;
  value.folded = value.text;
  if (is_folded_ascii(value.text)) return value.folded;
  char* out = memory_.take(value.text.size());
  fold_into(value.text, out);
  value.folded = {out, value.text.size()};
  return value.folded;
}

}  // namespace tapewatch

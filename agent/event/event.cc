// SPDX-License-Identifier: Apache-2.0
#include "event/event.h"

#include <algorithm>
#include <cstring>

#include "base/base64.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace tapewatch {
namespace {

constexpr std::size_t scratch_bytes = 256 * 1024;
constexpr std::size_t few_edits = 32;
constexpr std::size_t piece_bytes = 64;

// Whether an object was opened last, so that its first member follows without a comma.
bool ends_open(const char* begin, const char* end) {
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r' || end[-1] == '\n')) --end;
  return end > begin && end[-1] == '{';
}

// Copies bytes that are mostly few; returns the end of the copy.
[[gnu::always_inline]] inline char* copy_short(char* to, std::string_view bytes) {
  const char* const from = bytes.data();
  const std::size_t n = bytes.size();
  if (n > 32) {
    std::memcpy(to, from, n);
  } else if (n >= 16) {  // two copies that overlap
    std::memcpy(to, from, 16);
    std::memcpy(to + n - 16, from + n - 16, 16);
  } else if (n >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + n - 8, from + n - 8, 8);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
  }
  return to + n;
}

}  // namespace

Event::Event(std::size_t field_count) : slots_(field_count), edits_(few_edits) {}

Event::Scratch::Scratch() { first_.reserve(scratch_bytes); }

std::string& Event::Scratch::room_for(std::size_t bytes) {
  std::string& last = more_.empty() ? first_ : *more_.back();
  if (last.capacity() - last.size() >= bytes) return last;
  more_.push_back(std::make_unique<std::string>());
  more_.back()->reserve(std::max(bytes, scratch_bytes));
  return *more_.back();
}

std::string_view Event::Scratch::keep(std::string_view bytes) {
  std::string& room = room_for(bytes.size());
  const std::size_t at = room.size();
  room.append(bytes);
  return std::string_view(room).substr(at);
}

std::string_view Event::Scratch::unescape(std::string_view raw) {
  std::string& room = room_for(raw.size());  // an unescaped string is never longer than its source
  const std::size_t at = room.size();
  append_unescaped(room, raw);
  return std::string_view(room).substr(at);
}

void Event::Scratch::clear() {
  first_.clear();
  more_.clear();
}

void Event::reset(const Line& line, const SourceFile& source, std::int64_t read_wall_ns) {
  for (const FieldId id : touched_) clear(id);
  touched_.clear();
  more_.clear();
  sensitive_.clear();
  edit_count_ = 0;
  masked_.clear();
  added_.clear();
  scratch_.clear();
  line_ = line;
  text_ = line.text;
  source_ = &source;
  is_json_ = false;
  time_ns = read_wall_ns;
  level = Level::none;
  correlation_id = {};
}

std::string_view Event::keep(std::string_view bytes) { return scratch_.keep(bytes); }

std::string_view Event::text(const FieldValue& value) {
  return value.escaped ? scratch_.unescape(value.raw) : value.raw;
}

void Event::add(std::string_view key, std::string_view unescaped_text) {
  added_.append(",\"").append(key).append("\":");
  append_json_string(added_, unescaped_text);
}

void Event::add(std::string_view key, std::int64_t number) {
  added_.append(",\"").append(key).append("\":");
  append_json_int(added_, number);
}

void Event::mask(std::uint32_t begin, std::uint32_t end, std::string_view json_text, std::string_view text) {
  edit(begin, end, json_text);
  hide(begin, end, text);
}

void Event::cut(std::uint32_t begin, std::uint32_t end, std::string_view text) {
  edit(begin, end, "");
  hide(begin, end, text);
}

void Event::hide(std::uint32_t begin, std::uint32_t end, std::string_view text) {
  masked_.push_back({begin, end, text});
  const char* const from = line_.text.data() + begin;
  const char* const to = line_.text.data() + end;
  const auto touches = [&](std::string_view part) { return part.data() + part.size() > from && part.data() < to; };
  if (touches(correlation_id)) correlation_id = text;
  const auto hide_in = [&](FieldValue& value) {
    if (!touches(value.raw)) return;
    value.raw = text;
    value.type = JsonType::string;
    value.escaped = false;
    value.key_bytes = 0;
  };
  for (const FieldId id : touched_) hide_in(slots_[id]);
  for (FieldValue& value : more_) hide_in(value);
}

LineToken Event::take_token() {
  LineToken token;
  const char c = index_.peek();
  if (c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':') {
    index_.advance();
    return token;
  }
  const bool string = c == '"';
  token.begin = index_.position();
  token.raw = string ? index_.take_string_raw() : index_.take_scalar_raw();
  token.end = token.begin + static_cast<std::uint32_t>(token.raw.size()) + (string ? 2 : 0);
  token.type = string ? JsonType::string : scalar_type(token.raw);
  token.is_key = string && index_.peek() == ':';  // in a valid text every string before ':' is a key
  return token;
}

LineToken Event::token_at(std::uint32_t offset) {
  index_.seek_offset(offset);
  return take_token();
}

const Event::Masked* Event::masked_at(std::uint32_t begin) const {
  for (const Masked& masked : masked_) {
    if (begin >= masked.begin && begin < masked.end) return &masked;
  }
  return nullptr;
}

std::size_t Event::json_bytes_max() const {
  std::size_t bytes = added_.size() + 64 + piece_bytes + (is_json_ ? line_.text.size() : text_.size() * 8);
  for (std::size_t i = 0; i < edit_count_; ++i) bytes += edits_[i].text.size();
  return bytes;
}

void Event::append_text_line(std::string& out) const {
  out.append("{\"message\":");
  append_json_string(out, text_);
  out.append(",\"error.type\":\"json\"");
  // The bytes that the text cannot show; but never those of a line in which something was masked.
  if (text_.data() == line_.text.data() && !is_utf8(text_)) {
    out.append(",\"event.original\":\"").append(base64(text_)).push_back('"');
  }
  out.append(added_).push_back('}');
}

void Event::sort_edits() {
  // Of two that start together the longer one goes first, and the other one goes with it.
  const auto before = [](const Edit& a, const Edit& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  };
  if (edit_count_ > few_edits) {
    std::stable_sort(edits_.begin(), edits_.begin() + static_cast<std::ptrdiff_t>(edit_count_), before);
    return;
  }
  for (std::size_t i = 1; i < edit_count_; ++i) {
    const Edit edit = edits_[i];
    std::size_t at = i;
    for (; at > 0 && before(edit, edits_[at - 1]); --at) edits_[at] = edits_[at - 1];
    edits_[at] = edit;
  }
}

void Event::append_json(std::string& out) {
  if (!is_json_) {
    append_text_line(out);
    return;
  }
  sort_edits();
  const std::string_view text = line_.text;
  const std::size_t start = out.size();
  out.resize(start + json_bytes_max());
  char* at = out.data() + start;
  const auto put = [&at](std::string_view bytes) { at = copy_short(at, bytes); };
  // What stands between two edits is mostly short; copied as one piece of fixed size it costs no decision.
  const auto put_line = [&at, text](std::uint32_t begin, std::uint32_t end) {
    const std::size_t n = end - begin;
    if (n <= piece_bytes && begin + piece_bytes <= text.size()) {
      std::memcpy(at, text.data() + begin, piece_bytes);
    } else {
      std::memcpy(at, text.data() + begin, n);
    }
    at += n;
  };
  std::uint32_t copied = 0;
  for (std::size_t i = 0; i < edit_count_; ++i) {
    const Edit& edit = edits_[i];
    if (edit.begin >= copied) {
      put_line(copied, edit.begin);
      put(edit.text);
    }
    copied = std::max(copied, edit.end);  // an edit inside another one's range has gone with it
  }
  std::memcpy(at, text.data() + copied, close_ - copied);
  at += close_ - copied;
  std::string_view added = added_;
  if (!added.empty() && ends_open(out.data(), at)) added.remove_prefix(1);
  std::memcpy(at, added.data(), added.size());
  at += added.size();
  *at++ = '}';
  out.resize(static_cast<std::size_t>(at - out.data()));
}

}  // namespace tapewatch

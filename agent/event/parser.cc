// SPDX-License-Identifier: Apache-2.0
#include "event/parser.h"

#include <cstring>

namespace tapewatch {
namespace {

constexpr std::size_t key_answers = 4096;      // a power of two
constexpr std::size_t more_values_max = 1024;  // values of wanted paths inside arrays, per event

}  // namespace

Parser::Parser(const FieldTable& fields, const KeyPolicy* policy)
    : fields_(fields), policy_(policy), event_(fields.size()), key_answers_(key_answers) {}

Event& Parser::parse(const Line& line, const SourceFile& source, std::int64_t read_wall_ns) {
  event_.reset(line, source, read_wall_ns);
  kind_ = walk();
  event_.is_json_ = kind_ == LineKind::json;
  if (kind_ != LineKind::json) {
    event_.reset(line, source, read_wall_ns);
  }
  return event_;
}

LineKind Parser::walk() {
  JsonIndex& index = event_.index_;
  if (!index.build(event_.line_.text)) return LineKind::invalid;
  if (index.peek() != '{')
    return index.skip_value(depth_max) && index.done() ? LineKind::not_object : LineKind::invalid;
  place_ = {index.cursor(), &line_start_};
  if (!object(&fields_.root(), depth_max) || !place_.cursor.done()) return LineKind::invalid;
  place_.cursor.retreat();
  event_.close_ = place_.cursor.position();
  return LineKind::json;
}

[[gnu::always_inline]] inline Parser::KeyAnswer& Parser::answer_for(std::string_view key, KeyAnswer*& before) {
  if (key.size() > KeyAnswer::key_bytes_max) return make_answer(key, passing_);
  KeyAnswer* answer = before->next;
  if (answer == nullptr || !answer->is(key)) {
    answer = before->other_next;
    if (answer == nullptr || !answer->is(key)) {
      answer = &look_up(key);
      before->other_next = before->next;
      before->next = answer;
    }
  }
  before = answer;
  return *answer;
}

Parser::KeyAnswer& Parser::look_up(std::string_view key) {
  for (std::size_t i = KeyNode::slot_hash(key);; ++i) {
    KeyAnswer& answer = key_answers_[i & (key_answers - 1)];
    if (answer.is(key)) return answer;
    if (answer.size == KeyAnswer::no_key) return make_answer(key, answer);
  }
}

Parser::KeyAnswer& Parser::make_answer(std::string_view key, KeyAnswer& place) {
  KeyAnswer* answer = &place;
  if (answer != &passing_ && ++keys_known_ > key_answers / 2) {
    key_answers_.assign(key_answers, KeyAnswer{});
    line_start_.next = line_start_.other_next = nullptr;
    passing_.next = passing_.other_next = nullptr;
    keys_known_ = 0;
    answer = &passing_;
  }
  answer->sensitive = policy_ != nullptr && policy_->sensitive(key);
  answer->node = nullptr;
  answer->entry = nullptr;
  if (answer != &passing_) {
    std::memcpy(answer->key, key.data(), key.size());
    answer->size = static_cast<std::uint8_t>(key.size());
  }
  return *answer;
}

[[gnu::always_inline]] inline void Parser::record(const Member& member, JsonType type, std::string_view raw,
                                                  bool escaped) {
  FieldValue& slot = event_.slots_[member.field];
  if (slot.present()) return record_more(member, type, raw, escaped);
  slot = {raw, member.key_begin, member.key_bytes, type, escaped, member.top_level, no_more_values};
  event_.touched_.push_back(member.field);
}

// A further value of a path, out of an array of objects.
void Parser::record_more(const Member& member, JsonType type, std::string_view raw, bool escaped) {
  if (event_.more_.size() >= more_values_max) return;
  FieldValue& slot = event_.slots_[member.field];
  const std::uint16_t before = slot.more;
  slot.more = static_cast<std::uint16_t>(event_.more_.size());
  event_.more_.push_back({raw, member.key_begin, member.key_bytes, type, escaped, member.top_level, before});
}

// A key and the colon behind it, and what is known about it.
[[gnu::always_inline]] inline bool Parser::key_of(Place& place, const KeyNode* node, int depth, Member& member,
                                                  bool& sensitive) {
  JsonCursor& at = place.cursor;
  if (at.peek() != '"') return false;
  member.key_begin = at.position();
  std::string_view key = at.take_string_raw();
  member.key_bytes = static_cast<std::uint32_t>(key.size()) + 2;
  member.top_level = depth == depth_max;
  if (!at.take(':')) return false;
  if (event_.index_.has_escapes() && key.find('\\') != std::string_view::npos) {
    if (!escapes_valid(key)) return false;
    key_scratch_.clear();
    append_unescaped(key_scratch_, key);
    key = key_scratch_;
  }
  if (policy_ == nullptr && node == nullptr) return true;
  KeyAnswer& answer = answer_for(key, place.before);
  if (answer.node != node) {
    answer.node = node;
    answer.entry = node == nullptr ? nullptr : node->find_in_line(key);
  }
  if (answer.entry != nullptr) {
    member.field = answer.entry->field;
    member.node = answer.entry->child.get();
  }
  sensitive = answer.sensitive;
  if (sensitive) sensitive_key_ = event_.keep(key);
  return true;
}

[[gnu::always_inline]] inline bool Parser::value(Place& place, const Member& member, int depth) {
  JsonCursor& at = place.cursor;
  const char c = at.peek();
  if (c == '"') {
    const std::string_view raw = at.take_string_raw();
    bool escaped = false;
    if (event_.index_.has_escapes() && raw.find('\\') != std::string_view::npos) {
      if (!escapes_valid(raw)) return false;
      escaped = true;
    }
    if (member.field != no_field) record(member, JsonType::string, raw, escaped);
    return true;
  }
  if (c == '{' || c == '[') {
    place_ = place;
    if (depth <= 1 || !container(member, c, depth - 1)) return false;
    place = place_;
    return true;
  }
  if (c == '\0') return false;
  const std::string_view raw = at.take_scalar_raw();
  const JsonType type = scalar_type(raw);
  if (type == JsonType::invalid) return false;
  if (member.field != no_field) record(member, type, raw, false);
  return true;
}

// Walks with a copy of the place, in registers: storing it behind each token would cost more than the token.
bool Parser::object(const KeyNode* node, int depth) {
  Place place = place_;
  JsonCursor& at = place.cursor;
  at.advance();
  if (!at.take('}')) {
    do {
      Member member;
      bool sensitive = false;
      if (!key_of(place, node, depth, member, sensitive)) return false;
      const bool fine = sensitive ? sensitive_value(place, member, depth) : value(place, member, depth);
      if (!fine) return false;
    } while (at.take(','));
    if (!at.take('}')) return false;
  }
  place_ = place;
  return true;
}

// A value whose key is sensitive: its place is noted.
bool Parser::sensitive_value(Place& place, const Member& member, int depth) {
  const std::string_view key = sensitive_key_;
  JsonCursor& at = place.cursor;
  const std::uint32_t begin = at.done() ? 0 : at.position();
  if (!value(place, member, depth)) return false;
  at.retreat();
  const char last = at.peek();
  std::uint32_t end = at.position();
  if (last == '}' || last == ']') {
    at.advance();
    ++end;
  } else if (last == '"') {
    end += static_cast<std::uint32_t>(at.take_string_raw().size()) + 2;
  } else {
    end += static_cast<std::uint32_t>(at.take_scalar_raw().size());
  }
  event_.sensitive_.push_back({begin, end, key});
  return true;
}

// An object or an array, at place_.
bool Parser::container(const Member& member, char open, int depth) {
  JsonCursor& cursor = place_.cursor;
  const std::uint32_t begin = cursor.position();
  if (!(open == '{' ? object(member.node, depth) : array(member.node, depth))) return false;
  if (member.field == no_field) return true;
  cursor.retreat();
  const std::uint32_t end = cursor.position() + 1;
  cursor.advance();
  record(member, open == '{' ? JsonType::object : JsonType::array, event_.line_.text.substr(begin, end - begin), false);
  return true;
}

// Objects in the array are searched for deeper paths.
bool Parser::array(const KeyNode* node, int depth) {
  Place place = place_;
  JsonCursor& at = place.cursor;
  at.advance();
  Member inner;
  inner.node = node;
  if (!at.take(']')) {
    do {
      if (!value(place, inner, depth)) return false;
    } while (at.take(','));
    if (!at.take(']')) return false;
  }
  place_ = place;
  return true;
}

}  // namespace tapewatch

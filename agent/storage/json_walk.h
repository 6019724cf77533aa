// SPDX-License-Identifier: Apache-2.0
#pragma once
// A strict reader of one JSON document that allocates nothing: it goes through the text once and shows each scalar to a
// visitor, which follows the members it cares for with a state of its own. It ends early when the visitor has seen
// enough, and never trusts the text. Thread: any.
//
// Visitor:  State member(State parent, std::string_view raw_key, bool escaped);   // state of the member's value
//           bool scalar(State, const JsonScalar&);                                // true: enough
//           bool structure(State);   // an object or array begins; true: enough

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tapewatch {

struct JsonScalar {
  std::string_view raw;  // a string without its quotes, escapes as written; else the literal
  bool string = false;
  bool escaped = false;
};

// Appends the text that a JSON string stands for. An escape that is none is kept as it is; half a surrogate pair
// becomes U+FFFD.
void append_unescaped(std::string& out, std::string_view raw);

enum class WalkEnd : std::uint8_t { all_seen, enough, invalid };

template <typename Visitor, typename State>
class JsonWalk final {
 public:
  JsonWalk(std::string_view text, Visitor& visitor) : at_(text.data()), end_(at_ + text.size()), visitor_(visitor) {}

  [[nodiscard]] WalkEnd run(State root) {
    skip_space();
    const WalkEnd end = value(root, 0);
    if (end != WalkEnd::all_seen) return end;
    skip_space();
    return at_ == end_ ? WalkEnd::all_seen : WalkEnd::invalid;
  }

 private:
  static constexpr int depth_max = 512;

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    skip_space();
    return true;
  }

  bool string(JsonScalar& out) {
    if (at_ == end_ || *at_ != '"') return false;
    const char* const begin = ++at_;
    out.string = true;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ != '\\') continue;
      out.escaped = true;
      if (++at_ == end_) return false;
    }
    if (at_ == end_) return false;
    out.raw = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
    ++at_;
    return true;
  }

  bool literal(JsonScalar& out) {
    const char* const begin = at_;
    bool number = true;
    for (; at_ != end_; ++at_) {
      const char c = *at_;
      const bool digit = (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
      if (!digit && !(c >= 'a' && c <= 'z')) break;
      number = number && digit;
    }
    out.raw = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
    if (out.raw.empty()) return false;
    if (number) return out.raw[0] == '-' || (out.raw[0] >= '0' && out.raw[0] <= '9');
    return out.raw == "true" || out.raw == "false" || out.raw == "null";
  }

  WalkEnd value(State state, int depth) {
    if (at_ == end_ || depth > depth_max) return WalkEnd::invalid;
    if (*at_ == '{') return object(state, depth);
    if (*at_ == '[') return array(state, depth);
    JsonScalar scalar;
    if (!(*at_ == '"' ? string(scalar) : literal(scalar))) return WalkEnd::invalid;
    return visitor_.scalar(state, scalar) ? WalkEnd::enough : WalkEnd::all_seen;
  }

  WalkEnd object(State state, int depth) {
    if (visitor_.structure(state)) return WalkEnd::enough;
    ++at_;
    if (take('}')) return WalkEnd::all_seen;
    do {
      JsonScalar key;
      skip_space();
      if (!string(key) || !take(':')) return WalkEnd::invalid;
      const WalkEnd end = value(visitor_.member(state, key.raw, key.escaped), depth + 1);
      if (end != WalkEnd::all_seen) return end;
    } while (take(','));
    return close('}');
  }

  WalkEnd array(State state, int depth) {
    if (visitor_.structure(state)) return WalkEnd::enough;
    ++at_;
    if (take(']')) return WalkEnd::all_seen;
    do {
      skip_space();
      const WalkEnd end = value(state, depth + 1);
      if (end != WalkEnd::all_seen) return end;
    } while (take(','));
    return close(']');
  }

  WalkEnd close(char bracket) {
    if (at_ == end_ || *at_ != bracket) return WalkEnd::invalid;
    ++at_;
    return WalkEnd::all_seen;
  }

  const char* at_;
  const char* const end_;
  Visitor& visitor_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// JsonIndex: the positions of all structural characters of one JSON text, found by simdjson's first stage, and a strict
// reader of tokens over them. It is the only JSON reading of the hot path: the event parser and the bulk reply parser
// walk it. Nothing is copied; the text must outlive the walk. Numbers keep their digits.
// Thread: one owner at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tapewatch {

enum class JsonType : std::uint8_t { invalid, string, number, boolean, null, object, array };

// A place in the walk over one JSON text, small enough to live in registers: whoever has many tokens to pass walks with
// a copy and puts it back. Behind the last token the character is 0. Valid as long as the index's text.
class JsonCursor final {
 public:
  JsonCursor() = default;
  JsonCursor(std::string_view text, const std::uint32_t* first, std::uint32_t count)
      : text_(text.data()), at_(first), end_(first + count), size_(static_cast<std::uint32_t>(text.size())) {}

  [[nodiscard]] char peek() const { return at_ < end_ ? text_[*at_] : '\0'; }
  [[nodiscard]] bool done() const { return at_ >= end_; }
  // Offset of the token in the text. REQUIRES: !done().
  [[nodiscard]] std::uint32_t position() const { return *at_; }
  void advance() { ++at_; }
  // To the token before. REQUIRES: there is one.
  void retreat() { --at_; }
  void seek(const std::uint32_t* at) { at_ = at; }
  // Takes the character `c` if it is next.
  [[nodiscard]] bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  // Text of the string token that is next, between its quotes and still escaped; advances. REQUIRES: peek() == '"'.
  [[nodiscard]] std::string_view take_string_raw() {
    const std::uint32_t begin = *at_++;
    return {text_ + begin + 1, token_end() - begin - 2};
  }
  // Text of the number or literal that is next, up to white space or the next token; advances.
  [[nodiscard]] std::string_view take_scalar_raw() {
    const std::uint32_t begin = *at_++;
    return {text_ + begin, token_end() - begin};
  }

 private:
  // End of the token before the one that is next, without the white space between them.
  [[nodiscard]] std::uint32_t token_end() const {
    std::uint32_t end = at_ < end_ ? *at_ : size_;
    while (is_space(text_[end - 1])) --end;
    return end;
  }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  const char* text_ = nullptr;
  const std::uint32_t* at_ = nullptr;
  const std::uint32_t* end_ = nullptr;
  std::uint32_t size_ = 0;
};

class JsonIndex final {
 public:
  JsonIndex();
  ~JsonIndex();
  JsonIndex(const JsonIndex&) = delete;
  JsonIndex& operator=(const JsonIndex&) = delete;

  // Indexes `text` (at most 4 GiB; no padding needed) and goes to its first token. False when it cannot be JSON: not
  // UTF-8, an unclosed string, a raw control character in a string, or empty. Grammar is checked by whoever walks.
  [[nodiscard]] bool build(std::string_view text);

  // The walk, as JsonCursor has it.
  [[nodiscard]] JsonCursor& cursor() { return cursor_; }
  [[nodiscard]] char peek() const { return cursor_.peek(); }
  [[nodiscard]] std::uint32_t position() const { return cursor_.position(); }
  [[nodiscard]] bool done() const { return cursor_.done(); }
  void advance() { cursor_.advance(); }
  [[nodiscard]] bool take(char c) { return cursor_.take(c); }
  [[nodiscard]] std::string_view take_string_raw() { return cursor_.take_string_raw(); }
  [[nodiscard]] std::string_view take_scalar_raw() { return cursor_.take_scalar_raw(); }
  void restart() { cursor_.seek(positions_); }
  // To the last token that starts at or before this offset of the text.
  void seek_offset(std::uint32_t offset);
  // Checks and passes over any value with everything in it. False when it is not valid JSON or nested deeper than
  // `depth`.
  [[nodiscard]] bool skip_value(int depth);

  // Whether any string of the text holds an escape: when not, raw strings are their values.
  [[nodiscard]] bool has_escapes() const { return has_escapes_; }

 private:
  [[nodiscard]] bool skip_object(int depth);
  [[nodiscard]] bool skip_array(int depth);

  struct Stage;
  std::unique_ptr<Stage> stage_;
  const std::uint32_t* positions_ = nullptr;  // of all tokens
  std::uint32_t count_ = 0;
  JsonCursor cursor_;
  bool has_escapes_ = false;
};

// RFC 8259 number grammar, whole text.
[[nodiscard]] bool is_json_number(std::string_view text);
[[nodiscard]] JsonType scalar_type(std::string_view text);
// Whether every backslash starts a legal escape.
[[nodiscard]] bool escapes_valid(std::string_view raw);
// Appends the value of a raw string whose escapes are valid; a lone surrogate becomes U+FFFD.
void append_unescaped(std::string& out, std::string_view raw);

}  // namespace tapewatch

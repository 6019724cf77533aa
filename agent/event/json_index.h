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

class JsonIndex final {
 public:
  JsonIndex();
  ~JsonIndex();
  JsonIndex(const JsonIndex&) = delete;
  JsonIndex& operator=(const JsonIndex&) = delete;

  // Indexes `text` (at most 4 GiB; no padding needed). False when it cannot be JSON: not UTF-8, an unclosed string, a
  // raw control character in a string, or empty. Grammar is checked by whoever walks.
  [[nodiscard]] bool build(std::string_view text);

  // The walk: token `at()` is the one to look at. Behind the last token the character is 0.
  [[nodiscard]] char peek() const { return at_ < count_ ? text_[positions_[at_]] : '\0'; }
  [[nodiscard]] std::uint32_t position() const { return positions_[at_]; }
  [[nodiscard]] bool done() const { return at_ >= count_; }
  void advance() { ++at_; }
  [[nodiscard]] std::uint32_t at() const { return at_; }
  void seek(std::uint32_t at) { at_ = at; }
  // To the last token that starts at or before this offset of the text.
  void seek_offset(std::uint32_t offset);
  // Takes the character `c` if it is next.
  [[nodiscard]] bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  // Text of the string token that is next, between its quotes and still escaped; advances. REQUIRES: peek() == '"'.
  [[nodiscard]] std::string_view take_string_raw() {
    const std::uint32_t begin = positions_[at_];
    ++at_;
    const std::uint32_t end = token_end(at_);
    return std::string_view(text_ + begin + 1, end - begin - 2);
  }
  // Text of the number or literal that is next, up to white space or the next token; advances.
  [[nodiscard]] std::string_view take_scalar_raw() {
    const std::uint32_t begin = positions_[at_];
    ++at_;
    return std::string_view(text_ + begin, token_end(at_) - begin);
  }
  // Checks and passes over any value with everything in it. False when it is not valid JSON or nested deeper than
  // `depth`.
  [[nodiscard]] bool skip_value(int depth);

  // Whether any string of the text holds an escape: when not, raw strings are their values.
  [[nodiscard]] bool has_escapes() const { return has_escapes_; }

 private:
  // End of the token before token `next`, without the white space between them.
  [[nodiscard]] std::uint32_t token_end(std::uint32_t next) const {
    std::uint32_t end = next < count_ ? positions_[next] : size_;
    while (is_space(text_[end - 1])) --end;
    return end;
  }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  [[nodiscard]] bool skip_object(int depth);
  [[nodiscard]] bool skip_array(int depth);

  struct Stage;
  std::unique_ptr<Stage> stage_;
  const char* text_ = nullptr;
  const std::uint32_t* positions_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t at_ = 0;
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

// SPDX-License-Identifier: Apache-2.0
#include "http/json_check.h"

#include <cstddef>

#include "base/utf8.h"

namespace tapewatch {
namespace {

constexpr std::size_t depth_max = 64;

// Walks over one value without building anything. Each take_ answers whether the form was right and moves on.
class Walk final {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  bool whole_object() {
    skip_blanks();
    if (peek() != '{') return false;
    if (!take_value()) return false;
    skip_blanks();
    return at_ == text_.size();
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool take_value() {
    skip_blanks();
    switch (peek()) {
      case '{':
        return take_members('}', true);
      case '[':
        return take_members(']', false);
      case '"':
        return take_string();
      case 't':
        return take_word("true");
      case 'f':
        return take_word("false");
      case 'n':
        return take_word("null");
      default:
        return take_number();
    }
  }

  bool take_members(char close, bool named) {
    if (++depth_ > depth_max) return false;
    ++at_;
    skip_blanks();
    if (!take(close)) {
      do {
        skip_blanks();
        if (named && !(take_string() && take_colon())) return false;
        if (!take_value()) return false;
        skip_blanks();
      } while (take(','));
      if (!take(close)) return false;
    }
    --depth_;
    return true;
  }

  bool take_colon() {
    skip_blanks();
    return take(':');
  }

  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool take_string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) return false;
      const std::size_t step = byte == '\\' ? escape() : byte < 0x80 ? 1 : utf8_sequence(text_.substr(at_));
      if (step == 0) return false;
      at_ += step;
    }
    return false;
  }

  // Bytes of the escape sequence here; 0 when it is none.
  [[nodiscard]] std::size_t escape() const {
    const std::string_view rest = text_.substr(at_);
    if (rest.size() < 2) return 0;
    if (rest[1] != 'u') return std::string_view("\"\\/bfnrt").find(rest[1]) != std::string_view::npos ? 2 : 0;
    if (rest.size() < 6) return 0;
    return rest.substr(2, 4).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos ? 6 : 0;
  }

  bool take_digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }

  bool take_number() {
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return take_digits();
    }
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

bool is_json_object(std::string_view text) { return Walk(text).whole_object(); }

}  // namespace tapewatch

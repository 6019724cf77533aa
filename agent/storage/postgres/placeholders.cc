// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/placeholders.h"

#include <algorithm>
#include <cstddef>

namespace tapewatch {
namespace {

constexpr std::size_t number_max = 65535;  // of the protocol

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return begins_name(c) || is_digit(c) || c == '$'; }

class Placeholders final {
 public:
  explicit Placeholders(std::string_view sql) : sql_(sql) { out_.reserve(sql.size() + 16); }

  std::string run() {
    while (at_ < sql_.size()) step();
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool sees(std::string_view text) const { return sql_.substr(at_).starts_with(text); }
  void copy_to(std::size_t end) {
    end = std::min(end, sql_.size());
    out_.append(sql_, at_, end - at_);
    at_ = end;
  }
  // Behind the next `text` from `from` on, or the end.
  [[nodiscard]] std::size_t behind(std::string_view text, std::size_t from) const {
    const std::size_t found = sql_.find(text, from);
    return found == std::string_view::npos ? sql_.size() : found + text.size();
  }

  void step() {
    const char c = sql_[at_];
    if (c == '\'' || c == '"') return copy_to(behind_quote(at_, false));
    if (sees("--")) return copy_to(behind("\n", at_));
    if (sees("/*")) return copy_to(behind_comment());
    if (c == '$') return dollar();
    if (c == '?') return mark();
    if (begins_name(c) || is_digit(c)) return name();
    copy_to(at_ + 1);
  }

  // A doubled quote is two quotes in a row to us, which comes to the same.
  [[nodiscard]] std::size_t behind_quote(std::size_t from, bool escapes) const {
    const char quote = sql_[from];
    for (std::size_t i = from + 1; i < sql_.size(); ++i) {
      if (escapes && sql_[i] == '\\')
        ++i;
      else if (sql_[i] == quote)
        return i + 1;
    }
    return sql_.size();
  }
  [[nodiscard]] std::size_t behind_comment() const {
    std::size_t depth = 0;
    for (std::size_t i = at_; i < sql_.size(); ++i) {
      const std::string_view two = sql_.substr(i, 2);
      if (two == "/*") {
        ++depth;
        ++i;
      } else if (two == "*/") {
        ++i;
        if (--depth == 0) return i + 1;
      }
    }
    return sql_.size();
  }

  // A word, with its `$` and digits, so that none of them is taken for a placeholder; E'...' has its own escapes.
  void name() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && continues_name(sql_[end])) ++end;
    const bool escapes = end - at_ == 1 && (sql_[at_] == 'e' || sql_[at_] == 'E') && sql_.substr(end).starts_with('\'');
    if (!escapes) return copy_to(end);
    std::size_t behind = end;
    // Doubled quotes belong to the same literal, and so do its escapes.
    do {
      behind = behind_quote(behind, true);
    } while (behind < sql_.size() && sql_[behind] == '\'');
    copy_to(behind);
  }

  void dollar() {
    std::size_t end = at_ + 1;
    if (end < sql_.size() && is_digit(sql_[end])) {
      note(digits(end));
      return copy_to(end);
    }
    while (end < sql_.size() && continues_name(sql_[end]) && sql_[end] != '$') ++end;
    if (end == sql_.size() || sql_[end] != '$') return copy_to(at_ + 1);
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    copy_to(behind(tag, end + 1));
  }

  void mark() {
    if (sees("??")) {
      out_ += '?';
      at_ += 2;
      return;
    }
    std::size_t end = at_ + 1;
    std::size_t number = digits(end);
    if (number == 0) number = greatest_ + 1;
    note(number);
    // Neither part of the name before it, nor a digit behind it part of the number.
    if (!out_.empty() && continues_name(out_.back())) out_ += ' ';
    out_ += '$' + std::to_string(number);
    if (end < sql_.size() && continues_name(sql_[end])) out_ += ' ';
    at_ = end;
  }
  // Reads digits from `at` on and moves it behind them; 0 when there are none.
  [[nodiscard]] std::size_t digits(std::size_t& at) const {
    std::size_t out = 0;
    for (; at < sql_.size() && is_digit(sql_[at]); ++at)
      out = std::min(out * 10 + static_cast<std::size_t>(sql_[at] - '0'), number_max + 1);
    return out;
  }
  void note(std::size_t number) { greatest_ = std::max(greatest_, std::min(number, number_max)); }

  std::string_view sql_;
  std::size_t at_ = 0;
  std::size_t greatest_ = 0;
  std::string out_;
};

}  // namespace

std::string numbered_placeholders(std::string_view sql) { return Placeholders(sql).run(); }

}  // namespace tapewatch

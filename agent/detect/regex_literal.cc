// SPDX-License-Identifier: Apache-2.0
#include "detect/regex_literal.h"

#include <algorithm>
#include <utility>

namespace tapewatch {
namespace {

constexpr std::size_t literal_bytes_min = 3;

// The longest stretch of plain characters that cannot be left out, of each branch at the top.
class LiteralReader final {
 public:
  LiteralReader(std::string_view regex, bool ignore_case) : text_(regex), ignore_case_(ignore_case) {}

  std::vector<std::string> read() {
    while (at_ < text_.size() && known_) step(text_[at_]);
    end_branch();
    return known_ ? std::move(branches_) : std::vector<std::string>();
  }

 private:
  void step(char c) {
    switch (c) {
      case '|':
        ++at_;
        end_branch();
        return;
      case '(':
        end_run();
        skip_group();
        return;
      case '[':
        end_run();
        skip_class();
        return;
      case '*':
      case '?':
      case '{':  // may mean none of what stands before
        if (!run_.empty()) run_.pop_back();
        end_run();
        skip_quantifier(c);
        return;
      case '+':
      case '.':
      case '^':
      case '$':
        end_run();
        ++at_;
        return;
      case '\\':
        escape();
        return;
      default:
        plain(c);
    }
  }

  void plain(char c) {
    ++at_;
    // A character of several bytes could lose only its last to a quantifier; and without regard to case, k and s are
    // also the Kelvin sign and the long s.
    const bool folds = ignore_case_ && (c == 'k' || c == 'K' || c == 's' || c == 'S');
    if (static_cast<unsigned char>(c) >= 0x80 || folds) {
      end_run();
    } else {
      run_.push_back(c);
    }
  }

  void escape() {
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9');
    if (!letter && next != '\0') {
      ++at_;
      plain(next);
      return;
    }
    end_run();
    // A class or an assertion of one letter is passed over; those with more behind them (\x, \p, \Q) are not
    // understood.
    const bool simple = std::string_view("dDwWsSbBAztnrfv").find(next) != std::string_view::npos && next != '\0';
    known_ = known_ && simple;
    at_ += 2;
  }

  void skip_group() {
    // Flags inside could make the rest of the expression ignore case.
    if (text_.substr(at_).starts_with("(?") && !text_.substr(at_).starts_with("(?:")) {
      const std::size_t end = text_.find_first_of(":)", at_);
      if (end == std::string_view::npos || text_.substr(at_, end - at_).find('P') != std::string_view::npos) {
        known_ = false;
        return;
      }
      ignore_case_ = true;
    }
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        at_ += 2;
        continue;
      }
      if (c == '[') {
        skip_class();
        continue;
      }
      ++at_;
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) return;
    }
  }

  void skip_class() {
    ++at_;
    if (at_ < text_.size() && text_[at_] == '^') ++at_;
    if (at_ < text_.size() && text_[at_] == ']') ++at_;
    while (at_ < text_.size() && text_[at_] != ']') {
      if (text_[at_] == '\\') ++at_;
      if (text_.substr(at_).starts_with("[:")) at_ = std::min(text_.find(":]", at_), text_.size() - 1) + 1;
      ++at_;
    }
    ++at_;
  }

  void skip_quantifier(char c) {
    const std::size_t end = c == '{' ? text_.find('}', at_) : at_;
    if (end == std::string_view::npos) {
      known_ = false;
      return;
    }
    at_ = end + 1;
  }

  void end_run() {
    if (run_.size() > best_.size()) best_ = run_;
    run_.clear();
  }

  void end_branch() {
    end_run();
    if (best_.size() < literal_bytes_min) known_ = false;
    branches_.push_back(std::exchange(best_, {}));
  }

  const std::string_view text_;
  bool ignore_case_;
  std::size_t at_ = 0;
  bool known_ = true;
  std::string run_;
  std::string best_;
  std::vector<std::string> branches_;
};

}  // namespace

std::vector<std::string> required_literals(std::string_view regex, bool ignore_case) {
  return LiteralReader(regex, ignore_case).read();
}

}  // namespace tapewatch

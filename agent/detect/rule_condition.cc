// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_condition.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ascii.h"

namespace tapewatch {
namespace {

constexpr int depth_max = 64;

struct Token {
  enum class Kind : std::uint8_t { end, word, open, close };
  Kind kind = Kind::end;
  std::string_view text;
  std::size_t at = 0;
};

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.' || c == '*';
}

bool is_operator(std::string_view word) {
  return same_ascii_word(word, "and") || same_ascii_word(word, "or") || same_ascii_word(word, "not") ||
         same_ascii_word(word, "of");
}

// `pattern` with '*' anywhere against a name.
bool name_matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  for (std::size_t from = star; from <= name.size(); ++from) {
    if (name_matches(pattern, name.substr(from))) return true;
  }
  return false;
}

class ConditionParser final {
 public:
  ConditionParser(const YamlNode& text, const Identifiers& identifiers, std::vector<Node>& nodes, RuleFaults& faults)
      : source_(text), text_(text.text), identifiers_(identifiers), nodes_(nodes), faults_(faults) {}

  std::optional<std::uint32_t> parse() {
    if (const std::size_t bar = text_.find('|'); bar != std::string_view::npos) {
      return fail(fault_number::old_aggregation, bar, text_.size() - bar,
                  "aggregations behind '|' are no longer part of the rule language",
                  "write a correlation rule (correlation: {type: event_count, ...})");
    }
    if (!next()) return std::nullopt;
    const auto root = any_of(0);
    if (!root) return std::nullopt;
    if (token_.kind != Token::Kind::end) {
      return fail(fault_number::condition_syntax, token_.at, token_.text.size(),
                  "\"and\" or \"or\" expected before \"" + std::string(token_.text) + "\"");
    }
    return root;
  }

 private:
  using Result = std::optional<std::uint32_t>;

  Result fail(int number, std::size_t at, std::size_t bytes, std::string message, std::string hint = {}) {
    faults_.error(number, source_.place_of(at, bytes), std::move(message), std::move(hint));
    return std::nullopt;
  }

  // Reads the next token. False when a fault was told.
  bool next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    token_ = Token{Token::Kind::end, {}, at_};
    if (at_ == text_.size()) return true;
    const char c = text_[at_];
    std::size_t end = at_ + 1;
    if (c == '(' || c == ')') {
      token_.kind = c == '(' ? Token::Kind::open : Token::Kind::close;
    } else if (is_word(c)) {
      token_.kind = Token::Kind::word;
      while (end < text_.size() && is_word(text_[end])) ++end;
    } else {
      (void)fail(fault_number::condition_syntax, at_, 1, std::string("unexpected character '") + c + "'");
      return false;
    }
    token_.text = text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  [[nodiscard]] bool at_word(std::string_view word) const {
    return token_.kind == Token::Kind::word && same_ascii_word(token_.text, word);
  }

  Result join(Node::Kind kind, std::vector<std::uint32_t> children) {
    if (children.size() == 1 && kind != Node::Kind::none_of) return children.front();
    nodes_.push_back({kind, 0, std::move(children)});
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  Result any_of(int depth) {
    std::vector<std::uint32_t> children;
    do {
      if (!children.empty() && !next()) return std::nullopt;
      const Result child = all_of(depth);
      if (!child) return std::nullopt;
      children.push_back(*child);
    } while (at_word("or"));
    return join(Node::Kind::any_of, std::move(children));
  }

  Result all_of(int depth) {
    std::vector<std::uint32_t> children;
    do {
      if (!children.empty() && !next()) return std::nullopt;
      const Result child = negation(depth);
      if (!child) return std::nullopt;
      children.push_back(*child);
    } while (at_word("and"));
    return join(Node::Kind::all_of, std::move(children));
  }

  Result negation(int depth) {
    if (!at_word("not")) return primary(depth);
    if (depth >= depth_max) return too_deep();
    if (!next()) return std::nullopt;
    const Result child = negation(depth + 1);
    if (!child) return std::nullopt;
    return join(Node::Kind::none_of, {*child});
  }

  Result too_deep() {
    return fail(fault_number::condition_syntax, token_.at, token_.text.size(),
                "nested deeper than " + std::to_string(depth_max) + " levels");
  }

  Result primary(int depth) {
    if (token_.kind == Token::Kind::open) {
      if (depth >= depth_max) return too_deep();
      const std::size_t opened = token_.at;
      if (!next()) return std::nullopt;
      const Result inner = any_of(depth + 1);
      if (!inner) return std::nullopt;
      if (token_.kind != Token::Kind::close) {
        return fail(fault_number::condition_syntax, opened, 1, "this parenthesis is not closed");
      }
      if (!next()) return std::nullopt;
      return inner;
    }
    if (token_.kind != Token::Kind::word || is_operator(token_.text)) {
      const std::string found = token_.kind == Token::Kind::end ? "the end" : "\"" + std::string(token_.text) + "\"";
      return fail(fault_number::condition_syntax, token_.at, token_.text.size(),
                  "a search identifier expected, not " + found);
    }
    const Token first = token_;
    if (!next()) return std::nullopt;
    if (at_word("of")) return selector(first);
    return identifier(first);
  }

  [[nodiscard]] std::vector<std::string_view> names() const {
    std::vector<std::string_view> all;
    for (const auto& [name, node] : identifiers_) all.push_back(name);
    return all;
  }

  Result identifier(const Token& token) {
    if (token.text.find('*') != std::string_view::npos) {
      return fail(fault_number::condition_syntax, token.at, token.text.size(), "a pattern stands only behind \"of\"",
                  "write \"1 of " + std::string(token.text) + "\" or \"all of " + std::string(token.text) + "\"");
    }
    for (const auto& [name, node] : identifiers_) {
      if (name == token.text) return node;
    }
    return fail(fault_number::unknown_identifier, token.at, token.text.size(),
                "unknown search identifier \"" + std::string(token.text) + "\"",
                RuleFaults::suggest(token.text, names()));
  }

  // Behind a quantifier, at "of".
  Result selector(const Token& quantifier) {
    const bool all = same_ascii_word(quantifier.text, "all");
    if (!all && quantifier.text != "1" && !same_ascii_word(quantifier.text, "any")) {
      return fail(fault_number::condition_syntax, quantifier.at, quantifier.text.size(),
                  "\"" + std::string(quantifier.text) + " of\" is not a quantifier",
                  "write \"1 of\", \"any of\" or \"all of\"");
    }
    if (!next()) return std::nullopt;
    if (token_.kind != Token::Kind::word || is_operator(token_.text)) {
      return fail(fault_number::condition_syntax, token_.at, token_.text.size(),
                  "\"them\" or a pattern of search identifiers expected behind \"of\"");
    }
    const Token pattern = token_;
    const bool them = same_ascii_word(pattern.text, "them");
    std::vector<std::uint32_t> children;
    for (const auto& [name, node] : identifiers_) {
      if (name.starts_with("_") && (them || !pattern.text.starts_with("_"))) continue;
      if (them || name_matches(pattern.text, name)) children.push_back(node);
    }
    if (children.empty()) {
      return fail(fault_number::empty_selector, pattern.at, pattern.text.size(),
                  "no search identifier matches \"" + std::string(pattern.text) + "\"",
                  RuleFaults::suggest(pattern.text, names()));
    }
    if (!next()) return std::nullopt;
    return join(all ? Node::Kind::all_of : Node::Kind::any_of, std::move(children));
  }

  const YamlNode& source_;
  const std::string_view text_;
  const Identifiers& identifiers_;
  std::vector<Node>& nodes_;
  RuleFaults& faults_;
  Token token_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::uint32_t> parse_condition(const YamlNode& condition, const Identifiers& identifiers,
                                             std::vector<Node>& nodes, RuleFaults& faults) {
  return ConditionParser(condition, identifiers, nodes, faults).parse();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/query.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "storage/query_node.h"
#include "storage/text_search.h"

namespace tapewatch {
namespace {

constexpr std::size_t query_bytes_max = 4096;
constexpr int terms_max = 64;
constexpr int depth_max = 32;

enum FaultNumber : int {
  too_long = 301,
  quote_open = 302,
  bracket_open = 303,
  bracket_stray = 304,
  operand_missing = 305,
  value_missing = 306,
  not_a_number = 307,
  bad_range = 308,
  empty_text = 309,
  too_complex = 310,
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool ends_word(char c) { return is_space(c) || c == '(' || c == ')' || c == '"'; }

bool is_path(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text) {
    if (!is_token_char(c) && c != '.' && c != '@' && c != '-' && c != '/' && static_cast<unsigned char>(c) < 0x80)
      return false;
  }
  return true;
}

// Literal parts around the stars.
std::vector<std::string> split_stars(std::string_view word) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t star = word.find('*');
    parts.push_back(fold(word.substr(0, star)));
    if (star == std::string_view::npos) return parts;
    while (star + 1 < word.size() && word[star + 1] == '*') word.remove_prefix(1);
    word.remove_prefix(star + 1);
  }
}

// Recursive descent over one query. After the first fault every method returns at once; `fault_` has it.
class QueryParser final {
 public:
  explicit QueryParser(std::string_view text) : text_(text) {}

  std::optional<QueryNode> parse() {
    if (text_.size() > query_bytes_max) {
      fail(too_long, query_bytes_max, 1, "the query is longer than 4096 bytes", "");
      return std::nullopt;
    }
    skip_space();
    if (at_ == text_.size()) return std::nullopt;
    QueryNode node = either(0);
    if (!fault_ && at_ < text_.size())
      fail(bracket_stray, at_, 1, "\")\" closes nothing", "remove it, or put the text in quotes");
    return node;
  }

  std::optional<QueryFault> take_fault() { return std::move(fault_); }

 private:
  void fail(int number, std::size_t offset, std::size_t length, std::string message, std::string hint) {
    if (!fault_) fault_ = QueryFault{number, offset, length, std::move(message), std::move(hint)};
  }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  [[nodiscard]] bool ended() const { return fault_.has_value() || at_ == text_.size(); }

  // The bare word at this place, without moving.
  [[nodiscard]] std::string_view peek_word() const {
    std::size_t end = at_;
    while (end < text_.size() && !ends_word(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  bool take_keyword(std::string_view keyword) {
    const std::string_view word = peek_word();
    if (!fold_equal(word, keyword) || (at_ + word.size() < text_.size() && text_[at_ + word.size()] == '"'))
      return false;
    at_ += word.size();
    skip_space();
    return true;
  }

  // a or b or c
  QueryNode either(int depth) {
    QueryNode node;
    node.kind = QueryNode::Kind::any_of;
    do {
      node.children.push_back(both(depth));
    } while (!fault_ && take_keyword("or"));
    if (node.children.size() == 1) return QueryNode(std::move(node.children.front()));
    return node;
  }

  // a b and c
  QueryNode both(int depth) {
    QueryNode node;
    node.kind = QueryNode::Kind::all_of;
    for (;;) {
      node.children.push_back(one(depth));
      if (ended() || text_[at_] == ')') break;
      if (take_keyword("and")) continue;
      const std::string_view word = peek_word();
      if (fold_equal(word, "or")) break;
    }
    if (node.children.size() == 1) return QueryNode(std::move(node.children.front()));
    return node;
  }

  QueryNode one(int depth) {
    QueryNode node;
    const std::size_t begin = at_;
    if (depth > depth_max) {
      fail(too_complex, at_, 1, "the query is nested more than 32 deep", "");
      return node;
    }
    if (at_ == text_.size()) {
      fail(operand_missing, last_word(), text_.size() - last_word(), "something has to follow here",
           "put the word in quotes if it is meant as text");
      return node;
    }
    const std::string_view word = peek_word();
    if (fold_equal(word, "and") || fold_equal(word, "or")) {
      fail(operand_missing, at_, word.size(), "\"" + std::string(word) + "\" has nothing before it",
           "put the word in quotes if it is meant as text");
      return node;
    }
    const bool minus = text_[at_] == '-' && at_ + 1 < text_.size() && !is_space(text_[at_ + 1]);
    if (minus) ++at_;
    if (minus || take_keyword("not")) {
      node.kind = QueryNode::Kind::negation;
      node.children.push_back(one(depth + 1));
      return node;
    }
    if (text_[at_] == '(') return group(depth);
    if (text_[at_] == ')') {
      fail(depth == 0 && begin == 0 ? bracket_stray : operand_missing, at_, 1, "something has to stand before \")\"",
           "put the text in quotes if brackets belong to it");
      return node;
    }
    node = term();
    skip_space();
    return node;
  }

  QueryNode group(int depth) {
    const std::size_t open = at_++;
    skip_space();
    QueryNode node = either(depth + 1);
    if (!fault_ && at_ == text_.size()) fail(bracket_open, open, 1, "this \"(\" is never closed", "add \")\"");
    if (fault_) return node;
    ++at_;
    skip_space();
    return node;
  }

  QueryNode term() {
    QueryNode node;
    if (++terms_ > terms_max) {
      fail(too_complex, at_, 1, "the query has more than 64 terms", "");
      return node;
    }
    const std::string_view word = peek_word();
    const std::size_t colon = word.find(':');
    const bool field =
        colon != std::string_view::npos && is_path(word.substr(0, colon)) && word.substr(colon).substr(0, 3) != "://";
    if (!field) {
      node.kind = QueryNode::Kind::text;
      node.pattern = text_pattern();
      return node;
    }
    node.path = word.substr(0, colon);
    const std::size_t begin = at_;
    at_ += colon + 1;
    field_value(node, begin);
    return node;
  }

  void field_value(QueryNode& node, std::size_t begin) {
    if (at_ == text_.size() || is_space(text_[at_]) || text_[at_] == ')') {
      fail(value_missing, begin, at_ - begin, "a value is missing behind \"" + node.path + ":\"",
           "no space after the colon; " + node.path + ":* asks whether the field is there");
    } else if (text_[at_] == '(') {
      fail(value_missing, at_, 1, "a field takes one value here", "write (" + node.path + ":a or " + node.path + ":b)");
    } else if (text_[at_] == '<' || text_[at_] == '>') {
      comparison(node);
    } else if (text_[at_] == '[') {
      range(node);
    } else {
      node.kind = QueryNode::Kind::field_text;
      const bool whole = text_[at_] == '=';
      if (whole) ++at_;
      const bool star_alone = !whole && peek_word() == "*" && (at_ + 1 == text_.size() || text_[at_ + 1] != '"');
      node.pattern = text_pattern();
      node.pattern.whole = whole;
      if (star_alone) {
        node.kind = QueryNode::Kind::field_exists;
        node.pattern.parts.clear();
      }
    }
  }

  TextPattern text_pattern() {
    TextPattern pattern;
    if (at_ < text_.size() && text_[at_] == '"') {
      pattern.parts.push_back(fold(quoted()));
      return pattern;
    }
    const std::string_view word = peek_word();
    if (word.empty())
      fail(value_missing, at_, 1, "a value is missing here", "put the text in quotes if brackets belong to it");
    pattern.parts = split_stars(word);
    at_ += word.size();
    return pattern;
  }

  // Inside quotes \" and \\ stand for a quote and a backslash.
  std::string quoted() {
    const std::size_t open = at_++;
    std::string out;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) ++at_;
      out.push_back(text_[at_]);
    }
    if (at_ == text_.size()) {
      fail(quote_open, open, text_.size() - open, "this quote is never closed", "add \" at the end of the phrase");
      return out;
    }
    ++at_;
    if (out.empty()) fail(empty_text, open, 2, "an empty phrase is in everything and in nothing", "remove it");
    return out;
  }

  double number(std::string_view text, std::size_t offset) {
    double value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() || std::isnan(value)) {
      fail(not_a_number, offset, std::max<std::size_t>(text.size(), 1),
           text.empty() ? "a number is missing here" : "\"" + std::string(text) + "\" is not a number",
           "< > and [a..b] compare numbers; give points in time with from and to");
    }
    return value;
  }

  void comparison(QueryNode& node) {
    node.kind = QueryNode::Kind::field_range;
    node.range.low = -std::numeric_limits<double>::infinity();
    node.range.high = std::numeric_limits<double>::infinity();
    const bool less = text_[at_++] == '<';
    const bool included = at_ < text_.size() && text_[at_] == '=';
    if (included) ++at_;
    const std::string_view word = peek_word();
    const double value = number(word, std::min(at_, text_.size() - 1));
    at_ += word.size();
    (less ? node.range.high : node.range.low) = value;
    (less ? node.range.high_included : node.range.low_included) = included;
  }

  void range(QueryNode& node) {
    node.kind = QueryNode::Kind::field_range;
    const std::size_t open = at_;
    const std::size_t close = text_.find(']', at_);
    const std::size_t dots = text_.find("..", at_);
    if (close == std::string_view::npos || dots == std::string_view::npos || dots > close) {
      fail(bad_range, open, close == std::string_view::npos ? text_.size() - open : close + 1 - open,
           "a range is written [low..high]", "for example " + node.path + ":[1..5]");
      return;
    }
    const auto bound = [&](std::size_t from, std::size_t to) {
      while (from < to && is_space(text_[from])) ++from;
      while (to > from && is_space(text_[to - 1])) --to;
      return number(text_.substr(from, to - from), from);
    };
    node.range.low = bound(open + 1, dots);
    node.range.high = bound(dots + 2, close);
    if (!fault_ && node.range.low > node.range.high)
      fail(bad_range, open, close + 1 - open, "the low end is above the high end", "swap them");
    at_ = close + 1;
  }

  // Where the last word of the text begins, for a fault at its end.
  [[nodiscard]] std::size_t last_word() const {
    std::size_t end = text_.size();
    while (end > 0 && is_space(text_[end - 1])) --end;
    while (end > 0 && !is_space(text_[end - 1])) --end;
    return end;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int terms_ = 0;
  std::optional<QueryFault> fault_;
};

}  // namespace

Query::Query() = default;
Query::Query(std::shared_ptr<const QueryNode> root) : root_(std::move(root)) {}

std::variant<Query, QueryFault> Query::parse(std::string_view text) {
  QueryParser parser(text);
  std::optional<QueryNode> root = parser.parse();
  if (std::optional<QueryFault> fault = parser.take_fault()) return std::move(*fault);
  if (!root) return Query();
  root->collect_tokens();
  return Query(std::make_shared<const QueryNode>(std::move(*root)));
}

Query Query::trace(std::string_view id) {
  QueryNode anywhere;
  anywhere.kind = QueryNode::Kind::any_of;
  for (const char* const path :
       {"labels.correlation_id", "trace.id", "transaction.id", "order.id", "trade.id", "session.id", "user.session.id",
        "approval.id", "http.request.id", "labels.order_id", "labels.trade_id", "labels.session_id", "correlation_id",
        "request_id", "trace_id", "order_id", "trade_id", "session_id"}) {
    QueryNode field;
    field.kind = QueryNode::Kind::field_text;
    field.path = path;
    field.pattern.parts.push_back(fold(id));
    field.pattern.whole = true;
    anywhere.children.push_back(std::move(field));
  }
  QueryNode root;
  root.kind = QueryNode::Kind::all_of;
  // First, because it says no quickly: a document without the id has it in no field either.
  QueryNode mentioned;
  mentioned.kind = QueryNode::Kind::text;
  mentioned.pattern.parts.push_back(fold(id));
  root.children.push_back(std::move(mentioned));
  root.children.push_back(std::move(anywhere));
  root.collect_tokens();
  return Query(std::make_shared<const QueryNode>(std::move(root)));
}

bool Query::matches(std::string_view document) const { return DocumentMatcher(root_.get()).matches(document); }

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "storage/json_path.h"
#include "storage/query_node.h"
#include "storage/text_search.h"
#include "storage/token_filter.h"

namespace tapewatch {
namespace {

constexpr std::size_t star_bytes_max = 256;  // what one `*` inside a word stands for at most

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool starts_word(std::string_view text, std::size_t at) {
  return at == 0 || !is_token_char(text[at]) || !is_token_char(text[at - 1]);
}
bool ends_word(std::string_view text, std::size_t end) {
  return end == text.size() || !is_token_char(text[end]) || !is_token_char(text[end - 1]);
}

// Where the run that a star may cover, beginning at `from`, ends.
std::size_t star_end(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && end - from < star_bytes_max && !is_space(text[end])) ++end;
  return end;
}

// Whether the parts behind the first match in text from `at` (the end of the first part).
bool rest_matches(const std::vector<std::string>& parts, std::string_view text, std::size_t at) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (i + 1 == parts.size() && part.empty()) return true;
    const std::string_view reach = text.substr(0, std::min(text.size(), star_end(text, at) + part.size()));
    std::size_t found = fold_find(reach, part, at);
    if (i + 1 < parts.size()) {
      if (found == std::string_view::npos) return false;
      at = found + part.size();
      continue;
    }
    while (found != std::string_view::npos && !ends_word(text, found + part.size()))
      found = fold_find(reach, part, found + 1);
    return found != std::string_view::npos;
  }
  return ends_word(text, at);
}

bool matches_words(const std::vector<std::string>& parts, std::string_view text) {
  if (parts.size() == 1 && parts[0].empty()) return false;
  if (parts.size() == 2 && parts[0].empty() && parts[1].empty()) return true;
  if (parts[0].empty()) {
    // A star first: wherever the second part is, the star may stand for nothing.
    const std::vector<std::string> rest(parts.begin() + 1, parts.end());
    for (std::size_t at = 0; (at = fold_find(text, rest[0], at)) != std::string_view::npos; ++at) {
      if (rest_matches(rest, text, at + rest[0].size())) return true;
    }
    return false;
  }
  for (std::size_t at = 0; (at = fold_find(text, parts[0], at)) != std::string_view::npos; ++at) {
    if (starts_word(text, at) && rest_matches(parts, text, at + parts[0].size())) return true;
  }
  return false;
}

bool matches_whole(const std::vector<std::string>& parts, std::string_view text) {
  if (parts.size() == 1) return fold_equal(text, parts[0]);
  const std::string& head = parts.front();
  const std::string& tail = parts.back();
  if (text.size() < head.size() + tail.size() || !fold_equal(text.substr(0, head.size()), head) ||
      !fold_equal(text.substr(text.size() - tail.size()), tail))
    return false;
  std::string_view middle = text.substr(head.size(), text.size() - head.size() - tail.size());
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    const std::size_t found = fold_find(middle, parts[i]);
    if (found == std::string_view::npos) return false;
    middle.remove_prefix(found + parts[i].size());
  }
  return true;
}

bool scalar_matches(const TextPattern& pattern, const JsonScalar& scalar, std::string& scratch) {
  if (!scalar.string) return pattern.matches_literal(scalar.raw);
  return pattern.matches_text(text_of(scalar, scratch));
}

// Looks at every value of a document, whatever its path.
struct AnyValue {
  struct Nowhere {};
  const TextPattern& pattern;
  std::string& scratch;

  Nowhere member(Nowhere, std::string_view, bool) { return {}; }
  bool structure(Nowhere) { return false; }
  bool scalar(Nowhere, const JsonScalar& value) { return scalar_matches(pattern, value, scratch); }
};

// Looks at the values at one path. The state is what remains of the path; none: this part is off the path.
struct AtPath {
  using Rest = RestOfPath;
  const QueryNode& node;
  std::string& scratch;

  Rest member(Rest rest, std::string_view raw_key, bool escaped) {
    return follow_key(rest, text_of(JsonScalar{raw_key, true, escaped}, scratch));
  }
  bool structure(Rest rest) { return rest && rest->empty() && node.kind == QueryNode::Kind::field_exists; }
  bool scalar(Rest rest, const JsonScalar& value) {
    if (!rest || !rest->empty()) return false;
    if (node.kind == QueryNode::Kind::field_exists) return value.string || value.raw != "null";
    if (node.kind == QueryNode::Kind::field_text) return scalar_matches(node.pattern, value, scratch);
    const std::string_view text = text_of(value, scratch);
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() && node.range.holds(number);
  }
};

}  // namespace

bool TextPattern::matches_text(std::string_view text) const {
  return whole ? matches_whole(parts, text) : matches_words(parts, text);
}

bool TextPattern::matches_literal(std::string_view text) const { return matches_whole(parts, text); }

void TextPattern::collect_tokens(std::vector<TokenKey>& out) const {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string_view part = parts[i];
    // A token that touches a star may go on behind it.
    if (i > 0) {
      while (!part.empty() && is_token_char(part.front())) part.remove_prefix(1);
    }
    if (i + 1 < parts.size()) {
      while (!part.empty() && is_token_char(part.back())) part.remove_suffix(1);
    }
    for (const TokenKey& key : token_keys(part)) out.push_back(key);
  }
}

void QueryNode::collect_tokens() {
  for (QueryNode& child : children) child.collect_tokens();
  if (kind == Kind::text || kind == Kind::field_text) pattern.collect_tokens(tokens);
  if (!path.empty()) {
    for (const TokenKey& key : token_keys(path)) tokens.push_back(key);
  }
  const auto take_longer = [this](const std::string& part) {
    if (part.size() > needed.size()) needed = part;
  };
  if (kind == Kind::text || kind == Kind::field_text) {
    for (const std::string& part : pattern.parts) take_longer(part);
  }
  if (kind == Kind::all_of) {
    for (const QueryNode& child : children) take_longer(child.needed);
  }
}

bool QueryNode::wants_filter() const {
  if (!tokens.empty()) return true;
  for (const QueryNode& child : children) {
    if (child.wants_filter()) return true;
  }
  return false;
}

bool QueryNode::block_may_match(std::string_view bits) const {
  switch (kind) {
    case Kind::negation:
      return true;
    case Kind::all_of:
      for (const QueryNode& child : children) {
        if (!child.block_may_match(bits)) return false;
      }
      return true;
    case Kind::any_of:
      for (const QueryNode& child : children) {
        if (child.block_may_match(bits)) return true;
      }
      return children.empty();
    default:
      for (const TokenKey& key : tokens) {
        if (!TokenFilter::may_hold(bits, key)) return false;
      }
      return true;
  }
}

std::uint64_t QueryNode::group_may_match(std::size_t buckets, const SliceOf& slice) const {
  constexpr std::uint64_t every = ~std::uint64_t{0};
  std::uint64_t blocks = every;
  switch (kind) {
    case Kind::negation:
      return every;
    case Kind::all_of:
      for (const QueryNode& child : children) {
        if (blocks != 0) blocks &= child.group_may_match(buckets, slice);
      }
      return blocks;
    case Kind::any_of:
      blocks = 0;
      for (const QueryNode& child : children) blocks |= child.group_may_match(buckets, slice);
      return blocks;
    default:
      for (const TokenKey& key : tokens) {
        if (blocks == 0) break;
        const std::string_view bits = slice(TokenFilter::bucket_of(key.hash, buckets));
        if (!bits.empty()) blocks &= TokenFilter::slice_may_hold(bits, key);
      }
      return blocks;
  }
}

std::string_view searchable_text(std::string_view document, std::string& scratch) {
  if (document.empty() || std::memchr(document.data(), '\\', document.size()) == nullptr) return document;
  scratch.clear();
  append_unescaped(scratch, document);
  return scratch;
}

bool DocumentMatcher::matches(std::string_view document) {
  if (root_ == nullptr) return true;
  document_ = document;
  text_ = searchable_text(document, unescaped_);
  return test(*root_);
}

bool DocumentMatcher::test(const QueryNode& node) {
  switch (node.kind) {
    case QueryNode::Kind::all_of:
      for (const QueryNode& child : node.children) {
        if (!test(child)) return false;
      }
      return true;
    case QueryNode::Kind::any_of:
      for (const QueryNode& child : node.children) {
        if (test(child)) return true;
      }
      return false;
    case QueryNode::Kind::negation:
      return !test(node.children.front());
    case QueryNode::Kind::text:
      return test_text(node);
    default:
      return test_field(node);
  }
}

// Cheap, and mostly enough to say no: the parts have to occur somewhere in the document.
bool DocumentMatcher::may_hold_parts(const TextPattern& pattern) const {
  for (const std::string& part : pattern.parts) {
    if (!part.empty() && fold_find(text_, part) == std::string_view::npos) return false;
  }
  return true;
}

bool DocumentMatcher::test_text(const QueryNode& node) {
  if (!may_hold_parts(node.pattern)) return false;
  AnyValue visitor{node.pattern, scratch_};
  const WalkEnd end = JsonWalk<AnyValue, AnyValue::Nowhere>(document_, visitor).run({});
  if (end == WalkEnd::invalid) return node.pattern.matches_text(text_);
  return end == WalkEnd::enough;
}

bool DocumentMatcher::test_field(const QueryNode& node) {
  if (node.kind == QueryNode::Kind::field_text && !may_hold_parts(node.pattern)) return false;
  AtPath visitor{node, scratch_};
  const std::string_view path = node.path;
  return JsonWalk<AtPath, AtPath::Rest>(document_, visitor).run(path) == WalkEnd::enough;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tree of a parsed query, and its two tests: against a block's token filter (can it hold a match?) and against one
// document. Immutable once built. Thread: any, but each thread brings its own DocumentMatcher.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/json_walk.h"
#include "storage/token_filter.h"

namespace tapewatch {

// A test of one text: literal parts with `*` between them.
struct TextPattern {
  std::vector<std::string> parts;  // folded; an empty first or last one is a star at that end
  bool whole = false;              // the whole value, instead of whole words in it

  // Against the unescaped text of a string.
  [[nodiscard]] bool matches_text(std::string_view text) const;
  // Against a number, true, false or null: whole, always.
  [[nodiscard]] bool matches_literal(std::string_view text) const;
  // Adds the tokens that every matching text holds.
  void collect_tokens(std::vector<TokenKey>& out) const;
};

struct NumberRange {
  double low = 0;
  double high = 0;
  bool low_included = true;
  bool high_included = true;

  [[nodiscard]] bool holds(double value) const {
    return (low_included ? value >= low : value > low) && (high_included ? value <= high : value < high);
  }
};

class QueryNode final {
 public:
  enum class Kind : std::uint8_t { all_of, any_of, negation, text, field_text, field_exists, field_range };

  Kind kind = Kind::all_of;
  std::vector<QueryNode> children;
  std::string path;
  TextPattern pattern;
  NumberRange range;
  std::vector<TokenKey> tokens;  // of path and pattern: a block without one of them holds no match
  std::string needed;            // folded; every matching document's unescaped text holds it; empty: nothing known

  // To be called once on the finished tree: fills in `tokens` and `needed`.
  void collect_tokens();
  [[nodiscard]] bool wants_filter() const;
  // `bits` as TokenFilter stores them.
  [[nodiscard]] bool block_may_match(std::string_view bits) const;
  // The same for a group of blocks whose filters of so many buckets are stored sliced: bit i stands for block i.
  // `slice` gives bucket n of all of them; an empty answer means that nothing is known.
  using SliceOf = std::function<std::string_view(std::size_t bucket)>;
  [[nodiscard]] std::uint64_t group_may_match(std::size_t buckets, const SliceOf& slice) const;
};

// Tests documents, one after the other, with scratch space that is reused.
class DocumentMatcher final {
 public:
  explicit DocumentMatcher(const QueryNode* root) : root_(root) {}
  // A null root matches everything.
  [[nodiscard]] bool matches(std::string_view document);

 private:
  [[nodiscard]] bool test(const QueryNode& node);
  [[nodiscard]] bool test_text(const QueryNode& node);
  [[nodiscard]] bool test_field(const QueryNode& node);
  [[nodiscard]] bool may_hold_parts(const TextPattern& pattern) const;

  const QueryNode* root_;
  std::string_view document_;
  std::string_view text_;  // the document with its escapes undone
  std::string unescaped_;  // what text_ looks at, if the document has escapes
  std::string scratch_;
};

// The text as search sees it: `document` itself, or `scratch` filled with it unescaped.
[[nodiscard]] std::string_view searchable_text(std::string_view document, std::string& scratch);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Query: what a person asks of the log store, parsed. Immutable and cheap to copy. Thread: any.
//
//   timeout                    the word, in any value, as a whole word; ASCII case does not count
//   "order rejected"           the phrase, as it stands, in one value; `*` inside quotes is a star
//   約定                        text that is not ASCII is found anywhere, also inside a longer text
//   ord-*                      `*` stands for any characters but spaces
//   field:value                the same tests on one field; numbers and true/false/null compare whole
//   field:="whole value"       the whole value; here `*` (unquoted) stands for anything
//   field:*                    the field is there (and not null)
//   field:>=5  field:[1..9]    numbers (also numbers written as strings); both ends of a range belong to it
//   a b   a and b   a or b   not a   -a   (a or b) c      `and` binds tighter than `or`
//
// A field path is dotted and meets nested objects, dotted keys and any mixture of both; elements of an array are tested
// one by one. A document that is not valid JSON is searched as one text and has no fields.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "tapewatch/api.h"

namespace tapewatch {

// What is wrong with a query, and where, in bytes, so that a caret can stand under it.
struct QueryFault {
  int number = 300;  // 301 prints as TW0301
  std::size_t offset = 0;
  std::size_t length = 1;
  std::string message;
  std::string hint;  // may be empty
};

class QueryNode;

class TAPEWATCH_API Query final {
 public:
  // Matches every document.
  Query();
  // Never fails on an empty text: that matches everything. At most 4 KiB, 64 terms, 32 deep.
  [[nodiscard]] static std::variant<Query, QueryFault> parse(std::string_view text);
  // Every event that carries this id as correlation, trace, order, trade, session or transaction id.
  [[nodiscard]] static Query trace(std::string_view id);

  [[nodiscard]] bool matches(std::string_view document) const;
  [[nodiscard]] bool matches_all() const { return root_ == nullptr; }
  // For the store.
  [[nodiscard]] const QueryNode* root() const { return root_.get(); }

 private:
  explicit Query(std::shared_ptr<const QueryNode> root);
  std::shared_ptr<const QueryNode> root_;  // null: everything
};

}  // namespace tapewatch

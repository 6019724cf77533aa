// SPDX-License-Identifier: Apache-2.0
#pragma once
// Predicate: one detection item made ready to be asked of events. Items that mean the same share one predicate, and an
// event is asked once. Owned by the Matcher; the item outlives it. Thread: worker.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/literals.h"
#include "detect/end_list.h"
#include "detect/event_values.h"
#include "detect/rule.h"

namespace tapewatch {

class Predicate final {
 public:
  explicit Predicate(const Item& item);

  [[nodiscard]] bool holds(EventValues& values) const;
  // Roughly how long it takes, for the order of asking.
  [[nodiscard]] int cost() const { return cost_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  [[nodiscard]] bool field_holds(EventValues& values) const;
  [[nodiscard]] bool keywords_hold(EventValues& values) const;
  [[nodiscard]] bool alternatives_hold(const std::vector<Test>& alternatives, EventValues& values) const;
  [[nodiscard]] bool test_holds(const Test& test, EventValues& values) const;
  [[nodiscard]] bool absent_holds(const Test& test, EventValues& values) const;
  [[nodiscard]] bool texts_hold(std::string_view folded) const;
  void compile_lists();
  [[nodiscard]] bool lists_hold(EventValues& values) const;

  const Item& item_;
  int cost_ = 0;
  // Long lists of plain texts, any of which is enough: one look instead of a walk. What is in neither is in `rest_`.
  std::unordered_set<std::string, TextHash, std::equal_to<>> exact_;
  EndList ends_;
  std::unique_ptr<LiteralSet> substrings_;
  std::unique_ptr<LiteralSet::Scratch> scratch_;
  std::vector<const Test*> rest_;
  bool has_texts_ = false;  // something is in one of the lists
  mutable std::vector<std::uint32_t> hits_;
};

}  // namespace tapewatch

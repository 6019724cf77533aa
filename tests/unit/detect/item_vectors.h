// SPDX-License-Identifier: Apache-2.0
#pragma once
// ItemVectors: what one detection item matches and what it does not, as tables.

#include <string>
#include <vector>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {

// `item: value` of a rule. Events are the JSON value of the field "a", or a whole line `{"field":...}`.
struct ItemVector {
  const char* item;
  std::vector<const char*> matching;
  std::vector<const char*> others;
};

class ItemVectors : public RulesFixture {
 protected:
  static std::string line_of(const std::string& event) {
    return event.starts_with("{\"") ? event : R"({"a":)" + event + "}";
  }
  void check(const std::vector<ItemVector>& vectors) {
    for (const ItemVector& vector : vectors) {
      for (const char* event : vector.matching) check(vector.item, event, true);
      for (const char* event : vector.others) check(vector.item, event, false);
      if (HasFatalFailure()) return;
    }
  }

 private:
  void check(const char* item, const char* event, bool want) {
    fields_ = FieldTable();
    diagnostics_ = Diagnostics();
    EXPECT_EQ(matches(item, line_of(event)), want) << item << "  " << line_of(event);
  }
};

}  // namespace tapewatch

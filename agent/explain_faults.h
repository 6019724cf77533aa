// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `tapewatch explain CODE` says about each number that a fault can carry. Thread: any.

#include <string_view>

namespace tapewatch {

// The first line is the fault in short; "" for a number that no fault carries.
[[nodiscard]] std::string_view explain_fault(int number);
// TW02xx; rules/README.md groups the same numbers.
[[nodiscard]] std::string_view explain_rule_fault(int number);
// TW03xx
[[nodiscard]] std::string_view explain_query_fault(int number);

}  // namespace tapewatch

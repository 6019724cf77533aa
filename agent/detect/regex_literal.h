// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a text must hold, spelled out, for a regular expression to match it: so that most events never meet the
// expression. Careful rather than clever: what it does not understand ends a literal. Thread: any.

#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

// One literal for each branch of the expression; one of them occurs in every text that matches, letter case aside.
// Empty: nothing can be said. `ignore_case`: the expression is compiled so.
[[nodiscard]] std::vector<std::string> required_literals(std::string_view regex, bool ignore_case);

}  // namespace tapewatch

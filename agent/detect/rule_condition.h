// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conditions: `selection and not 1 of filter_*`. Precedence: or < and < not < x of < parentheses. Used by RuleLoader
// alone. Thread: any.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detect/rule.h"
#include "detect/rule_loader_faults.h"

namespace tapewatch {

// The search identifiers of a rule and the node that each of them is.
using Identifiers = std::vector<std::pair<std::string, std::uint32_t>>;

// Appends the condition's nodes to `nodes`; the answer is its root. nullopt when a fault was told.
[[nodiscard]] std::optional<std::uint32_t> parse_condition(const YamlNode& condition, const Identifiers& identifiers,
                                                           std::vector<Node>& nodes, RuleFaults& faults);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads `flow:` of a rule document. Used by RuleLoader alone. Thread: any.

#include <vector>

#include "detect/rule.h"
#include "detect/rule_loader_parts.h"

namespace tapewatch {

// Whether the flow lets the rules that it refers to alert by themselves.
[[nodiscard]] bool read_flow(const YamlNode& flow, const std::vector<KnownRule>& known, FieldTable& fields,
                             FlowRule& rule, RuleFaults& faults);

}  // namespace tapewatch

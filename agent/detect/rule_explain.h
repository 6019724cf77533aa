// SPDX-License-Identifier: Apache-2.0
#pragma once
// A rule told to its writer: what it is, what it looks at, when it alerts, and what wakes it. Thread: any.

#include <string>
#include <vector>

#include "detect/rule.h"
#include "event/field_table.h"

namespace tapewatch {

// One line of a list of rules. `index`: of the detections, then the correlations.
struct RuleSummary {
  std::size_t index = 0;
  std::string kind;  // "detection", "event_count", ...
  std::string id;
  std::string name;
  std::string title;
  std::string level;
  std::string file;
  int line = 0;
  bool applies = true;
  bool silent = false;
};

[[nodiscard]] std::vector<RuleSummary> summaries(const RuleSet& rules);
void append_rule_json(std::string& out, const RuleSummary& rule);
// Several lines. REQUIRES: index < rules.size().
void append_explanation(std::string& out, const RuleSet& rules, std::size_t index, const FieldTable& fields);
// "event_count" and so on.
[[nodiscard]] std::string_view name_of(CorrelationType type);

}  // namespace tapewatch

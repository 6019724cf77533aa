// SPDX-License-Identifier: Apache-2.0
#pragma once
// The form of a rule: a hash of all that decides what it remembers and when it alerts, by the names of fields and not
// by their numbers. What was kept of a rule fits any rule of the same form; texts that an alert only shows (title,
// level, tags, labels, annotations) are no part of it. Thread: any.

#include "detect/rule.h"

namespace tapewatch {

// Fills head.form of every rule. `fields`: those that the rules were loaded with.
void set_forms(RuleSet& rules, const FieldTable& fields);
// What alert options add to a form.
[[nodiscard]] std::string alert_form(const AlertOptions& options);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the files of the Detector share: alerts as their rule has them, keys of groups and flows. Thread: worker.

#include <cstdint>
#include <string>
#include <string_view>

#include "detect/event_values.h"
#include "detect/rule.h"
#include "event/alert.h"
#include "metrics/series.h"

namespace tapewatch {

inline Alert alert_of_head(const RuleHead& head) {
  Alert alert;
  alert.rule_id = head.id;
  alert.rule_name = head.name;
  alert.title = head.title;
  alert.description = head.description;
  alert.level = head.level;
  alert.tags = head.tags;
  alert.labels = head.alert.labels;
  for (const auto& [name, value] : head.alert.labels) alert.tags.push_back(name + ":" + value);
  alert.runbook = head.alert.runbook;
  return alert;
}

// Lengths keep ("a","bc") and ("ab","c") apart.
inline void append_part(std::string& key, std::string_view text) {
  const std::uint64_t bytes = text.size();
  key.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  key.append(text);
}

// One thread writes: no need for an atomic addition.
inline void count_one(Counter& counter) { counter.raise_to(counter.value() + 1); }

// The value that a group is named after: the first, if there are several.
inline ValueView* group_value(EventValues& values, FieldId field) {
  for (ValueView& value : values.of(field)) {
    if (value.is_text()) return &value;
  }
  return nullptr;
}

}  // namespace tapewatch

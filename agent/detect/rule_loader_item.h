// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads one detection item, `field|modifiers: value or values`, into tests. Used by RuleLoader alone. Thread: any.

#include <optional>
#include <string_view>

#include "detect/rule.h"
#include "detect/rule_loader_faults.h"
#include "detect/rule_pipeline.h"

namespace tapewatch {

struct ItemLimits {
  std::size_t values_max = 20'000;
  std::size_t pattern_bytes_max = 16 * 1024;  // of one value
};

// nullopt when a fault was told.
[[nodiscard]] std::optional<Item> read_item(const YamlNode& key, const YamlNode& value, const ItemLimits& limits,
                                            const RuleFields& fields, RuleFaults& faults);
// A list without field, or one text: keywords.
[[nodiscard]] std::optional<Item> read_keywords(const YamlNode& values, const ItemLimits& limits,
                                                const RuleFields& fields, RuleFaults& faults);

}  // namespace tapewatch

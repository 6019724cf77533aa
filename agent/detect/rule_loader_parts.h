// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parts of a rule document that RuleLoader reads one by one: its head, its log source, its detection, its
// correlation. Each tells its faults and answers false, or nothing, when there were any. Thread: any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/rule.h"
#include "detect/rule_loader_faults.h"
#include "detect/rule_loader_item.h"
#include "detect/rule_pipeline.h"

namespace tapewatch {

// Tells every key of `map` that is not in `known`.
void check_keys(const YamlNode& map, const std::vector<std::string_view>& known, std::string_view where,
                RuleFaults& faults);
// The text of a scalar member, "" when it is missing; another type is told.
[[nodiscard]] std::string text_member(const YamlNode& map, std::string_view key, RuleFaults& faults);
// "500ms", "30s", "5m", "1h", "1d" and, as correlations write them, "1w", "1M", "1y".
[[nodiscard]] std::optional<std::int64_t> parse_timespan(std::string_view text);

// id, name, title, description, level, tags, `tapewatch:`.
void read_head(const YamlNode& document, RuleHead& head, RuleFaults& faults);

// `tapewatch:`, without what depends on the kind of rule.
void read_alert_options(const YamlNode& document, AlertOptions& options, RuleFaults& faults);
// `active:`, which may stand elsewhere too.
void read_active(const YamlMember& active, AlertOptions& options, RuleFaults& faults);
// Refuses options that mean nothing for a rule whose alerts do not last.
void refuse_lasting(const YamlNode& document, RuleFaults& faults);

// What events we have: a rule applies unless it asks for something else.
struct LogSource {
  std::string product = "tapewatch";
  std::string category = "application";
};
// The document's log source, all empty when it has none. nullopt when a fault was told.
[[nodiscard]] std::optional<LogSourceNames> read_log_source(const YamlNode& document, RuleFaults& faults);
// A warning that nothing maps it.
void tell_unmapped(const YamlNode& document, const LogSourceNames& names, const LogSource& ours, RuleFaults& faults);

// Appends items and nodes, and sets the root. `filter`: it is the map of a filter, which has `rules` too.
void read_detection(const YamlNode& detection, const ItemLimits& limits, const RuleFields& fields, DetectionRule& rule,
                    RuleFaults& faults, bool filter = false);
// The same of one search alone; the answer is its node.
[[nodiscard]] std::uint32_t read_search(const YamlNode& search, const ItemLimits& limits, const RuleFields& fields,
                                        DetectionRule& rule, RuleFaults& faults);

// A rule that correlations may refer to.
struct KnownRule {
  std::string id;
  std::string name;
  bool correlation = false;
  std::uint32_t index = 0;            // of RuleSet::detections or ::correlations
  std::vector<std::string> group_by;  // of a correlation: what its findings carry
  const LogSourceMap* map = nullptr;  // of a detection: what its fields are called
};
// Whether the correlation lets the rules that it refers to alert by themselves.
[[nodiscard]] bool read_correlation(const YamlNode& correlation, const std::vector<KnownRule>& known,
                                    FieldTable& fields, CorrelationRule& rule, RuleFaults& faults);

}  // namespace tapewatch

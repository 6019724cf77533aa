// SPDX-License-Identifier: Apache-2.0
// Filters: a condition that is joined with the rules it names, or with all of a log source.
#include <algorithm>

#include "detect/rule_loader.h"

namespace tapewatch {

bool RuleLoader::applies_to(const YamlNode& rules, const RuleHead& head) const {
  const auto names = [&head](const YamlNode& name) { return name.text == head.id || name.text == head.name; };
  if (rules.is_scalar()) return rules.text == "any" || names(rules);
  return std::any_of(rules.items.begin(), rules.items.end(), names);
}

void RuleLoader::check_filter_names(const YamlNode& rules, RuleFaults& faults) const {
  const auto check = [&](const YamlNode& name) {
    const auto named = [&name](const KnownRule& r) {
      return !name.text.empty() && (r.id == name.text || r.name == name.text);
    };
    if (std::any_of(known_.begin(), known_.end(), named)) return;
    std::vector<std::string_view> names;
    for (const KnownRule& rule : known_) names.emplace_back(rule.name.empty() ? rule.id : rule.name);
    faults.error(fault_number::unknown_rule, name, "no detection has the id or name \"" + name.text + "\"",
                 RuleFaults::suggest(name.text, names));
  };
  if (rules.is_scalar() && rules.text != "any") check(rules);
  for (const YamlNode& name : rules.items) check(name);
  if (rules.is_map() || rules.is_null() || (rules.is_list() && rules.items.empty())) {
    faults.error(fault_number::wrong_type, rules, "rules must be a list of ids or names, or any");
  }
}

void RuleLoader::add_filter(const Pending& pending) {
  RuleFaults faults(pending.file, diagnostics_);
  const std::size_t first = diagnostics_.all().size();
  const YamlNode& filter = *pending.document.find("filter");
  RuleHead head;
  read_head(pending.document, head, faults);
  const LogSourceNames names = read_log_source(pending.document, faults).value_or(LogSourceNames());
  const YamlNode* rules = filter.find("rules");
  if (rules == nullptr && filter.is_map()) {
    faults.error(fault_number::missing_key, filter, "a filter needs rules", "rules: [ID], or rules: any");
  } else if (rules != nullptr) {
    check_filter_names(*rules, faults);
  }
  FieldTable scratch_fields;
  DetectionRule scratch;  // its faults are told once
  read_detection(filter, options_.items, scratch_fields, scratch, faults, true);
  if (faults.errors() > 0) {
    reject(pending.file, pending.document, first);
    return;
  }
  std::size_t applied = 0;
  for (std::size_t i = 0; i < rules_.detections.size(); ++i) {
    DetectionRule& rule = rules_.detections[i];
    if (!applies_to(*rules, rule.head) || !names.covers(sources_[i].names)) continue;
    ++applied;
    const std::uint32_t root = rule.root;
    read_detection(filter, options_.items, RuleFields(fields_, sources_[i].map), rule, faults, true);
    rule.nodes.push_back({Node::Kind::all_of, 0, {root, rule.root}});
    rule.root = static_cast<std::uint32_t>(rule.nodes.size() - 1);
  }
  if (applied == 0) {
    faults.warning(fault_number::filter_log_source, *rules, "the filter fits none of its rules",
                   "every part of its log source must be the rule's too");
  }
  ++rules_.filters;
  reports_.push_back({pending.file, head.line, head.id, head.title, true});
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// The detection of a rule: search identifiers and conditions.
#include <algorithm>

#include "detect/rule_condition.h"
#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

class DetectionReader final {
 public:
  DetectionReader(const ItemLimits& limits, const RuleFields& fields, DetectionRule& rule, RuleFaults& faults)
      : limits_(limits), fields_(fields), rule_(rule), faults_(faults) {}

  // `skip_rules`: the map is a filter's, whose `rules` are no search.
  void read(const YamlNode& detection, bool skip_rules) {
    Identifiers identifiers;
    for (const auto& [key, value] : detection.members) {
      if (key.text == "condition" || (skip_rules && key.text == "rules")) continue;
      if (key.text == "timeframe") {
        faults_.error(fault_number::old_timeframe, key, "timeframe is no longer part of the rule language",
                      "write a correlation rule with a timespan");
        continue;
      }
      identifiers.emplace_back(key.text, search(key, value));
    }
    const YamlNode* condition = detection.find("condition");
    const std::string what = skip_rules ? "a filter" : "a detection";
    if (condition == nullptr) {
      faults_.error(fault_number::missing_key, detection, what + " needs a condition");
    } else if (identifiers.empty()) {
      faults_.error(fault_number::missing_key, detection, what + " needs a search identifier");
    } else {
      read_conditions(*condition, identifiers);
    }
  }

  // What one search identifier holds: a map, a list of maps, or keywords.
  std::uint32_t search(const YamlNode& name, const YamlNode& value) {
    if (value.is_map()) return map(value);
    if (value.is_scalar()) return add_item(read_keywords(value, limits_, fields_, faults_));
    if (!value.is_list() || value.items.empty()) {
      faults_.error(
          fault_number::empty_value, value.is_list() ? value : name,
          name.text.empty() ? "a search that holds nothing" : "search identifier \"" + name.text + "\" holds nothing");
      return 0;
    }
    const bool maps = std::any_of(value.items.begin(), value.items.end(), [](auto& v) { return v.is_map(); });
    if (!maps) return add_item(read_keywords(value, limits_, fields_, faults_));
    Node node{Node::Kind::any_of, 0, {}};
    for (const YamlNode& member : value.items) {
      if (member.is_map()) {
        node.children.push_back(map(member));
      } else if (member.is_list()) {
        faults_.error(fault_number::wrong_type, member, "a list of searches holds maps and texts");
      } else {
        node.children.push_back(add_item(read_keywords(member, limits_, fields_, faults_)));
      }
    }
    return add(std::move(node));
  }

 private:
  std::uint32_t add(Node node) {
    rule_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(rule_.nodes.size() - 1);
  }

  std::uint32_t add_item(std::optional<Item> item) {
    if (!item) return 0;  // told; the rule will not be used
    rule_.items.push_back(std::move(*item));
    return add({Node::Kind::item, static_cast<std::uint32_t>(rule_.items.size() - 1), {}});
  }

  std::uint32_t map(const YamlNode& items) {
    if (items.members.empty()) {
      faults_.error(fault_number::empty_value, items, "an empty map");
      return 0;
    }
    Node node{Node::Kind::all_of, 0, {}};
    for (const auto& [key, value] : items.members) {
      node.children.push_back(add_item(read_item(key, value, limits_, fields_, faults_)));
    }
    return node.children.size() == 1 ? node.children.front() : add(std::move(node));
  }

  void read_conditions(const YamlNode& condition, const Identifiers& identifiers) {
    if (condition.is_scalar()) {
      rule_.root = parse_condition(condition, identifiers, rule_.nodes, faults_).value_or(0);
      return;
    }
    if (!condition.is_list() || condition.items.empty()) {
      faults_.error(fault_number::wrong_type, condition, "a condition must be a text or a list of texts");
      return;
    }
    Node node{Node::Kind::any_of, 0, {}};
    for (const YamlNode& one : condition.items) {
      if (one.is_scalar()) {
        node.children.push_back(parse_condition(one, identifiers, rule_.nodes, faults_).value_or(0));
      } else {
        faults_.error(fault_number::wrong_type, one, "a condition must be a text");
      }
    }
    rule_.root = add(std::move(node));
  }

  const ItemLimits& limits_;
  const RuleFields& fields_;
  DetectionRule& rule_;
  RuleFaults& faults_;
};

}  // namespace

void read_detection(const YamlNode& detection, const ItemLimits& limits, const RuleFields& fields, DetectionRule& rule,
                    RuleFaults& faults, bool filter) {
  if (!detection.is_map()) {
    faults.error(fault_number::wrong_type, detection, std::string(filter ? "filter" : "detection") + " must be a map");
    return;
  }
  DetectionReader(limits, fields, rule, faults).read(detection, filter);
}

std::uint32_t read_search(const YamlNode& search, const ItemLimits& limits, const RuleFields& fields,
                          DetectionRule& rule, RuleFaults& faults) {
  return DetectionReader(limits, fields, rule, faults).search(search, search);
}

}  // namespace tapewatch

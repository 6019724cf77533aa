// SPDX-License-Identifier: Apache-2.0
// The correlation of a rule.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

using Bound = CorrelationRule::Bound;

constexpr std::array<std::string_view, 8> types = {"event_count", "value_count", "temporal",         "temporal_ordered",
                                                   "value_sum",   "value_avg",   "value_percentile", "value_median"};

struct BoundName {
  std::string_view name;
  Bound::Kind kind;
};
constexpr std::array<BoundName, 6> bound_names = {{{"eq", Bound::Kind::equal},
                                                   {"neq", Bound::Kind::not_equal},
                                                   {"lt", Bound::Kind::less},
                                                   {"lte", Bound::Kind::less_or_equal},
                                                   {"gt", Bound::Kind::greater},
                                                   {"gte", Bound::Kind::greater_or_equal}}};

class CorrelationReader final {
 public:
  CorrelationReader(const YamlNode& map, const std::vector<KnownRule>& known, FieldTable& fields, CorrelationRule& rule,
                    RuleFaults& faults)
      : map_(map), known_(known), fields_(fields), rule_(rule), faults_(faults) {}

  bool read() {
    check_keys(map_, {"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}, "correlation",
               faults_);
    read_type();
    read_rules();
    read_timespan();
    read_groups();
    read_condition();
    return read_generate();
  }

 private:
  const YamlNode* need(std::string_view key) {
    const YamlNode* node = map_.find(key);
    if (node == nullptr) {
      faults_.error(fault_number::missing_key, map_, "a correlation needs " + std::string(key));
    }
    return node;
  }

  void read_type() {
    const YamlNode* type = need("type");
    if (type == nullptr) return;
    if (type->text == "event_count") return;
    if (type->text == "value_count") {
      rule_.type = CorrelationType::value_count;
    } else if (std::find(types.begin(), types.end(), type->text) != types.end()) {
      faults_.error(fault_number::not_yet, *type,
                    "correlations of type " + type->text + " are not supported by this version");
    } else {
      faults_.error(fault_number::correlation_type, *type, "unknown correlation type \"" + type->text + "\"",
                    RuleFaults::suggest(type->text, {types.begin(), types.end()}));
    }
  }

  void read_rules() {
    const YamlNode* rules = need("rules");
    if (rules == nullptr) return;
    if (rules->is_scalar()) {
      refer(*rules);
      return;
    }
    if (!rules->is_list() || rules->items.empty()) {
      faults_.error(fault_number::wrong_type, *rules, "rules must be a list of ids or names");
      return;
    }
    for (const YamlNode& name : rules->items) refer(name);
  }

  void refer(const YamlNode& name) {
    const auto rule = std::find_if(known_.begin(), known_.end(), [&](const KnownRule& k) {
      return !name.text.empty() && (k.id == name.text || k.name == name.text);
    });
    if (rule == known_.end()) {
      std::vector<std::string_view> names;
      for (const KnownRule& k : known_) names.push_back(k.name.empty() ? k.id : k.name);
      faults_.error(fault_number::unknown_rule, name, "no rule has the id or name \"" + name.text + "\"",
                    RuleFaults::suggest(name.text, names));
    } else if (rule->correlation) {
      faults_.error(fault_number::not_yet, name, "correlations of correlations are not supported by this version");
    } else {
      rule_.rules.push_back(rule->index);
      referred_.push_back(*rule);
    }
  }

  void read_timespan() {
    const YamlNode* timespan = need("timespan");
    if (timespan == nullptr) return;
    const auto span = parse_timespan(timespan->text);
    if (!span) {
      faults_.error(fault_number::bad_timespan, *timespan, "bad timespan \"" + timespan->text + "\"",
                    "a number and a unit: s m h d w M y");
    }
    rule_.timespan_ns = span.value_or(0);
  }

  void read_groups() {
    const YamlNode* groups = map_.find("group-by");
    if (groups == nullptr || groups->is_null()) return;
    if (groups->is_scalar()) {
      add_group(*groups);
    } else if (groups->is_list()) {
      for (const YamlNode& name : groups->items) add_group(name);
    } else {
      faults_.error(fault_number::wrong_type, *groups, "group-by must be a list of fields");
    }
  }

  void add_group(const YamlNode& name) {
    if (!name.is_scalar()) {
      faults_.error(fault_number::wrong_type, name, "group-by must be a list of fields");
      return;
    }
    const YamlNode* aliases = map_.find("aliases");
    const YamlNode* alias = aliases != nullptr ? aliases->find(name.text) : nullptr;
    CorrelationRule::GroupField group;
    group.name = name.text;
    for (const KnownRule& rule : referred_) {
      const YamlNode* field = &name;
      if (alias != nullptr) {
        field = alias->find(rule.name);
        if (field == nullptr || rule.name.empty()) field = alias->find(rule.id);
        if (field == nullptr) {
          faults_.error(fault_number::bad_alias, *alias,
                        "alias \"" + name.text + "\" names no field for the rule \"" +
                            std::string(rule.name.empty() ? rule.id : rule.name) + "\"");
          return;
        }
      }
      group.fields.push_back(rule_field(fields_, field->text));
    }
    rule_.group_by.push_back(std::move(group));
  }

  void read_condition() {
    const YamlNode* condition = need("condition");
    if (condition == nullptr) return;
    if (!condition->is_map() || condition->members.empty()) {
      faults_.error(fault_number::wrong_type, *condition, "a correlation's condition must be a map",
                    "condition: {gte: 5}");
      return;
    }
    int bounds = 0;
    for (const auto& [key, value] : condition->members) {
      if (key.text == "field") {
        read_value_fields(key, value);
      } else {
        ++bounds;
        read_bound(key, value);
      }
    }
    if (bounds == 0) {
      faults_.error(fault_number::bad_bound, *condition, "a condition needs one of gt gte lt lte eq neq");
    }
    if (rule_.type == CorrelationType::value_count && rule_.value_fields.empty()) {
      faults_.error(fault_number::missing_key, *condition, "value_count needs a field in its condition");
    }
  }

  void read_value_fields(const YamlNode& key, const YamlNode& value) {
    if (rule_.type != CorrelationType::value_count) {
      faults_.error(fault_number::bad_bound, key, "event_count counts events and takes no field",
                    "type: value_count counts the values of a field");
    } else if (value.is_scalar()) {
      rule_.value_fields.push_back(rule_field(fields_, value.text));
    } else {
      for (const YamlNode& field : value.items) rule_.value_fields.push_back(rule_field(fields_, field.text));
    }
  }

  void read_bound(const YamlNode& key, const YamlNode& value) {
    const auto* name =
        std::find_if(bound_names.begin(), bound_names.end(), [&](auto& b) { return b.name == key.text; });
    if (name == bound_names.end()) {
      std::vector<std::string_view> names;
      names.reserve(std::size(bound_names));
      for (const BoundName& b : bound_names) names.push_back(b.name);
      faults_.error(fault_number::bad_bound, key, "unknown key \"" + key.text + "\" in the condition",
                    RuleFaults::suggest(key.text, names));
      return;
    }
    if (value.quoted || !is_plain_integer(value.text) || value.text.front() == '-' || value.text.size() > 15) {
      faults_.error(fault_number::bad_bound, value, "\"" + value.text + "\" is not a count");
      return;
    }
    rule_.bounds.push_back({name->kind, std::strtoull(value.text.c_str(), nullptr, 10)});
  }

  bool read_generate() {
    const YamlNode* generate = map_.find("generate");
    if (generate == nullptr) return false;
    if (generate->text != "true" && generate->text != "false") {
      faults_.error(fault_number::wrong_type, *generate, "generate must be true or false");
    }
    return generate->text == "true";
  }

  const YamlNode& map_;
  const std::vector<KnownRule>& known_;
  FieldTable& fields_;
  CorrelationRule& rule_;
  RuleFaults& faults_;
  std::vector<KnownRule> referred_;
};

}  // namespace

bool CorrelationRule::holds(std::uint64_t count) const {
  return std::all_of(bounds.begin(), bounds.end(), [count](const Bound& bound) {
    switch (bound.kind) {
      case Bound::Kind::equal:
        return count == bound.count;
      case Bound::Kind::not_equal:
        return count != bound.count;
      case Bound::Kind::less:
        return count < bound.count;
      case Bound::Kind::less_or_equal:
        return count <= bound.count;
      case Bound::Kind::greater:
        return count > bound.count;
      case Bound::Kind::greater_or_equal:
        return count >= bound.count;
    }
    return false;
  });
}

bool read_correlation(const YamlNode& correlation, const std::vector<KnownRule>& known, FieldTable& fields,
                      CorrelationRule& rule, RuleFaults& faults) {
  if (!correlation.is_map()) {
    faults.error(fault_number::wrong_type, correlation, "correlation must be a map");
    return false;
  }
  return CorrelationReader(correlation, known, fields, rule, faults).read();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// The correlation of a rule.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "detect/aggregate.h"
#include "detect/rule_condition.h"
#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

using Bound = CorrelationRule::Bound;

// In the order of CorrelationType.
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

constexpr std::size_t rules_max = 1'000;

class CorrelationReader final {
 public:
  CorrelationReader(const YamlNode& map, const std::vector<KnownRule>& known, FieldTable& fields, CorrelationRule& rule,
                    RuleFaults& faults)
      : map_(map), known_(known), fields_(fields), rule_(rule), faults_(faults) {}

  bool read() {
    check_keys(map_, {"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}, "correlation",
               faults_);
    misspelt_ = faults_.errors() > 0;
    check_aliases();
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
    if (node == nullptr && !misspelt_) {
      faults_.error(fault_number::missing_key, map_, "a correlation needs " + std::string(key));
    }
    return node;
  }

  void check_aliases() {
    const YamlNode* aliases = map_.find("aliases");
    if (aliases == nullptr) return;
    const std::string form = "aliases: {who: {rule_a: user.id, rule_b: target.user.id}}";
    if (!aliases->is_map()) faults_.error(fault_number::wrong_type, *aliases, "aliases must be a map", form);
    for (const auto& [alias, fields] : aliases->members) {
      const bool texts = std::all_of(fields.members.begin(), fields.members.end(),
                                     [](const YamlMember& field) { return field.value.is_scalar(); });
      if (fields.is_map() && texts) continue;
      faults_.error(fault_number::wrong_type, fields, "an alias must be a map of rules and their fields", form);
    }
  }

  void read_type() {
    const YamlNode* type = need("type");
    if (type == nullptr) return;
    const auto* found = std::find(types.begin(), types.end(), type->text);
    if (found == types.end()) {
      faults_.error(fault_number::correlation_type, *type, "unknown correlation type \"" + type->text + "\"",
                    RuleFaults::suggest(type->text, {types.begin(), types.end()}));
      return;
    }
    rule_.type = static_cast<CorrelationType>(found - types.begin());
    type_name_ = *found;
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
    if (rules->items.size() > rules_max) {
      faults_.error(fault_number::rule_limit, *rules, "more than " + std::to_string(rules_max) + " rules");
    }
  }

  void refer(const YamlNode& name) {
    if (!name.is_scalar()) {
      faults_.error(fault_number::wrong_type, name, "rules must be a list of ids or names");
      return;
    }
    const auto rule = std::find_if(known_.begin(), known_.end(), [&](const KnownRule& k) {
      return !name.text.empty() && (k.id == name.text || k.name == name.text);
    });
    if (rule == known_.end()) {
      std::vector<std::string_view> names;
      for (const KnownRule& k : known_) names.emplace_back(k.name.empty() ? k.id : k.name);
      faults_.error(fault_number::unknown_rule, name, "no rule has the id or name \"" + name.text + "\"",
                    RuleFaults::suggest(name.text, names));
    } else {
      rule_.rules.push_back({rule->correlation, rule->index});
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
    } else if (auto field = field_of(name)) {
      rule_.group_by.push_back(std::move(*field));
    }
  }

  // The field in each of the rules, as aliases say. nullopt when a fault was told.
  std::optional<CorrelationRule::GroupField> field_of(const YamlNode& name) {
    const YamlNode* aliases = map_.find("aliases");
    const YamlNode* alias = aliases != nullptr ? aliases->find(name.text) : nullptr;
    if (alias != nullptr && !alias->is_map()) return std::nullopt;  // told
    CorrelationRule::GroupField group;
    group.name = name.text;
    for (const KnownRule& rule : referred_) {
      const std::string& rule_name = rule.name.empty() ? rule.id : rule.name;
      const YamlNode* field = &name;
      if (alias != nullptr) {
        field = rule.name.empty() ? nullptr : alias->find(rule.name);
        if (field == nullptr) field = alias->find(rule.id);
        if (field == nullptr) {
          faults_.error(fault_number::bad_alias, *alias,
                        "alias \"" + name.text + "\" names no field for the rule \"" + rule_name + "\"");
          return std::nullopt;
        }
      }
      if (!rule.correlation) {
        group.fields.push_back(rule_field(RuleFields(fields_, rule.map), field->text));
        continue;
      }
      const auto carried = std::find(rule.group_by.begin(), rule.group_by.end(), field->text);
      if (carried == rule.group_by.end()) {
        faults_.error(fault_number::bad_alias, *field,
                      "the correlation \"" + rule_name + "\" does not group by \"" + field->text + "\"",
                      "what a correlation finds carries its group-by values only");
        return std::nullopt;
      }
      group.fields.push_back(static_cast<FieldId>(carried - rule.group_by.begin()));
    }
    return group;
  }

  void read_condition() {
    const YamlNode* condition = rule_.is_temporal() ? map_.find("condition") : need("condition");
    const int errors = faults_.errors();
    if (condition == nullptr) {
      if (rule_.is_temporal()) want_all_rules();
    } else if (condition->is_scalar() && !condition->is_null() && rule_.type == CorrelationType::temporal) {
      read_expression(*condition);
    } else if (!condition->is_map() || condition->members.empty()) {
      faults_.error(fault_number::wrong_type, *condition, "a correlation's condition must be a map",
                    "condition: {gte: 5}");
    } else {
      read_bounds(*condition);
      if (faults_.errors() == errors) check_condition(*condition);
    }
  }

  void want_all_rules() {
    std::vector<CorrelationRule::Source> distinct;
    for (const auto& rule : rule_.rules) {
      const auto same = [&](const auto& r) { return r.correlation == rule.correlation && r.index == rule.index; };
      if (rule_.type == CorrelationType::temporal && std::any_of(distinct.begin(), distinct.end(), same)) {
        faults_.error(fault_number::bad_value, *map_.find("rules"), "a rule stands twice in a temporal correlation");
        return;
      }
      distinct.push_back(rule);
    }
    rule_.bounds.push_back({Bound::Kind::greater_or_equal, static_cast<double>(rule_.rules.size())});
  }

  // `a and not b` over the names and ids of the rules.
  void read_expression(const YamlNode& condition) {
    Identifiers identifiers;
    for (std::uint32_t position = 0; position < referred_.size(); ++position) {
      rule_.nodes.push_back({Node::Kind::item, position, {}});
      for (const std::string& name : {referred_[position].name, referred_[position].id}) {
        const auto same = [&](const auto& known) { return known.first == name; };
        if (name.empty() || std::any_of(identifiers.begin(), identifiers.end(), same)) continue;
        identifiers.emplace_back(name, position);
      }
    }
    const auto root = parse_condition(condition, identifiers, rule_.nodes, faults_);
    if (!root) return;
    rule_.root = *root;
    rule_.bounds.push_back({Bound::Kind::equal, 1});
    rule_.waits = std::any_of(rule_.nodes.begin(), rule_.nodes.end(),
                              [](const Node& node) { return node.kind == Node::Kind::none_of; });
    if (Aggregate(rule_).measure(0, 0) == 0) return;
    faults_.error(fault_number::bad_bound, condition, "this holds while nothing happens at all",
                  "join a rule that must match with `and`");
  }

  void read_bounds(const YamlNode& condition) {
    for (const auto& [key, value] : condition.members) {
      if (key.text == "field") {
        read_value_fields(key, value);
      } else if (key.text == "percentile" && rule_.type == CorrelationType::value_percentile) {
        has_percentile_ = true;
        rule_.percentile = number_of(value).value_or(-1);
        if (rule_.percentile >= 0 && rule_.percentile <= 100) continue;
        faults_.error(fault_number::bad_bound, value, "a percentile is 0 to 100");
      } else {
        read_bound(key, value);
      }
    }
  }

  void check_condition(const YamlNode& condition) {
    const std::string type(type_name_);
    if (rule_.bounds.empty()) {
      faults_.error(fault_number::bad_bound, condition, "a condition needs one of gt gte lt lte eq neq");
    }
    const bool takes_field = rule_.takes_number() || rule_.type == CorrelationType::value_count;
    if (takes_field && rule_.value_fields.empty()) {
      faults_.error(fault_number::missing_key, condition, type + " needs a field in its condition");
    }
    if (rule_.takes_number() && rule_.value_fields.size() > 1) {
      faults_.error(fault_number::bad_bound, condition, type + " takes one field");
    }
    if (rule_.type == CorrelationType::value_percentile && !has_percentile_) {
      faults_.error(fault_number::missing_key, condition, "value_percentile needs a percentile in its condition");
    }
    if (rule_.type == CorrelationType::temporal_ordered) {
      faults_.error(fault_number::bad_bound, condition, "temporal_ordered takes no condition: all steps must come");
    }
  }

  void read_value_fields(const YamlNode& key, const YamlNode& value) {
    if (!rule_.takes_number() && rule_.type != CorrelationType::value_count) {
      const bool events = rule_.type == CorrelationType::event_count;
      faults_.error(fault_number::bad_bound, key,
                    std::string(type_name_) + (events ? " counts events" : " looks at rules") + " and takes no field",
                    events ? "type: value_count counts the values of a field" : "");
      return;
    }
    const std::vector<YamlNode> one = {value};
    for (const YamlNode& name : value.is_scalar() ? one : value.items) {
      if (auto field = field_of(name)) rule_.value_fields.push_back(std::move(*field));
    }
  }

  static std::optional<double> number_of(const YamlNode& value) {
    double number = 0;
    const char* end = value.text.data() + value.text.size();
    const auto [stop, error] = std::from_chars(value.text.data(), end, number);
    if (value.quoted || error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
    return number;
  }

  void read_bound(const YamlNode& key, const YamlNode& value) {
    const auto* name =
        std::find_if(bound_names.begin(), bound_names.end(), [&](auto& b) { return b.name == key.text; });
    if (name == bound_names.end()) {
      std::vector<std::string_view> names = {"field"};
      if (rule_.type == CorrelationType::value_percentile) names.emplace_back("percentile");
      for (const BoundName& b : bound_names) names.push_back(b.name);
      faults_.error(fault_number::bad_bound, key, "unknown key \"" + key.text + "\" in the condition",
                    RuleFaults::suggest(key.text, names));
      return;
    }
    const auto number = number_of(value);
    const bool count = number && *number >= 0 && *number < 1e15 && std::floor(*number) == *number;
    if (!number || (!rule_.takes_number() && !count)) {
      faults_.error(fault_number::bad_bound, value,
                    "\"" + value.text + "\" is not a " + (rule_.takes_number() ? "number" : "count"));
      return;
    }
    rule_.bounds.push_back({name->kind, *number});
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
  std::string_view type_name_ = types.front();
  bool has_percentile_ = false;
  bool misspelt_ = false;  // a key: what is missing may stand under it
};

}  // namespace

bool CorrelationRule::holds(double measure) const {
  if (std::isnan(measure)) return false;
  return std::all_of(bounds.begin(), bounds.end(), [measure](const Bound& bound) {
    switch (bound.kind) {
      case Bound::Kind::equal:
        return measure == bound.value;
      case Bound::Kind::not_equal:
        return measure != bound.value;
      case Bound::Kind::less:
        return measure < bound.value;
      case Bound::Kind::less_or_equal:
        return measure <= bound.value;
      case Bound::Kind::greater:
        return measure > bound.value;
      case Bound::Kind::greater_or_equal:
        return measure >= bound.value;
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

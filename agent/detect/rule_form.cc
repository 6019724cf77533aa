// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_form.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/state_bytes.h"

namespace tapewatch {
namespace {

constexpr std::int64_t week_seconds = 7 * 86'400;
constexpr std::int64_t zone_seen_seconds = 2'200'000'000;  // to 2039: a zone has no name any more, only offsets

void add_field(StateWriter& out, FieldId field, const FieldTable& fields) {
  out.flag(field != no_field);
  if (field != no_field) out.text(fields.name(field));
}

void add_item(StateWriter& out, const Item& item, const FieldTable& fields) {
  add_field(out, item.field, fields);
  out.flag(item.all);
  out.flag(item.negated);
  out.number(item.values.size());
  for (const auto& alternatives : item.values) {
    out.number(alternatives.size());
    for (const Test& test : alternatives) {
      if (test.kind != TestKind::field_ref) {
        out.text(test.key);
        continue;
      }
      out.text("field");  // its key has the field's number
      out.byte(static_cast<std::uint8_t>(test.relation));
      out.flag(test.cased);
      add_field(out, test.other, fields);
    }
  }
}

void add_nodes(StateWriter& out, const std::vector<Node>& nodes, std::uint32_t root) {
  out.number(nodes.size());
  for (const Node& node : nodes) {
    out.byte(static_cast<std::uint8_t>(node.kind));
    out.number(node.item);
    out.number(node.children.size());
    for (const std::uint32_t child : node.children) out.number(child);
  }
  out.number(root);
}

Hash128 condition_form(const DetectionRule& rule, const FieldTable& fields) {
  std::string bytes;
  StateWriter out(bytes);
  out.flag(rule.applies);
  out.number(rule.items.size());
  for (const Item& item : rule.items) add_item(out, item, fields);
  add_nodes(out, rule.nodes, rule.root);
  return hash128(bytes);
}

void add_hours(StateWriter& out, const ActiveHours& hours) {
  out.byte(hours.days);
  out.number(hours.spans.size());
  for (const ActiveHours::Span& span : hours.spans) {
    out.signed_number(span.from);
    out.signed_number(span.to);
  }
  for (std::int64_t seconds = 0; seconds < zone_seen_seconds; seconds += week_seconds)
    out.signed_number(hours.zone.offset_at(seconds));
}

void add_adaptive(StateWriter& out, const AdaptiveOptions& adaptive) {
  out.number(adaptive.surprise.seasons_ns.size());
  for (const std::int64_t season_ns : adaptive.surprise.seasons_ns) out.signed_number(season_ns);
  out.byte(static_cast<std::uint8_t>(adaptive.surprise.direction));
  out.real(adaptive.surprise.sensitivity);
  out.number(adaptive.surprise.points_min);
  out.signed_number(adaptive.warm_up_ns);
  out.flag(adaptive.per_second);
}

void add_group_fields(StateWriter& out, const CorrelationRule& rule,
                      const std::vector<CorrelationRule::GroupField>& group_fields, const FieldTable& fields) {
  out.number(group_fields.size());
  for (const auto& field : group_fields) {
    out.text(field.name);
    for (std::size_t i = 0; i < field.fields.size(); ++i) {
      if (rule.rules[i].correlation) {
        out.number(field.fields[i]);
      } else {
        add_field(out, field.fields[i], fields);
      }
    }
  }
}

Hash128 correlation_form(const CorrelationRule& rule, const RuleSet& rules, const std::vector<Hash128>& conditions,
                         const FieldTable& fields) {
  std::string bytes;
  StateWriter out(bytes);
  out.byte(static_cast<std::uint8_t>(rule.type));
  out.number(rule.rules.size());
  for (const CorrelationRule::Source& source : rule.rules) {
    out.flag(source.correlation);
    out.hash(source.correlation ? rules.correlations[source.index].head.form : conditions[source.index]);
  }
  add_group_fields(out, rule, rule.group_by, fields);
  add_group_fields(out, rule, rule.value_fields, fields);
  out.signed_number(rule.timespan_ns);
  out.number(rule.bounds.size());
  for (const CorrelationRule::Bound& bound : rule.bounds) {
    out.byte(static_cast<std::uint8_t>(bound.kind));
    out.real(bound.value);
  }
  out.real(rule.percentile);
  out.number(rule.points_min);
  out.number(rule.before_min);
  out.signed_number(rule.before_ns);
  out.signed_number(rule.recent_ns);
  out.number(rule.parts_from);
  out.signed_number(rule.forget_ns);
  add_nodes(out, rule.nodes, rule.root);
  out.flag(rule.waits);
  out.flag(rule.adaptive.has_value());
  if (rule.adaptive) add_adaptive(out, *rule.adaptive);
  out.text(alert_form(rule.head.alert));
  return hash128(bytes);
}

Hash128 flow_form(const FlowRule& rule, const std::vector<Hash128>& conditions, const FieldTable& fields) {
  std::string bytes = "flow";
  StateWriter out(bytes);
  out.number(rule.key.size());
  for (const std::string& name : rule.key) out.text(name);
  out.number(rule.steps.size());
  for (const FlowRule::Step& step : rule.steps) {
    out.text(step.name);
    out.number(step.sources.size());
    for (const FlowRule::Source& source : step.sources) {
      out.hash(conditions[source.rule]);
      for (const FieldId field : source.key) add_field(out, field, fields);
    }
  }
  out.number(rule.values.size());
  for (const FlowRule::Value& value : rule.values) {
    out.text(value.name);
    for (const FieldId field : value.fields) add_field(out, field, fields);
  }
  out.number(rule.expectations.size());
  for (const FlowRule::Expectation& expectation : rule.expectations) {
    out.text(expectation.text);
    out.signed_number(expectation.within_ns);
  }
  out.signed_number(rule.timeout_ns);
  out.signed_number(rule.lateness_ns);
  out.number(rule.head.alert.evidence);
  out.text(alert_form(rule.head.alert));
  return hash128(bytes);
}

}  // namespace

std::string alert_form(const AlertOptions& options) {
  std::string bytes;
  StateWriter out(bytes);
  for (const std::int64_t ns : {options.realert_ns, options.realert_max_ns, options.for_ns, options.keep_firing_ns})
    out.signed_number(ns);
  out.number(options.samples_min);
  out.flag(options.active != nullptr);
  if (options.active != nullptr) add_hours(out, *options.active);
  return bytes;
}

void set_forms(RuleSet& rules, const FieldTable& fields) {
  std::vector<Hash128> conditions;
  for (DetectionRule& rule : rules.detections) {
    conditions.push_back(condition_form(rule, fields));
    std::string bytes = "detection";
    StateWriter out(bytes);
    out.hash(conditions.back());
    out.text(alert_form(rule.head.alert));
    rule.head.form = hash128(bytes);
  }
  // A correlation refers only to ones before it.
  for (CorrelationRule& rule : rules.correlations) rule.head.form = correlation_form(rule, rules, conditions, fields);
  for (FlowRule& rule : rules.flows) rule.head.form = flow_form(rule, conditions, fields);
}

}  // namespace tapewatch

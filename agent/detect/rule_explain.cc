// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_explain.h"

#include <array>
#include <charconv>
#include <set>

#include "base/json_writer.h"
#include "detect/witness_choice.h"

namespace tapewatch {
namespace {

constexpr std::size_t witnesses_shown_max = 12;

std::string name_or_id(const RuleHead& head) { return head.name.empty() ? head.id : head.name; }

std::string number_text(double number) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end};
}

std::string span_text(std::int64_t ns) {
  for (const auto& [unit, name] : {std::pair<std::int64_t, const char*>{86'400'000'000'000, "d"},
                                   {3'600'000'000'000, "h"},
                                   {60'000'000'000, "m"},
                                   {1'000'000'000, "s"}}) {
    if (ns % unit == 0) return std::to_string(ns / unit) + name;
  }
  return std::to_string(ns / 1'000'000) + "ms";
}

std::string witness_text(const Witness& witness, const FieldTable& fields) {
  const std::string field = witness.field == no_field ? "the line" : fields.name(witness.field);
  switch (witness.kind) {
    case Witness::Kind::exact:
    case Witness::Kind::number:
      return field + " is \"" + witness.text + "\"";
    case Witness::Kind::prefix:
      return field + " begins with \"" + witness.text + "\"";
    case Witness::Kind::suffix:
      return field + " ends with \"" + witness.text + "\"";
    case Witness::Kind::literal:
      return field + " contains \"" + witness.text + "\"";
    case Witness::Kind::presence:
      break;
  }
  return field + " is there";
}

void explain_detection(std::string& out, const RuleSet& rules, std::size_t index, const FieldTable& fields) {
  const DetectionRule& rule = rules.detections[index];
  if (!rule.applies) out += "sees no event: nothing maps its log source\n";
  std::set<std::string> looked_at;
  for (const Item& item : rule.items)
    looked_at.insert(item.field == no_field ? "(any value)" : fields.name(item.field));
  out += "looks at:";
  for (const std::string& field : looked_at) out += " " + field;
  const auto witnesses = WitnessChoice(rules.detections).of(rule);
  if (!witnesses) {
    out += "\nasked of every event: absence alone can satisfy it\n";
    return;
  }
  out += "\nasked only of events in which one of these holds:\n";
  for (std::size_t i = 0; i < witnesses->size() && i < witnesses_shown_max; ++i) {
    out += "  " + witness_text((*witnesses)[i], fields) + "\n";
  }
  if (witnesses->size() > witnesses_shown_max) {
    out += "  and " + std::to_string(witnesses->size() - witnesses_shown_max) + " more\n";
  }
}

std::string bounds_text(const CorrelationRule& rule) {
  static constexpr std::array<std::string_view, 6> signs = {"=", "!=", "<", "<=", ">", ">="};
  std::string text;
  for (const auto& bound : rule.bounds) {
    text.append(text.empty() ? "" : " and ").append(signs[static_cast<std::size_t>(bound.kind)]);
    text.append(" ").append(number_text(bound.value));
  }
  return text;
}

void explain_correlation(std::string& out, const RuleSet& rules, const CorrelationRule& rule) {
  out += "over the rules:";
  for (const auto& source : rule.rules) {
    out += " " +
           name_or_id(source.correlation ? rules.correlations[source.index].head : rules.detections[source.index].head);
  }
  out += "\nfor each:";
  for (const auto& field : rule.group_by) out += " " + field.name;
  if (rule.group_by.empty()) out += " (one group for all)";
  out += "\nwithin " + span_text(rule.timespan_ns) + ": ";
  if (!rule.nodes.empty()) {
    out += rule.waits ? "the expression holds, asked when the time has passed" : "the expression holds";
  } else {
    std::string what = rule.adaptive ? "surprise at each step by its " : "";
    what += name_of(rule.type);
    for (const auto& field : rule.value_fields) what += " " + field.name;
    if (rule.type == CorrelationType::value_percentile) what += " " + number_text(rule.percentile);
    out += rule.adaptive ? what : what + " " + bounds_text(rule);
  }
  out += "\n";
}

void explain_flow(std::string& out, const RuleSet& rules, const FlowRule& rule) {
  out += "for each:";
  for (const std::string& field : rule.key) out += " " + field;
  out += "\nthe steps:\n";
  for (const FlowRule::Step& step : rule.steps) {
    out += "  " + step.name + ":";
    for (const auto& source : step.sources) out += " " + name_or_id(rules.detections[source.rule].head);
    out += "\n";
  }
  out += "are expected so, in the order of time:\n";
  for (const auto& expectation : rule.expectations)
    out += "  " + expectation.text + ", or else: " + expectation.finding + "\n";
  out += "a flow ends when nothing of it came for " + span_text(rule.timeout_ns) + "\n";
  if (rule.lateness_ns >= 0) out += "events may be " + span_text(rule.lateness_ns) + " late\n";
}

}  // namespace

std::string_view name_of(CorrelationType type) {
  static constexpr std::array<std::string_view, 12> names = {
      "event_count",  "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile",
      "value_median", "ratio",       "spike",    "new_value",        "change"};
  return names[static_cast<std::size_t>(type)];
}

static std::string_view kind_of(const CorrelationRule& rule) { return rule.adaptive ? "adaptive" : name_of(rule.type); }

std::vector<RuleSummary> summaries(const RuleSet& rules) {
  std::vector<RuleSummary> all;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const bool detection = i < rules.detections.size();
    const bool flow = i >= rules.detections.size() + rules.correlations.size();
    const RuleHead& head = rules.head_of(i);
    RuleSummary rule;
    rule.index = i;
    rule.kind = detection ? "detection"
                : flow    ? "flow"
                          : std::string(kind_of(rules.correlations[i - rules.detections.size()]));
    rule.id = head.id;
    rule.name = head.name;
    rule.title = head.title;
    rule.level = head.level;
    rule.file = head.file;
    rule.line = head.line;
    rule.applies = !detection || rules.detections[i].applies;
    rule.silent = head.silent;
    all.push_back(std::move(rule));
  }
  return all;
}

void append_rule_json(std::string& out, const RuleSummary& rule) {
  JsonObject object(out);
  object.add("id", std::string_view(rule.id));
  object.add("name", std::string_view(rule.name));
  object.add("title", std::string_view(rule.title));
  object.add("kind", std::string_view(rule.kind));
  object.add("level", std::string_view(rule.level));
  object.add("file", std::string_view(rule.file));
  object.add("line", static_cast<std::int64_t>(rule.line));
  object.add("applies", rule.applies);
  object.add("silent", rule.silent);
  object.end();
}

void append_explanation(std::string& out, const RuleSet& rules, std::size_t index, const FieldTable& fields) {
  const RuleHead& head = rules.head_of(index);
  const bool detection = index < rules.detections.size();
  out += head.title + " (" + head.level + ")\n";
  if (!head.description.empty()) out += head.description + "\n";
  if (detection) {
    explain_detection(out, rules, index, fields);
  } else if (index >= rules.detections.size() + rules.correlations.size()) {
    explain_flow(out, rules, rules.flows[index - rules.detections.size() - rules.correlations.size()]);
  } else {
    explain_correlation(out, rules, rules.correlations[index - rules.detections.size()]);
  }
  if (head.silent) {
    out += "does not alert by itself: a correlation refers to it\n";
  } else if (detection) {
    out += "alerts for each event that matches";
  } else if (index >= rules.detections.size() + rules.correlations.size()) {
    out += "alerts for each that is not met, once a flow";
  } else {
    out += "alerts when that turns true";
  }
  if (!head.silent) {
    out += head.alert.realert_ns > 0 ? ", at most once in " + span_text(head.alert.realert_ns) + "\n" : "\n";
  }
  if (!head.alert.runbook.empty()) out += "runbook: " + head.alert.runbook + "\n";
}

}  // namespace tapewatch

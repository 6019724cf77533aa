// SPDX-License-Identifier: Apache-2.0
// The Detector's flows: events become steps, what is found becomes alerts.
#include <utility>

#include "base/hash.h"
#include "detect/detector.h"
#include "detect/detector_parts.h"
#include "detect/fold.h"

namespace tapewatch {

void Detector::feed_flow(const FlowStep& step, Event& event, std::string_view document) {
  const FlowRule& rule = rules_.flows[step.flow];
  const FlowRule::Source& source = rule.steps[step.step].sources[step.source];
  key_.clear();
  for (const FieldId field : source.key) {
    const ValueView* value = group_value(matcher_.values(), field);
    if (value == nullptr) {
      ++counters_.events_without_group;
      return;
    }
    append_part(key_, value->text);
  }
  Flow& flow = flows_[step.flow];
  const bool again = flow.turn == turn_;
  flow.turn = turn_;
  if (!again) count_one(matches_by_rule_[rules_.detections.size() + rules_.correlations.size() + step.flow]);
  Flows::Shown& shown = flow.flows->shown(key_);
  if (shown.empty()) {
    for (std::size_t i = 0; i < rule.key.size(); ++i)
      shown.emplace_back(rule.key[i], shown_value(source.key[i], event, document));
  }
  flow.flows->add(key_, event.time_ns, step.step, flow_values(rule, step), document, again);
}

std::vector<Flows::Value> Detector::flow_values(const FlowRule& rule, const FlowStep& step) {
  std::vector<Flows::Value> values;
  for (std::uint32_t i = 0; i < rule.values.size(); ++i) {
    if (rule.values[i].step != step.step) continue;
    std::size_t taken = 0;
    for (const ValueView& value : matcher_.values().of(rule.values[i].fields[step.source])) {
      if (value.is_text() && taken++ < flow_options_.event_values_max)
        values.push_back({i, hash64(folded(value.text))});
    }
    if (taken == 0) ++counters_.events_without_value;
  }
  return values;
}

void Detector::tell_flow(std::uint32_t index, const Flows::Finding& finding, std::vector<Alert>& out) {
  const FlowRule& rule = rules_.flows[index];
  const FlowRule::Expectation& expectation = finding.expectation;
  Alert alert = alert_of_head(rule.head);
  alert.time_ns = finding.time_ns;
  alert.started_ns = finding.started_ns;
  alert.count = finding.count;
  alert.group = finding.shown;
  alert.id = alert_id(alert.rule_id, {{"flow", finding.key}, {"expectation", expectation.text}}, alert.started_ns);
  const std::string& step = rule.steps[expectation.about].name;
  alert.labels.emplace_back("step", step);
  alert.labels.emplace_back("expectation", expectation.text);
  alert.evidence = finding.evidence;
  const std::string last = alert.evidence.empty() ? std::string() : alert.evidence.back();
  annotations_.write(rule.head.alert.annotations, static_cast<double>(finding.count), last, alert);
  alert.annotations.emplace_back("step", step);
  alert.annotations.emplace_back("finding", expectation.finding);
  tell(rule.head, rules_.detections.size() + rules_.correlations.size() + index, false, std::move(alert), out);
}

void Detector::advance_flows(std::int64_t now_ns, std::vector<Alert>& out) {
  for (std::uint32_t i = 0; i < flows_.size(); ++i)
    flows_[i].flows->advance(now_ns, [&](const Flows::Finding& finding) { tell_flow(i, finding, out); });
}

}  // namespace tapewatch

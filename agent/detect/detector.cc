// SPDX-License-Identifier: Apache-2.0
#include "detect/detector.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "detect/detector_parts.h"
#include "event/shown_value.h"

namespace tapewatch {
namespace {

constexpr std::string_view masked_text = "(masked)";

void place_of_event(Event& event, Alert& alert) {
  alert.correlation_id = event.correlation_id;
  alert.file_path = event.source().path;
  alert.file_offset = event.line().offset;
}

std::vector<std::string_view> parts_of(std::string_view key) {
  std::vector<std::string_view> parts;
  while (!key.empty()) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, key.data(), sizeof bytes);
    parts.push_back(key.substr(sizeof bytes, bytes));
    key.remove_prefix(sizeof bytes + bytes);
  }
  return parts;
}

bool read_number(std::string_view text, std::uint64_t& bits) {
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(number)) return false;
  bits = std::bit_cast<std::uint64_t>(number);
  return true;
}

// What says which of its rules matched.
std::uint64_t value_of_position(const CorrelationRule& rule, std::uint32_t position) {
  const bool part = rule.has_parts() && position >= rule.parts_from;
  if (rule.type == CorrelationType::ratio) return std::bit_cast<std::uint64_t>(part ? 1.0 : 0.0);
  return rule.is_temporal() ? position : part ? 1 : 0;
}

Flows::Options flow_options(const Detector::Options& options) {
  Flows::Options flows = options.flows;
  flows.lateness_ns = options.window.lateness_ns;
  return flows;
}

// Of the values themselves, not of what is shown: two masked groups are still two. What is over and begins again from
// the same first event, because others came late or a measure swings, is another alert.
Hash128 id_of_window(const CorrelationRule& rule, const std::string& key, const Window::Firing& firing,
                     const Event* event) {
  const std::string line = event == nullptr ? std::string() : to_hex(hash128(event->line().text));
  return alert_id(rule.head.id, {{"group", key}, {"time", std::to_string(firing.time_ns)}, {"line", line}},
                  firing.started_ns);
}

}  // namespace

Detector::Detector(RuleSet rules, Options options)
    : rules_(std::move(rules)),
      window_options_(options.window),
      flow_options_(flow_options(options)),
      matcher_(rules_.detections),
      referrers_(rules_.detections.size()),
      chains_(rules_.correlations.size()),
      flow_steps_(rules_.detections.size()),
      courses_(rules_.detections.size()),
      firing_(options.tell_ends ? options.firing_max : 0),
      keep_firing_ns_(options.keep_firing_ns),
      alerts_by_rule_(rules_.size()),
      matches_by_rule_(rules_.size()),
      lateness_ns_(options.window.lateness_ns) {
  for (const DetectionRule& rule : rules_.detections) annotations_.learn(rule.head.alert.annotations);
  for (std::uint32_t i = 0; i < rules_.correlations.size(); ++i) {
    const CorrelationRule& rule = rules_.correlations[i];
    correlations_.push_back({&rule, std::make_unique<Window>(rule, options.window), 0});
    annotations_.learn(rule.head.alert.annotations);
    for (std::uint32_t position = 0; position < rule.rules.size(); ++position) {
      const CorrelationRule::Source& source = rule.rules[position];
      (source.correlation ? chains_ : referrers_)[source.index].push_back({i, position});
    }
  }
  for (std::uint32_t i = 0; i < rules_.flows.size(); ++i) {
    const FlowRule& rule = rules_.flows[i];
    flows_.push_back({std::make_unique<Flows>(rule, flow_options_), 0});
    annotations_.learn(rule.head.alert.annotations);
    for (std::uint32_t step = 0; step < rule.steps.size(); ++step) {
      const auto& sources = rule.steps[step].sources;
      for (std::uint32_t s = 0; s < sources.size(); ++s) flow_steps_[sources[s].rule].push_back({i, step, s});
    }
  }
}

void Detector::see(Event& event, std::string_view document, std::vector<Alert>& out) {
  ++counters_.events;
  ++turn_;
  if (event.time_ns >= next_look_ns_) {
    advance(event.time_ns - lateness_ns_, out);
    next_look_ns_ = event.time_ns + ns_per_second;
  }
  matcher_.match(event, matched_);
  counters_.matches += matched_.size();
  for (const std::uint32_t index : matched_) {
    count_one(matches_by_rule_[index]);
    if (!rules_.detections[index].head.silent) alert_of_detection(index, event, document, out);
    for (const Referrer& referrer : referrers_[index]) {
      const CorrelationType type = rules_.correlations[referrer.correlation].type;
      if (type == CorrelationType::temporal_ordered || rules_.correlations[referrer.correlation].has_parts()) {
        ordered_.push_back(referrer);
      } else {
        feed(referrer, event, document, out);
      }
    }
    for (const FlowStep& step : flow_steps_[index]) feed_flow(step, event, document);
  }
  if (!ordered_.empty()) feed_ordered(event, document, out);
}

// One event cannot be two steps in a row; of a share it is the part before it is the whole.
void Detector::feed_ordered(Event& event, std::string_view document, std::vector<Alert>& out) {
  std::sort(ordered_.begin(), ordered_.end(), [](const Referrer& a, const Referrer& b) {
    return a.correlation != b.correlation ? a.correlation < b.correlation : a.position > b.position;
  });
  for (const Referrer& referrer : ordered_) feed(referrer, event, document, out);
  ordered_.clear();
}

void Detector::alert_of_detection(std::uint32_t index, Event& event, std::string_view document,
                                  std::vector<Alert>& out) {
  const RuleHead& head = rules_.detections[index].head;
  if (head.alert.active != nullptr && !head.alert.active->at(event.time_ns)) {
    ++counters_.alerts_inactive;
    return;
  }
  if (!courses_[index].pulse(event.time_ns, head.alert)) {
    ++counters_.alerts_suppressed;
    return;
  }
  Alert alert = alert_of_head(head);
  alert.time_ns = alert.started_ns = event.time_ns;
  // Two events of one rule may share a time stamp; their lines tell them apart, also after a replay.
  alert.id = alert_id(alert.rule_id, {{"line", to_hex(hash128(event.line().text))}}, alert.started_ns);
  place_of_event(event, alert);
  if (head.alert.evidence > 0 && !document.empty()) alert.evidence.emplace_back(document);
  annotations_.write(head.alert.annotations, 1, document, alert);
  tell(head, index, false, std::move(alert), out);
}

void Detector::tell(const RuleHead& head, std::size_t rule, bool lasts, Alert alert, std::vector<Alert>& out) {
  ++counters_.alerts;
  ++alerts_by_rule_[rule];
  const std::int64_t keep_ns = head.alert.keep_firing_ns >= 0 ? head.alert.keep_firing_ns : keep_firing_ns_;
  const std::int64_t end_ns = lasts ? INT64_MAX : alert.time_ns + keep_ns;
  out.push_back(std::move(alert));
  if (firing_.kept()) firing_.add(Alert(out.back()), end_ns, out);
}

bool Detector::group_key(const CorrelationRule& rule, std::uint32_t position) {
  key_.clear();
  for (const auto& field : rule.group_by) {
    const ValueView* value = group_value(matcher_.values(), field.fields[position]);
    if (value == nullptr) return false;
    append_part(key_, value->text);
  }
  return true;
}

bool Detector::value_of(const CorrelationRule& rule, std::uint32_t position, std::uint64_t& value) {
  value = value_of_position(rule, position);
  for (const auto& field : rule.value_fields) {
    const ValueView* found = group_value(matcher_.values(), field.fields[position]);
    if (found == nullptr) return false;
    if (rule.takes_number()) return read_number(found->text, value);
    value = hash64(found->text, value + 1);
  }
  return true;
}

std::vector<std::pair<std::string, std::string>> Detector::shown_group(const CorrelationRule& rule,
                                                                       std::uint32_t position, Event& event,
                                                                       std::string_view document) {
  std::vector<std::pair<std::string, std::string>> shown;
  for (const auto& field : rule.group_by) {
    shown.emplace_back(field.name, shown_value(field.fields[position], event, document));
  }
  return shown;
}

std::string Detector::shown_value(FieldId field, Event& event, std::string_view document) {
  const FieldValue& value = event.field(field);
  const bool of_stage = value.key_bytes == 0 && value.type == JsonType::string;
  const ValueView* view = group_value(matcher_.values(), field);
  const bool open = document.empty() || of_stage || document_shows(document, value);
  return std::string(open && view != nullptr ? view->text : masked_text);
}

void Detector::feed(const Referrer& referrer, Event& event, std::string_view document, std::vector<Alert>& out) {
  Correlation& correlation = correlations_[referrer.correlation];
  const CorrelationRule& rule = *correlation.rule;
  const bool again = correlation.turn == turn_;
  if (again && !rule.is_temporal()) return;
  if (!group_key(rule, referrer.position)) {
    ++counters_.events_without_group;
    return;
  }
  std::uint64_t value = 0;
  if (!value_of(rule, referrer.position, value)) {
    ++counters_.events_without_value;
    return;
  }
  correlation.turn = turn_;
  if (!again) count_one(matches_by_rule_[rules_.detections.size() + referrer.correlation]);
  Window& window = *correlation.window;
  Window::Group& group = window.group(key_);
  if (group.course) pass(referrer.correlation, group, event.time_ns - lateness_ns_, out);
  if (window.by_clock() && group.shown.empty()) group.shown = shown_group(rule, referrer.position, event, document);
  Window::Firing firing;
  const bool due = window.add(group, event.time_ns, value, firing);
  if (!again) window.keep(group, document);
  tell_ends(referrer.correlation, out);
  if (!due) return;
  if (!window.by_clock()) group.shown = shown_group(rule, referrer.position, event, document);
  tell_window(referrer.correlation, std::string(key_), group, firing, &event, document, out);
}

// What the clock does to the group before the event is counted: the same whenever it was looked at before.
void Detector::pass(std::uint32_t index, Window::Group& group, std::int64_t time_ns, std::vector<Alert>& out) {
  Window::Firing firing;
  const std::string key = (*group.place)->first;
  while (correlations_[index].window->pass(group, time_ns, firing)) {
    tell_window(index, key, group, firing, nullptr, {}, out);
  }
  tell_ends(index, out);
}

void Detector::tell_ends(std::uint32_t index, std::vector<Alert>& out) {
  for (const Window::End& end : correlations_[index].window->take_ends()) firing_.end(end.id, end.time_ns, out);
}

// A finding carries what its correlation groups by, and nothing else.
void Detector::feed_chains(std::uint32_t index, const std::string& key, const Window::Group& group,
                           const Window::Firing& firing, std::vector<Alert>& out) {
  if (chains_[index].empty()) return;
  const std::vector<std::string_view> parts = parts_of(key);
  const auto shown = group.shown;
  for (const Referrer& referrer : chains_[index]) {
    Correlation& correlation = correlations_[referrer.correlation];
    const CorrelationRule& rule = *correlation.rule;
    std::string outer_key;
    std::uint64_t value = value_of_position(rule, referrer.position);
    bool good = true;
    for (const auto& field : rule.group_by) append_part(outer_key, parts[field.fields[referrer.position]]);
    for (const auto& field : rule.value_fields) {
      const std::string_view text = parts[field.fields[referrer.position]];
      if (rule.takes_number()) {
        good = read_number(text, value);
      } else {
        value = hash64(text, value + 1);
      }
    }
    if (!good) {
      ++counters_.events_without_value;
      continue;
    }
    count_one(matches_by_rule_[rules_.detections.size() + referrer.correlation]);
    Window::Group& outer = correlation.window->group(outer_key);
    outer.shown.clear();
    for (const auto& field : rule.group_by) {
      outer.shown.emplace_back(field.name, shown[field.fields[referrer.position]].second);
    }
    Window::Firing found;
    if (outer.course) pass(referrer.correlation, outer, firing.time_ns - lateness_ns_, out);
    const bool due = correlation.window->add(outer, firing.time_ns, value, found);
    tell_ends(referrer.correlation, out);
    if (due) tell_window(referrer.correlation, outer_key, outer, found, nullptr, {}, out);
  }
}

void Detector::tell_window(std::uint32_t index, const std::string& key, Window::Group& group,
                           const Window::Firing& firing, Event* event, std::string_view document,
                           std::vector<Alert>& out) {
  const CorrelationRule& rule = rules_.correlations[index];
  Window& window = *correlations_[index].window;
  if (!rule.head.silent) {
    Alert alert = alert_of_head(rule.head);
    alert.time_ns = firing.time_ns;
    alert.started_ns = firing.started_ns;
    alert.count = firing.count;
    alert.value = firing.measure;
    if (firing.verdict) {
      const Surprise::Verdict& verdict = *firing.verdict;
      alert.measure = {firing.measure, verdict.expected, verdict.lower, verdict.upper, verdict.score};
    }
    alert.group = group.shown;
    alert.repeated = rule.lasts() && group.course->repeated();
    if (!alert.repeated) group.course->id = id_of_window(rule, key, firing, event);
    alert.id = group.course->id;
    if (event != nullptr) place_of_event(*event, alert);
    alert.evidence = window.evidence(group, firing.count);
    const std::string last =
        document.empty() && !alert.evidence.empty() ? alert.evidence.back() : std::string(document);
    annotations_.write(rule.head.alert.annotations, firing.measure, last, alert);
    tell(rule.head, rules_.detections.size() + index, rule.lasts(), std::move(alert), out);
  }
  feed_chains(index, key, group, firing, out);
}

void Detector::advance(std::int64_t now_ns, std::vector<Alert>& out) {
  for (std::uint32_t i = 0; i < correlations_.size(); ++i) {
    Window& window = *correlations_[i].window;
    if (!window.by_clock() && !window.watched()) continue;
    window.advance(now_ns, [&](const std::string& key, Window::Group& group, const Window::Firing& firing) {
      tell_window(i, key, group, firing, nullptr, {}, out);
    });
    tell_ends(i, out);
  }
  advance_flows(now_ns, out);
  firing_.advance(now_ns, out);
}

Detector::Counters Detector::counters() const {
  Counters counters = counters_;
  const Matcher::Counters matcher = matcher_.counters();
  counters.evaluations = matcher.woken;
  counters.values_dropped = matcher.values_dropped;
  counters.alerts_ended = firing_.ended();
  counters.alerts_ended_early = firing_.ended_early();
  counters.firing = firing_.size();
  for (const Correlation& correlation : correlations_) {
    const Window::Counters& window = correlation.window->counters();
    counters.groups_evicted += window.groups_evicted;
    counters.points_dropped += window.points_dropped;
    counters.late_events += window.late_events;
    counters.evidence_dropped += window.evidence_dropped;
    counters.alerts_suppressed += window.alerts_held_back;
    counters.groups += correlation.window->groups();
  }
  for (const Flow& flow : flows_) {
    const Flows::Counters& flows = flow.flows->counters();
    counters.flows_evicted += flows.flows_evicted;
    counters.points_dropped += flows.events_dropped;
    counters.late_events += flows.late_events;
    counters.evidence_dropped += flows.evidence_dropped;
    counters.alerts_suppressed += flows.alerts_held_back;
    counters.alerts_inactive += flows.alerts_inactive;
    counters.flows += flow.flows->size();
  }
  add_before(counters);
  return counters;
}

}  // namespace tapewatch

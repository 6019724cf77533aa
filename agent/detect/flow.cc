// SPDX-License-Identifier: Apache-2.0
#include "detect/flow.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {
namespace {

using Kind = FlowRule::Expectation::Kind;

constexpr std::int64_t time_max_ns = INT64_MAX / 2;  // spans can be added to it

std::uint64_t bit(std::uint32_t expectation) { return std::uint64_t{1} << expectation; }

}  // namespace

Flows::Flows(const FlowRule& rule, Options options)
    : rule_(rule),
      options_(options),
      lateness_ns_(rule.lateness_ns < 0 ? options.lateness_ns : std::min(rule.lateness_ns, options.lateness_ns)) {
  CHECK(options.flows_max > 0 && options.events_max > 0);
  CHECK(rule.expectations.size() <= FlowRule::expectations_max && rule.steps.size() <= FlowRule::steps_max);
}

Flows::Shown& Flows::shown(const std::string& key) {
  if (const auto known = flows_.find(key); known != flows_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second.place);
    return known->second.shown;
  }
  if (flows_.size() >= options_.flows_max) {
    erase(*recent_.back());
    ++counters_.flows_evicted;
  }
  Entry& entry = *flows_.try_emplace(key).first;
  entry.second.place = recent_.insert(recent_.begin(), &entry);
  return entry.second.shown;
}

void Flows::erase(Entry& entry) {
  set_due(entry, INT64_MAX);
  recent_.erase(entry.second.place);
  flows_.erase(flows_.find(entry.first));
}

void Flows::set_due(Entry& entry, std::int64_t due_ns) {
  Flow& flow = entry.second;
  if (flow.due_ns == due_ns) return;
  if (flow.due_ns != INT64_MAX) due_.erase({flow.due_ns, &entry});
  flow.due_ns = due_ns;
  if (due_ns != INT64_MAX) due_.insert({due_ns, &entry});
}

void Flows::add(const std::string& key, std::int64_t time_ns, std::uint32_t step, std::vector<Value> values,
                std::string_view document, bool again) {
  const auto known = flows_.find(key);
  CHECK(known != flows_.end());
  Flow& flow = known->second;
  const bool no_time = time_ns > time_max_ns || time_ns < -time_max_ns;
  if (!no_time) newest_ns_ = std::max(newest_ns_, time_ns);
  const bool late = no_time || time_ns < passed_ns_ || time_ns < newest_ns_ - lateness_ns_;
  if (late || flow.waiting.size() >= options_.events_max) {
    ++(late ? counters_.late_events : counters_.events_dropped);
    if (flow.due_ns == INT64_MAX) erase(*known);  // it was made for this event
    return;
  }
  Waiting event{time_ns, step, no_document, std::move(values)};
  const bool same = again && !documents_.empty();
  if (rule_.head.alert.evidence > 0 && !document.empty())
    event.document = same ? first_document_ + documents_.size() - 1 : keep(document);
  const auto behind = [](std::int64_t time, const Waiting& other) { return time < other.time_ns; };
  flow.waiting.insert(std::upper_bound(flow.waiting.begin(), flow.waiting.end(), time_ns, behind), std::move(event));
  set_due(*known, next_due(flow));
}

std::int64_t Flows::deadline_of(const Flow& flow, std::uint32_t index) const {
  const FlowRule::Expectation& expectation = rule_.expectations[index];
  if (((flow.told | flow.met) & bit(index)) != 0) return INT64_MAX;
  if (expectation.kind == Kind::followed) {
    const StepSeen& other = flow.steps[expectation.other];
    return other.count == 0 ? INT64_MAX : other.first_ns + expectation.within_ns;
  }
  if (expectation.kind != Kind::at_least || flow.steps[expectation.step].count >= expectation.count) return INT64_MAX;
  return expectation.within_ns > 0 ? flow.first_ns + expectation.within_ns : flow.last_ns + rule_.timeout_ns;
}

std::int64_t Flows::next_due(const Flow& flow) const {
  std::int64_t due_ns = flow.waiting.empty() ? INT64_MAX : flow.waiting.front().time_ns;
  if (!flow.open) {
    if (!flow.waiting.empty()) return due_ns;
    // What realert remembers.
    const std::int64_t wait_ns = 2 * std::max(rule_.head.alert.realert_ns, rule_.head.alert.realert_max_ns);
    due_ns = INT64_MIN;
    for (const auto& [expectation, course] : flow.courses) due_ns = std::max(due_ns, course.told_ns() + wait_ns);
    return due_ns == INT64_MIN ? INT64_MAX : due_ns;
  }
  for (std::uint32_t i = 0; i < rule_.expectations.size(); ++i) due_ns = std::min(due_ns, deadline_of(flow, i));
  return std::min(due_ns, flow.last_ns + rule_.timeout_ns);
}

std::vector<Flows::Found> Flows::judge(Entry& entry) {
  current_ = &entry;
  Flow& flow = entry.second;
  std::vector<Found> found;
  const std::int64_t time_ns = flow.due_ns;
  if (!flow.waiting.empty() && flow.waiting.front().time_ns == time_ns) {
    apply(flow, time_ns, found);
  } else if (flow.open) {
    expire(flow, time_ns, found);
  } else {
    flow.courses.clear();
  }
  return found;
}

void Flows::settle() {
  const std::int64_t due_ns = next_due(current_->second);
  if (due_ns == INT64_MAX) {
    erase(*current_);
  } else {
    set_due(*current_, due_ns);
  }
}

Flows::Finding Flows::finding_of(const Found& found) const {
  return {rule_.expectations[found.expectation],
          current_->first,
          current_->second.shown,
          found.time_ns,
          found.started_ns,
          found.count,
          found.evidence};
}

// All events of one moment.
void Flows::apply(Flow& flow, std::int64_t time_ns, std::vector<Found>& found) {
  if (!flow.open) {
    flow.open = true;
    flow.first_ns = time_ns;
    flow.steps.assign(rule_.steps.size(), {});
  }
  std::uint64_t now = 0;  // bits: steps of this moment
  auto end = flow.waiting.begin();
  std::vector<Found> compared;
  for (; end != flow.waiting.end() && end->time_ns == time_ns; ++end) {
    now |= std::uint64_t{1} << end->step;
    enter(flow, *end, compared);
  }
  flow.waiting.erase(flow.waiting.begin(), end);
  flow.last_ns = time_ns;
  for (std::uint32_t i = 0; i < rule_.expectations.size(); ++i) {
    const FlowRule::Expectation& expectation = rule_.expectations[i];
    if ((now >> expectation.step & 1) == 0) continue;
    const StepSeen& other = flow.steps[expectation.other];
    const bool stale = expectation.within_ns > 0 && time_ns - other.last_ns > expectation.within_ns;
    if (expectation.kind == Kind::preceded && (other.count == 0 || stale)) violated(flow, i, time_ns, found);
    if (expectation.kind == Kind::followed && other.count > 0) flow.met |= bit(i);
    if (expectation.kind == Kind::at_most && flow.steps[expectation.step].count > expectation.count)
      violated(flow, i, time_ns, found);
  }
  found.insert(found.end(), std::make_move_iterator(compared.begin()), std::make_move_iterator(compared.end()));
}

void Flows::enter(Flow& flow, const Waiting& event, std::vector<Found>& found) {
  StepSeen& step = flow.steps[event.step];
  if (step.count++ == 0) step.first_ns = event.time_ns;
  step.last_ns = event.time_ns;
  ++flow.events;
  const std::size_t wanted = rule_.head.alert.evidence;
  const bool shown =
      event.document == no_document || (!flow.evidence.empty() && flow.evidence.back() == event.document);
  if (!shown && flow.evidence.size() < wanted) {
    flow.evidence.push_back(event.document);
  } else if (!shown) {
    flow.evidence.back() = event.document;
  }
  const std::size_t earlier = flow.values.size();
  for (const Value& value : event.values) {
    compare(flow, value, earlier, event.time_ns, found);
    const auto same = [&](const Value& v) { return v.value == value.value && v.hash == value.hash; };
    if (std::any_of(flow.values.begin(), flow.values.end(), same)) continue;
    if (flow.values.size() < options_.values_max) {
      flow.values.push_back(value);
    } else {
      ++counters_.events_dropped;
    }
  }
}

// With all values before it; of one field only with those of earlier events, [0, earlier).
void Flows::compare(Flow& flow, const Value& value, std::size_t earlier, std::int64_t time_ns,
                    std::vector<Found>& found) {
  for (std::uint32_t i = 0; i < rule_.expectations.size(); ++i) {
    const std::vector<std::uint32_t>& values = rule_.expectations[i].values;
    const auto times = [&](std::uint32_t v) { return std::count(values.begin(), values.end(), v); };
    if ((flow.told & bit(i)) != 0 || times(value.value) == 0) continue;
    for (std::size_t at = 0; at < flow.values.size(); ++at) {
      const Value& other = flow.values[at];
      const bool compared =
          other.value != value.value ? times(other.value) > 0 : at < earlier && times(value.value) > 1;
      if (!compared || other.hash != value.hash) continue;
      violated(flow, i, time_ns, found);
      break;
    }
  }
}

void Flows::expire(Flow& flow, std::int64_t time_ns, std::vector<Found>& found) {
  for (std::uint32_t i = 0; i < rule_.expectations.size(); ++i) {
    if (deadline_of(flow, i) == time_ns) violated(flow, i, time_ns, found);
  }
  if (flow.last_ns + rule_.timeout_ns != time_ns) return;
  flow.open = false;
  flow.events = flow.met = flow.told = 0;
  flow.steps.clear();
  flow.values.clear();
  flow.evidence.clear();
}

void Flows::violated(Flow& flow, std::uint32_t expectation, std::int64_t time_ns, std::vector<Found>& found) {
  if ((flow.told & bit(expectation)) != 0) return;
  const FlowRule::Expectation& rule = rule_.expectations[expectation];
  if (rule.when != FlowRule::no_step && flow.steps[rule.when].count == 0) {
    // What is asked at a step may be asked again at the next one.
    if (rule.kind == Kind::followed || rule.kind == Kind::at_least) flow.met |= bit(expectation);
    return;
  }
  flow.told |= bit(expectation);
  const AlertOptions& options = rule_.head.alert;
  if (options.active != nullptr && !options.active->at(time_ns)) {
    ++counters_.alerts_inactive;
  } else if (options.realert_ns > 0 && held_back(flow, expectation, time_ns)) {
    ++counters_.alerts_held_back;
  } else {
    found.push_back({expectation, time_ns, flow.first_ns, flow.events, evidence_of(flow)});
  }
}

bool Flows::held_back(Flow& flow, std::uint32_t expectation, std::int64_t time_ns) {
  const auto same = [expectation](const auto& course) { return course.first == expectation; };
  auto known = std::find_if(flow.courses.begin(), flow.courses.end(), same);
  if (known == flow.courses.end()) known = flow.courses.insert(known, {expectation, AlertCourse()});
  return !known->second.pulse(time_ns, rule_.head.alert);
}

std::uint64_t Flows::keep(std::string_view document) {
  const bool fits = document.size() <= options_.evidence_document_bytes_max;
  documents_.push_back({std::string(fits ? document : std::string_view()), 0});
  documents_.back().bytes = documents_.back().text.size() + sizeof(std::string);
  document_bytes_ += documents_.back().bytes;
  while (document_bytes_ > options_.evidence_bytes_max && documents_.size() > 1) {
    document_bytes_ -= documents_.front().bytes;
    documents_.pop_front();
    ++first_document_;
  }
  return first_document_ + documents_.size() - 1;
}

std::vector<std::string> Flows::evidence_of(const Flow& flow) {
  std::vector<std::string> documents;
  for (const std::uint64_t number : flow.evidence) {
    if (number < first_document_ || documents_[number - first_document_].text.empty()) {
      ++counters_.evidence_dropped;
    } else {
      documents.push_back(documents_[number - first_document_].text);
    }
  }
  return documents;
}

}  // namespace tapewatch

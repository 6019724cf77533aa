// SPDX-License-Identifier: Apache-2.0
// Flows saved and read again, so that they go on as if nothing had been: in the order of their last use. Documents that
// no flow shows are left out, but for what they count for.
#include <algorithm>

#include "base/check.h"
#include "detect/flow.h"

namespace tapewatch {
namespace {

constexpr std::size_t flow_bytes_least = 5;
constexpr std::int64_t time_max_ns = INT64_MAX / 2;  // spans can be added to it

std::int64_t checked(std::int64_t time_ns, StateReader& in) {
  if (time_ns >= -time_max_ns - 1 && time_ns <= time_max_ns) return time_ns;
  in.fail();
  return 0;
}

}  // namespace

void Flows::save(StateWriter& out) const {
  out.signed_number(newest_ns_);
  out.signed_number(passed_ns_);
  for (const std::uint64_t count : {counters_.flows_evicted, counters_.events_dropped, counters_.late_events,
                                    counters_.evidence_dropped, counters_.alerts_held_back, counters_.alerts_inactive})
    out.number(count);
  save_documents(out);
  out.number(recent_.size());
  for (const Entry* entry : recent_) save_flow(out, *entry);
}

void Flows::save_documents(StateWriter& out) const {
  std::vector<bool> shown(documents_.size());
  const auto mark = [&](std::uint64_t number) {
    if (number != no_document && number >= first_document_) shown[number - first_document_] = true;
  };
  for (const Entry* entry : recent_) {
    for (const std::uint64_t number : entry->second.evidence) mark(number);
    for (const Waiting& event : entry->second.waiting) mark(event.document);
  }
  out.number(first_document_);
  out.number(documents_.size());
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    out.number(documents_[i].bytes);
    out.text(shown[i] ? std::string_view(documents_[i].text) : std::string_view());
  }
}

// How far back it stands; 0: none.
void Flows::save_number(StateWriter& out, std::uint64_t document) const {
  out.number(document == no_document ? 0 : first_document_ + documents_.size() - document);
}

void Flows::save_flow(StateWriter& out, const Entry& entry) const {
  const Flow& flow = entry.second;
  out.text(entry.first);
  out.flag(flow.open);
  out.number(flow.waiting.size());
  for (const Waiting& event : flow.waiting) {
    out.time(event.time_ns, newest_ns_);
    out.number(event.step);
    save_number(out, event.document);
    out.number(event.values.size());
    for (const Value& value : event.values) {
      out.number(value.value);
      out.word(value.hash);
    }
  }
  if (flow.open) {
    out.time(flow.first_ns, newest_ns_);
    out.time(flow.last_ns, flow.first_ns);
    out.number(flow.events);
    out.number(flow.met);
    out.number(flow.told);
    for (const StepSeen& step : flow.steps) {
      out.number(step.count);
      if (step.count == 0) continue;
      out.time(step.first_ns, flow.first_ns);
      out.time(step.last_ns, step.first_ns);
    }
    out.number(flow.values.size());
    for (const Value& value : flow.values) {
      out.number(value.value);
      out.word(value.hash);
    }
    out.number(flow.evidence.size());
    for (const std::uint64_t number : flow.evidence) save_number(out, number);
  }
  out.number(flow.courses.size());
  for (const auto& [expectation, course] : flow.courses) {
    out.number(expectation);
    course.save(out, newest_ns_);
  }
  out.pairs(flow.shown);
}

void Flows::load(StateReader& in) {
  CHECK(flows_.empty());
  newest_ns_ = checked(in.signed_number(), in);
  passed_ns_ = checked(in.signed_number(), in);
  for (std::uint64_t* count : {&counters_.flows_evicted, &counters_.events_dropped, &counters_.late_events,
                               &counters_.evidence_dropped, &counters_.alerts_held_back, &counters_.alerts_inactive})
    *count = in.number();
  load_documents(in);
  const std::size_t count = in.count(flow_bytes_least);
  if (count > options_.flows_max) in.fail();
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    const auto [entry, made] = flows_.try_emplace(std::string(in.text()));
    if (!made) return in.fail();
    entry->second.place = recent_.insert(recent_.end(), &*entry);
    load_flow(in, entry->second);
    const std::int64_t due_ns = in.failed() ? INT64_MAX : next_due(entry->second);
    if (due_ns == INT64_MAX) return in.fail();  // there would be no end to it
    set_due(*entry, due_ns);
  }
}

void Flows::load_documents(StateReader& in) {
  first_document_ = in.number_to(UINT64_MAX / 2);
  const std::size_t count = in.count(2);
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    Document document;
    document.bytes = in.number_to(options_.evidence_bytes_max + options_.evidence_document_bytes_max);
    document.text = in.text();
    document_bytes_ += document.bytes;
    documents_.push_back(std::move(document));
  }
}

std::uint64_t Flows::load_number(StateReader& in) const {
  const std::uint64_t next_document = first_document_ + documents_.size();
  const std::uint64_t back = in.number_to(next_document);
  return back == 0 ? no_document : next_document - back;
}

Flows::Value Flows::load_value(StateReader& in) const {
  const std::uint64_t value = in.number();
  if (value >= rule_.values.size()) in.fail();
  return {static_cast<std::uint32_t>(value), in.word()};
}

void Flows::load_flow(StateReader& in, Flow& flow) const {
  flow.open = in.flag();
  load_waiting(in, flow);
  if (flow.open && !in.failed()) {
    flow.first_ns = checked(in.time(newest_ns_), in);
    flow.last_ns = checked(in.time(flow.first_ns), in);
    flow.events = in.number();
    flow.met = in.number();
    flow.told = in.number();
    flow.steps.resize(rule_.steps.size());
    for (StepSeen& step : flow.steps) {
      step.count = in.number();
      if (step.count == 0) continue;
      step.first_ns = checked(in.time(flow.first_ns), in);
      step.last_ns = checked(in.time(step.first_ns), in);
    }
    const std::size_t values = in.count(9);
    if (values > options_.values_max) in.fail();
    for (std::size_t i = 0; i < values && !in.failed(); ++i) flow.values.push_back(load_value(in));
    flow.evidence.resize(in.count(1));
    for (std::uint64_t& number : flow.evidence) number = load_number(in);
    const bool none = std::find(flow.evidence.begin(), flow.evidence.end(), no_document) != flow.evidence.end();
    if (none) in.fail();
  }
  const std::size_t courses = in.count(7);
  if (courses > rule_.expectations.size()) in.fail();
  for (std::size_t i = 0; i < courses && !in.failed(); ++i) {
    const std::uint64_t expectation = in.number();
    if (expectation >= rule_.expectations.size()) in.fail();
    flow.courses.emplace_back(static_cast<std::uint32_t>(expectation), AlertCourse());
    flow.courses.back().second.load(in, newest_ns_, rule_.head.alert);
  }
  flow.shown = in.pairs();
}

void Flows::load_waiting(StateReader& in, Flow& flow) const {
  const std::size_t count = in.count(4);
  if (count > options_.events_max) in.fail();
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    Waiting event;
    event.time_ns = checked(in.time(newest_ns_), in);
    if (i > 0 && event.time_ns < flow.waiting.back().time_ns) in.fail();
    const std::uint64_t step = in.number();
    if (step >= rule_.steps.size()) in.fail();
    event.step = static_cast<std::uint32_t>(step);
    event.document = load_number(in);
    const std::size_t values = in.count(9);
    for (std::size_t v = 0; v < values && !in.failed(); ++v) event.values.push_back(load_value(in));
    flow.waiting.push_back(std::move(event));
  }
}

}  // namespace tapewatch

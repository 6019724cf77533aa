// SPDX-License-Identifier: Apache-2.0
// What all rules remember, saved and read again. Bytes: "TWDS", u32 version, then, in the numbers of state_bytes.h, the
// time of the next look, the counters, each rule (id, form, counts, and a part of its own), the alerts whose end is
// awaited; and u64 XXH3 of everything before it.
#include <algorithm>
#include <array>
#include <map>

#include "base/clock.h"
#include "base/hash.h"
#include "detect/detector.h"

namespace tapewatch {
namespace {

constexpr std::string_view magic = "TWDS";
constexpr std::uint32_t version = 1;
constexpr std::size_t head_bytes = 8;
constexpr std::size_t hash_bytes = 8;

using Count = std::uint64_t Detector::Counters::*;
// Those that only grow.
constexpr std::array<Count, 16> counts = {
    &Detector::Counters::events,
    &Detector::Counters::evaluations,
    &Detector::Counters::matches,
    &Detector::Counters::alerts,
    &Detector::Counters::alerts_suppressed,
    &Detector::Counters::alerts_inactive,
    &Detector::Counters::alerts_ended,
    &Detector::Counters::alerts_ended_early,
    &Detector::Counters::events_without_group,
    &Detector::Counters::events_without_value,
    &Detector::Counters::groups_evicted,
    &Detector::Counters::points_dropped,
    &Detector::Counters::late_events,
    &Detector::Counters::evidence_dropped,
    &Detector::Counters::values_dropped,
    &Detector::Counters::flows_evicted,
};

Error corrupt(std::string_view what) { return Error{Code::corrupt, std::string(what)}; }

// What is between the head and the hash.
Result<std::string_view> body_of(std::string_view bytes) {
  if (bytes.size() < head_bytes + hash_bytes || bytes.substr(0, magic.size()) != magic)
    return corrupt("this is no state of rules");
  const std::uint32_t written = StateReader(bytes.substr(magic.size())).half_word();
  if (written != version)
    return Error{Code::unsupported, "written in version " + std::to_string(written) + " of the format"};
  const std::string_view hashed = bytes.substr(0, bytes.size() - hash_bytes);
  if (StateReader(bytes.substr(hashed.size())).word() != hash64(hashed)) return corrupt("a checksum does not match");
  return hashed.substr(head_bytes);
}

}  // namespace

Detector::Saved Detector::save(std::string& bytes, std::size_t bytes_max) {
  Saved saved;
  const std::size_t begin = bytes.size();
  StateWriter out(bytes);
  bytes += magic;
  out.half_word(version);
  out.time(next_look_ns_, 0);
  const Counters now = counters();
  for (const Count count : counts) out.number(now.*count);
  out.number(rules_.size());
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    const RuleHead& head = rules_.head_of(rule);
    out.text(head.id);
    out.hash(head.form);
    out.number(alerts_by_rule_[rule]);
    out.number(matches_by_rule_[rule].value());
    const std::size_t part = out.begin_part();
    save_rule(rule, out);
    if (bytes.size() - begin > bytes_max) {
      bytes.resize(part);
      ++saved.rules_left_out;
    }
    out.end_part(part);
  }
  const std::size_t part = out.begin_part();
  firing_.save(out);
  out.end_part(part);
  out.word(hash64(std::string_view(bytes).substr(begin)));
  return saved;
}

void Detector::save_rule(std::size_t rule, StateWriter& out) {
  const std::size_t windowed = courses_.size() + correlations_.size();
  if (rule >= windowed) return flows_[rule - windowed].flows->save(out);
  if (rule >= courses_.size()) return correlations_[rule - courses_.size()].window->save(out);
  out.time(courses_[rule].told_ns(), 0);
  courses_[rule].save(out, courses_[rule].told_ns());
}

// Into parts that take the place of those in use only when everything is good.
struct Detector::Loading {
  std::int64_t next_look_ns = 0;
  Counters counters;
  std::vector<AlertCourse> courses;
  std::vector<std::unique_ptr<Window>> windows;  // null: none was kept
  std::vector<std::unique_ptr<Flows>> flows;
  FiringAlerts firing;
  std::vector<std::uint64_t> alerts;
  std::vector<std::uint64_t> matches;
  std::vector<bool> kept;
};

Result<Detector::Restored> Detector::load(std::string_view bytes, Counts how) {
  const Result<std::string_view> body = body_of(bytes);
  if (!body.ok()) return body.error();
  StateReader in(*body);
  Loading loading{0,
                  {},
                  std::vector<AlertCourse>(courses_.size()),
                  std::vector<std::unique_ptr<Window>>(correlations_.size()),
                  std::vector<std::unique_ptr<Flows>>(flows_.size()),
                  FiringAlerts(firing_.alerts_max()),
                  std::vector<std::uint64_t>(rules_.size()),
                  std::vector<std::uint64_t>(rules_.size()),
                  std::vector<bool>(rules_.size())};
  loading.next_look_ns = in.time(0);
  for (const Count count : counts) loading.counters.*count = in.number();
  Restored restored;
  std::map<std::string_view, std::size_t> rule_of;
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) rule_of.emplace(rules_.head_of(rule).id, rule);
  for (std::size_t left = in.count(1); left > 0 && !in.failed(); --left) {
    const std::string_view id = in.text();
    const Hash128 form = in.hash();
    const std::uint64_t alerts = in.number();
    const std::uint64_t matches = in.number();
    const std::string_view part = in.part();
    if (in.failed()) break;
    const auto known = rule_of.find(id);
    if (known == rule_of.end() || rules_.head_of(known->second).form != form || part.empty()) {
      restored.left_out.emplace_back(id);
      continue;
    }
    const std::size_t rule = known->second;
    StateReader of_rule(part);
    load_rule(rule, of_rule, loading);
    if (loading.kept[rule] || of_rule.failed() || !of_rule.at_end()) in.fail();
    loading.alerts[rule] = alerts;
    loading.matches[rule] = matches;
    loading.kept[rule] = true;
    ++restored.rules;
  }
  const auto goes_on = [&](const Alert& alert) {
    const auto known = rule_of.find(alert.rule_id);
    return known != rule_of.end() && loading.kept[known->second];
  };
  StateReader firing(in.part());
  loading.firing.load(firing, loading.next_look_ns - ns_per_second, goes_on);
  if (firing.failed() || !firing.at_end() || in.failed() || !in.at_end())
    return corrupt("what it holds makes no sense");
  take_over(loading, how);
  return restored;
}

void Detector::load_rule(std::size_t rule, StateReader& in, Loading& loading) const {
  if (rule < courses_.size()) {
    const std::int64_t told_ns = in.time(0);
    return loading.courses[rule].load(in, told_ns, rules_.detections[rule].head.alert);
  }
  const std::size_t index = rule - courses_.size();
  if (index >= correlations_.size()) {
    std::unique_ptr<Flows>& flows = loading.flows[index - correlations_.size()];
    flows = std::make_unique<Flows>(rules_.flows[index - correlations_.size()], flow_options_);
    return flows->load(in);
  }
  loading.windows[index] = std::make_unique<Window>(rules_.correlations[index], window_options_);
  loading.windows[index]->load(in);
}

void Detector::take_over(Loading& loading, Counts how) {
  next_look_ns_ = loading.next_look_ns;
  courses_ = std::move(loading.courses);
  for (std::size_t i = 0; i < correlations_.size(); ++i) {
    if (loading.windows[i]) correlations_[i].window = std::move(loading.windows[i]);
  }
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    if (loading.flows[i]) flows_[i].flows = std::move(loading.flows[i]);
  }
  firing_ = std::move(loading.firing);
  before_ = counters_ = Counters();
  const bool go_on = how == Counts::go_on;
  if (go_on) alerts_by_rule_ = std::move(loading.alerts);
  for (std::size_t rule = 0; go_on && rule < rules_.size(); ++rule)
    matches_by_rule_[rule].raise_to(loading.matches[rule]);
  const Counters now = counters();
  for (const Count count : counts) before_.*count = (go_on ? loading.counters.*count : 0) - now.*count;
}

void Detector::add_before(Counters& counters) const {
  for (const Count count : counts) counters.*count += before_.*count;
}

}  // namespace tapewatch

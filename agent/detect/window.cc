// SPDX-License-Identifier: Apache-2.0
#include "detect/window.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t gone_points_min = 64;  // fewer are not worth moving the others

bool before(const Window::Point& point, std::int64_t time_ns) { return point.time_ns < time_ns; }

std::size_t evidence_bytes(const Window::Group& group) {
  std::size_t bytes = 0;
  for (const std::string& document : group.evidence) bytes += document.size();
  return bytes;
}

}  // namespace

Window::Window(const CorrelationRule& rule, Options options)
    : rule_(rule), options_(options), by_clock_(rule.holds(0)) {
  CHECK(options.groups_max > 0 && options.points_max > 0);
}

Window::Group& Window::group(const std::string& key) {
  if (const auto known = groups_.find(key); known != groups_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second.place);
    return known->second;
  }
  if (groups_.size() >= options_.groups_max) evict();
  const auto added = groups_.try_emplace(key).first;
  recent_.push_front(&added->first);
  added->second.place = recent_.begin();
  return added->second;
}

void Window::evict() {
  const auto oldest = groups_.find(*recent_.back());
  CHECK(oldest != groups_.end());
  forget_evidence(oldest->second);
  recent_.pop_back();
  groups_.erase(oldest);
  ++counters_.groups_evicted;
}

bool Window::add(Group& group, std::int64_t time_ns, std::uint64_t value, Firing& firing) {
  if (!group.seen) group.first_ns = group.newest_ns = time_ns;
  group.seen = true;
  if (time_ns < group.newest_ns) return late(group, {time_ns, value}, firing);
  return in_order(group, {time_ns, value}, firing);
}

void Window::forget_evidence(Group& group) {
  evidence_bytes_ -= evidence_bytes(group);
  group.evidence.clear();
}

bool Window::in_order(Group& group, const Point& point, Firing& firing) {
  bool fell = false;
  if (by_clock_) fell = falls(group, point.time_ns, firing);
  slide(group, point.time_ns);
  if (group.start == group.points.size()) {
    if (!by_clock_) group.holds = false;
    if (!fell) forget_evidence(group);
  }
  insert(group, point);
  const std::uint64_t now = count(group);
  const bool seen_whole = !by_clock_ || point.time_ns - group.first_ns >= rule_.timespan_ns;
  const bool rises = due(group, seen_whole && rule_.holds(now), point.time_ns);
  if (rises && !fell) firing = {now, group.points[group.start].time_ns, point.time_ns};
  return fell || rises;
}

// Looks at every window that the late event is in and that ends with an event. Where the condition held without it, the
// alert has been given.
bool Window::late(Group& group, const Point& point, Firing& firing) {
  if (point.time_ns < group.newest_ns - options_.lateness_ns) {
    ++counters_.late_events;
    return false;
  }
  insert(group, point);
  if (by_clock_) return false;
  bool fires = false;
  const auto begin = group.points.begin() + static_cast<std::ptrdiff_t>(group.head);
  auto end = std::lower_bound(begin, group.points.end(), point.time_ns, before);
  for (; end != group.points.end() && end->time_ns <= point.time_ns + rule_.timespan_ns && !fires; ++end) {
    if (group.holds) break;
    const auto start = std::lower_bound(begin, end, end->time_ns - rule_.timespan_ns, before);
    const auto from = static_cast<std::size_t>(start - group.points.begin());
    const std::uint64_t counted = count_between(group, from, static_cast<std::size_t>(end - group.points.begin()) + 1);
    const bool other = rule_.type == CorrelationType::value_count &&
                       std::count_if(start, end + 1, [&](const Point& p) { return p.value == point.value; }) > 1;
    if (!rule_.holds(counted) || rule_.holds(counted - (other ? 0 : 1))) continue;
    fires = due(group, true, end->time_ns);
    firing = {counted, start->time_ns, end->time_ns};
  }
  group.holds = rule_.holds(count(group));
  return fires;
}

// When the condition turned true by events leaving the window before `now_ns`.
bool Window::falls(Group& group, std::int64_t now_ns, Firing& firing) {
  if (group.points.empty() || group.holds) return false;
  const auto begin = group.points.begin() + static_cast<std::ptrdiff_t>(group.head);
  for (auto gone = begin; gone != group.points.end(); ++gone) {
    const std::int64_t moment = std::max(gone->time_ns, group.first_ns) + rule_.timespan_ns;
    if (moment >= now_ns) break;
    if (moment < group.newest_ns) continue;
    const std::uint64_t left =
        count_between(group, static_cast<std::size_t>(gone - group.points.begin()) + 1, group.points.size());
    if (!rule_.holds(left)) continue;
    firing = {left, gone->time_ns, moment};
    return due(group, true, moment);
  }
  return false;
}

bool Window::due(Group& group, bool holds, std::int64_t time_ns) {
  const bool rising = holds && !group.holds;
  group.holds = holds;
  if (!holds) return false;
  const std::int64_t realert_ns = rule_.head.alert.realert_ns;
  const bool waited = !group.alerted || time_ns - group.alerted_ns >= realert_ns;
  if (!waited || (!rising && (realert_ns == 0 || !group.alerted))) return false;
  group.alerted = true;
  group.alerted_ns = time_ns;
  return true;
}

// Makes [.., end] the newest window.
void Window::slide(Group& group, std::int64_t end_ns) {
  group.newest_ns = std::max(group.newest_ns, end_ns);
  const std::int64_t start_ns = group.newest_ns - rule_.timespan_ns;
  while (group.start < group.points.size() && group.points[group.start].time_ns < start_ns) {
    leave(group, group.points[group.start++]);
  }
  while (group.head < group.start && group.points[group.head].time_ns < start_ns - options_.lateness_ns) ++group.head;
  if (group.head >= gone_points_min && group.head * 2 > group.points.size()) {
    group.points.erase(group.points.begin(), group.points.begin() + static_cast<std::ptrdiff_t>(group.head));
    group.start -= group.head;
    group.head = 0;
  }
}

void Window::leave(Group& group, const Point& point) {
  if (rule_.type != CorrelationType::value_count) return;
  const auto value = group.values.find(point.value);
  if (--value->second == 0) group.values.erase(value);
}

void Window::insert(Group& group, const Point& point) {
  const auto behind = [](std::int64_t time_ns, const Point& p) { return time_ns < p.time_ns; };
  const auto at = group.points.empty() || group.points.back().time_ns <= point.time_ns
                      ? group.points.end()
                      : std::upper_bound(group.points.begin() + static_cast<std::ptrdiff_t>(group.head),
                                         group.points.end(), point.time_ns, behind);
  const bool in_window = point.time_ns >= group.newest_ns - rule_.timespan_ns;
  const auto index = static_cast<std::size_t>(at - group.points.begin());
  group.points.insert(at, point);
  if (!in_window && index <= group.start) ++group.start;
  if (in_window && rule_.type == CorrelationType::value_count) ++group.values[point.value];
  if (group.points.size() - group.head <= options_.points_max) return;
  ++counters_.points_dropped;
  if (group.head == group.start) leave(group, group.points[group.start++]);
  ++group.head;
}

std::uint64_t Window::count(const Group& group) const {
  return rule_.type == CorrelationType::value_count ? group.values.size() : group.points.size() - group.start;
}

std::uint64_t Window::count_between(const Group& group, std::size_t begin, std::size_t end) const {
  if (rule_.type != CorrelationType::value_count) return end - begin;
  std::unordered_set<std::uint64_t> values;
  for (std::size_t i = begin; i < end; ++i) values.insert(group.points[i].value);
  return values.size();
}

void Window::keep(Group& group, std::string_view document) {
  const std::size_t wanted = rule_.head.alert.evidence;
  if (wanted == 0 || document.empty()) return;
  if (group.evidence.size() >= wanted) {
    evidence_bytes_ -= group.evidence.front().size();
    group.evidence.erase(group.evidence.begin());
  }
  if (document.size() > options_.evidence_document_bytes_max ||
      evidence_bytes_ + document.size() > options_.evidence_bytes_max) {
    ++counters_.evidence_dropped;
    return;
  }
  evidence_bytes_ += document.size();
  group.evidence.emplace_back(document);
}

}  // namespace tapewatch

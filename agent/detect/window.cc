// SPDX-License-Identifier: Apache-2.0
#include "detect/window.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t gone_points_min = 64;  // fewer are not worth moving the others

bool before(const Window::Point& point, std::int64_t time_ns) { return point.time_ns < time_ns; }

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
  if (groups_.size() >= options_.groups_kept) let_go_of_quiet();
  if (groups_.size() >= options_.groups_max) {
    erase(*recent_.back());
    ++counters_.groups_evicted;
  }
  const auto added = groups_.try_emplace(key).first;
  recent_.push_front(&added->first);
  added->second.place = recent_.begin();
  return added->second;
}

void Window::erase(const std::string& key) {
  const auto group = groups_.find(key);
  CHECK(group != groups_.end());
  recent_.erase(group->second.place);
  groups_.erase(group);
}

// One new group makes room by up to two old ones, so that a flood of groups shrinks again.
void Window::let_go_of_quiet() {
  for (int i = 0; i < 2 && !recent_.empty(); ++i) {
    const Group& group = groups_.find(*recent_.back())->second;
    const bool empty = group.newest_ns < newest_ns_ - rule_.timespan_ns - options_.lateness_ns;
    const bool held_back = group.alerted && newest_ns_ - group.alerted_ns < rule_.head.alert.realert_ns;
    if (!empty || held_back || (by_clock_ && !group.holds)) return;
    erase(*recent_.back());
  }
}

bool Window::add(Group& group, std::int64_t time_ns, std::uint64_t value, Firing& firing) {
  if (!group.seen) group.first_ns = group.newest_ns = time_ns;
  group.seen = true;
  newest_ns_ = std::max(newest_ns_, time_ns);
  if (time_ns < group.newest_ns) return late(group, {time_ns, value}, firing);
  return in_order(group, {time_ns, value}, firing);
}

bool Window::in_order(Group& group, const Point& point, Firing& firing) {
  bool fell = false;
  if (by_clock_) fell = falls(group, point.time_ns, firing);
  slide(group, point.time_ns);
  if (group.start == group.points.size()) {
    if (!by_clock_) group.holds = false;
    if (!fell) group.evidence.clear();
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
  if (group.evidence.size() >= wanted) group.evidence.erase(group.evidence.begin());
  group.evidence.push_back(first_document_ + documents_.size());
  // One that is too long keeps its number, and shows nothing.
  documents_.emplace_back(document.size() <= options_.evidence_document_bytes_max ? document : std::string_view());
  document_bytes_ += documents_.back().size() + sizeof(std::string);
  while (document_bytes_ > options_.evidence_bytes_max) {
    document_bytes_ -= documents_.front().size() + sizeof(std::string);
    documents_.pop_front();
    ++first_document_;
  }
}

std::vector<std::string> Window::evidence(const Group& group, std::uint64_t count) {
  std::vector<std::string> documents;
  const std::size_t shown = std::min<std::size_t>(group.evidence.size(), std::max<std::uint64_t>(1, count));
  for (std::size_t i = group.evidence.size() - shown; i < group.evidence.size(); ++i) {
    const std::uint64_t number = group.evidence[i];
    if (number < first_document_ || documents_[number - first_document_].empty()) {
      ++counters_.evidence_dropped;
    } else {
      documents.push_back(documents_[number - first_document_]);
    }
  }
  return documents;
}

}  // namespace tapewatch

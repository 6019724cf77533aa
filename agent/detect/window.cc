// SPDX-License-Identifier: Apache-2.0
#include "detect/window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t gone_points_min = 64;  // fewer are not worth moving the others
constexpr std::size_t all = SIZE_MAX;        // no point is left out
constexpr std::size_t document_cost = 32;    // of one that is kept, beside its text

bool before(const Window::Point& point, std::int64_t time_ns) { return point.time_ns < time_ns; }

}  // namespace

Window::Window(const CorrelationRule& rule, Options options)
    : rule_(rule),
      options_(std::move(options)),
      by_clock_(rule.waits || rule.adaptive ||
                (rule.nodes.empty() && rule.type < CorrelationType::ratio && rule.type != CorrelationType::value_avg &&
                 rule.type != CorrelationType::value_percentile && rule.type != CorrelationType::value_median &&
                 rule.holds(0))),
      keep_ns_(rule.lasts() ? std::max<std::int64_t>(0, rule.head.alert.keep_firing_ns) : 0) {
  CHECK(options_.groups_max > 0 && options_.points_max > 0);
}

Window::Group& Window::group(const std::string& key) {
  if (const auto known = groups_.find(key); known != groups_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second.place);
    return known->second;
  }
  if (groups_.size() >= options_.groups_kept) let_go_of_quiet();
  if (groups_.size() >= (rule_.adaptive ? options_.series_max : options_.groups_max)) {
    erase(recent_.back()->first);
    ++counters_.groups_evicted;
  }
  const auto added = groups_.try_emplace(key).first;
  recent_.push_front(&*added);
  added->second.place = recent_.begin();
  return added->second;
}

void Window::erase(const std::string& key) {
  const auto group = groups_.find(key);
  CHECK(group != groups_.end());
  if (group->second.course) {
    end(group->second, newest_ns_);
    watched_.erase(&group->second);
  }
  recent_.erase(group->second.place);
  groups_.erase(group);
}

// It has been silent for so long that it is no group any more: what it told is over.
void Window::forget(Group& group) {
  if (group.course) {
    end(group, group.heard_ns + rule_.forget_ns);
    watched_.erase(&group);
    group.course.reset();
  }
  group.points.clear();
  group.head = group.start = 0;
  group.aggregate.reset();
  group.evidence.clear();
  group.seen = group.holds = false;
}

void Window::forget_silent(std::int64_t now_ns) {
  while (!recent_.empty()) {
    Group& group = recent_.back()->second;
    if (now_ns - group.heard_ns <= rule_.forget_ns) return;
    forget(group);
    erase(recent_.back()->first);
  }
}

// One new group makes room by up to two old ones, so that a flood of groups shrinks again.
void Window::let_go_of_quiet() {
  for (int i = 0; i < 2 && !recent_.empty(); ++i) {
    const Group& group = recent_.back()->second;
    const bool empty = group.newest_ns < newest_ns_ - rule_.timespan_ns - options_.lateness_ns;
    const bool pending = rule_.adaptive ? true  // what it learned
                         : rule_.waits  ? group.head < group.points.size()
                                        : by_clock_ && !group.holds;
    if (!empty || group.course || pending) return;
    erase(recent_.back()->first);
  }
}

bool Window::add(Group& group, std::int64_t time_ns, std::uint64_t value, Firing& firing) {
  if (!count(group, time_ns, value, firing)) return false;
  if (rule_.lasts()) firing.started_ns = group.course->started_ns();
  firing.time_ns = group.course->told_ns();
  return true;
}

bool Window::count(Group& group, std::int64_t time_ns, std::uint64_t value, Firing& firing) {
  if (rule_.forget_ns > 0) {
    if (group.seen && time_ns - group.heard_ns > rule_.forget_ns) forget(group);
    group.heard_ns = group.seen ? std::max(group.heard_ns, time_ns) : time_ns;
  }
  if (!group.seen) group.first_ns = group.newest_ns = time_ns;
  group.seen = true;
  newest_ns_ = std::max(newest_ns_, time_ns);
  first_ns_ = std::min(first_ns_, time_ns);
  if (rule_.type == CorrelationType::new_value) return is_new(group, {time_ns, value}, firing);
  if (rule_.type == CorrelationType::change) return changes(group, {time_ns, value}, firing);
  if (rule_.adaptive) {
    enter_step(group, {time_ns, value});
    return false;
  }
  if (rule_.waits) {
    wait(group, {time_ns, value});
    return false;
  }
  if (time_ns < group.newest_ns) return late(group, {time_ns, value}, firing);
  return in_order(group, {time_ns, value}, firing);
}

// A group that is not remembered, once the time to learn has passed.
bool Window::is_new(Group& group, const Point& point, Firing& firing) {
  const bool forgotten = group.holds && point.time_ns - group.newest_ns > rule_.timespan_ns;
  const bool known = group.holds && !forgotten;
  group.newest_ns = std::max(group.newest_ns, point.time_ns);
  group.holds = true;
  if (known || point.time_ns - first_ns_ < rule_.timespan_ns || !active(point.time_ns)) return false;
  firing = firing_of(1, 1, point.time_ns, point.time_ns);
  return course_of(group).pulse(point.time_ns, rule_.head.alert);
}

// The last value is the one point of the group. A late event changes nothing.
bool Window::changes(Group& group, const Point& point, Firing& firing) {
  if (group.points.empty()) {
    group.points.push_back(point);
    return false;
  }
  Point& last = group.points.front();
  if (point.time_ns < last.time_ns) {
    ++counters_.late_events;
    return false;
  }
  const bool differs = point.value != last.value && point.time_ns - last.time_ns <= rule_.timespan_ns;
  firing = firing_of(1, 1, point.time_ns, point.time_ns);
  last = point;
  group.newest_ns = point.time_ns;
  return differs && active(point.time_ns) && course_of(group).pulse(point.time_ns, rule_.head.alert);
}

bool Window::in_order(Group& group, const Point& point, Firing& firing) {
  bool fell = false;
  if (by_clock_) fell = falls(group, point.time_ns, firing);
  const std::int64_t empty_ns = group.points.empty() ? 0 : group.points.back().time_ns + rule_.timespan_ns;
  slide(group, point.time_ns);
  if (group.start == group.points.size()) {
    if (!by_clock_ && group.holds) turn_false(group, empty_ns);
    if (!fell) group.evidence.clear();
  }
  insert(group, point);
  const double now = measure(group);
  const bool seen_whole = !by_clock_ || point.time_ns - group.first_ns >= rule_.timespan_ns;
  const std::int64_t started_ns = group.points[group.start].time_ns;
  const bool rises = due(group, seen_whole && rule_.holds(now), point.time_ns, started_ns);
  if (rises && !fell) {
    firing = firing_of(now, group.points.size() - group.start, started_ns, point.time_ns);
  }
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
  if (rule_.type == CorrelationType::temporal_ordered) refill(group);
  if (by_clock_) return false;
  bool fires = false;
  const auto begin = group.points.begin() + static_cast<std::ptrdiff_t>(group.head);
  auto end = std::lower_bound(begin, group.points.end(), point.time_ns, before);
  const auto same = [&](const Point& p) { return p.time_ns == point.time_ns && p.value == point.value; };
  const auto place = static_cast<std::size_t>(std::find_if(end, group.points.end(), same) - group.points.begin());
  for (; end != group.points.end() && end->time_ns <= point.time_ns + rule_.timespan_ns && !fires; ++end) {
    if (group.holds) break;
    const auto start = std::lower_bound(begin, end, end->time_ns - rule_.timespan_ns, before);
    const auto from = static_cast<std::size_t>(start - group.points.begin());
    const std::size_t to = static_cast<std::size_t>(end - group.points.begin()) + 1;
    const double now = measure_between(group, from, to, all);
    if (!rule_.holds(now) || (to - from > 1 && rule_.holds(measure_between(group, from, to, place)))) continue;
    fires = due(group, true, end->time_ns, start->time_ns);
    firing = firing_of(now, to - from, start->time_ns, end->time_ns);
  }
  if (const bool holds = rule_.holds(measure(group)); holds || group.holds) {
    if (!holds) turn_false(group, fires ? firing.time_ns : group.newest_ns);
    group.holds = holds;
  }
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
    const auto from = static_cast<std::size_t>(gone - group.points.begin()) + 1;
    const double left = measure_between(group, from, group.points.size(), all);
    if (!rule_.holds(left)) continue;
    firing = firing_of(left, group.points.size() - from, gone->time_ns, moment);
    const std::int64_t started_ns = gone->time_ns;
    slide(group, moment + 1);
    return due(group, true, moment, started_ns);
  }
  return false;
}

bool Window::active(std::int64_t time_ns) const {
  const auto& hours = rule_.head.alert.active;
  // A condition that waiting makes true needs its whole time span in those hours: before them nothing was to come.
  return hours == nullptr || (hours->at(time_ns) && (!by_clock_ || hours->at(time_ns - rule_.timespan_ns)));
}

AlertCourse& Window::course_of(Group& group) {
  if (!group.course) {
    group.course = std::make_unique<AlertCourse>();
    watched_.insert(&group);
  }
  return *group.course;
}

bool Window::due(Group& group, bool holds, std::int64_t time_ns, std::int64_t started_ns) {
  group.holds = holds;
  if (!holds && !group.course) return false;
  AlertCourse& course = course_of(group);
  course.looked_ns = std::max(course.looked_ns, time_ns);
  if (course.over_ns(keep_ns_) < time_ns) end(group, course.over_ns(keep_ns_));
  const std::uint64_t held_back = course.held_back();
  const bool told = course.look(holds && active(time_ns), time_ns, started_ns, rule_.head.alert);
  counters_.alerts_held_back += course.held_back() - held_back;
  if (!holds && course.over_ns(keep_ns_) <= time_ns) end(group, course.over_ns(keep_ns_));
  return told;
}

void Window::turn_false(Group& group, std::int64_t time_ns) {
  group.holds = false;
  if (!group.course) return;
  (void)group.course->look(false, time_ns, time_ns, rule_.head.alert);
  if (!rule_.lasts()) end(group, time_ns);
}

void Window::end(Group& group, std::int64_t time_ns) {
  const bool firing = group.course->phase() == AlertCourse::Phase::firing;
  if (group.course->close() && firing && rule_.lasts()) ends_.push_back({group.course->id, time_ns});
}

// Just behind the last moment of the newest window that has its first event; of a spike also of the last window that
// has an event at all.
std::int64_t Window::next_leave(const Group& group) const {
  if (group.start == group.points.size()) return INT64_MAX;
  const std::int64_t leave = group.points[group.start].time_ns + rule_.timespan_ns;
  if (rule_.type != CorrelationType::spike) return leave;
  return std::min(leave, group.points.back().time_ns + rule_.recent_ns);
}

// The first moment before `now_ns` at which the hours of the rule begin or end while its condition holds.
std::int64_t Window::change_of_hours(const Group& group, std::int64_t now_ns) const {
  const auto& hours = rule_.head.alert.active;
  if (hours == nullptr || !group.holds || rule_.adaptive) return INT64_MAX;
  const std::int64_t from_ns = group.course->looked_ns;
  const std::int64_t change = hours->next_change(from_ns, now_ns - 1);
  if (!by_clock_) return change;
  const std::int64_t whole = hours->next_change(from_ns - rule_.timespan_ns, now_ns - 1 - rule_.timespan_ns);
  return std::min(change, whole == INT64_MAX ? whole : whole + rule_.timespan_ns);
}

bool Window::pass(Group& group, std::int64_t now_ns, Firing& firing) {
  if (!group.course) return false;
  AlertCourse& course = *group.course;
  const AlertOptions& options = rule_.head.alert;
  if (rule_.forget_ns > 0) now_ns = std::min(now_ns, group.heard_ns + rule_.forget_ns);
  // The steps of a rule that learns say when its condition holds.
  const bool by_steps = rule_.adaptive != std::nullopt;
  const auto due_ns = [&] { return by_steps ? INT64_MAX : course.due_ns(options); };
  const auto again_ns = [&] { return by_clock_ && rule_.lasts() && !by_steps ? course.again_ns() : INT64_MAX; };
  for (;;) {
    const bool slides = group.holds && rule_.lasts() && !by_steps;
    const std::int64_t leave = slides ? next_leave(group) : INT64_MAX;
    const std::int64_t hours = change_of_hours(group, now_ns);
    const std::int64_t moment = std::min({leave, hours, due_ns(), again_ns(), course.over_ns(keep_ns_)});
    if (moment >= now_ns) break;
    if (course.over_ns(keep_ns_) == moment) {
      end(group, moment);
    } else if (leave == moment) {
      slide(group, moment + 1);
      const bool spent =
          rule_.type == CorrelationType::spike && group.points.back().time_ns + rule_.recent_ns == moment;
      const bool empty = group.start == group.points.size() && !by_clock_;
      if (spent || empty || !rule_.holds(measure(group))) turn_false(group, moment);
    } else {
      const std::int64_t started_ns = group.start < group.points.size() ? group.points[group.start].time_ns : moment;
      if (!due(group, group.holds, moment, started_ns)) continue;
      firing = firing_of(measure(group), group.points.size() - group.start, course.started_ns(), course.told_ns());
      return true;
    }
  }
  course.looked_ns = std::max(course.looked_ns, now_ns - 1);
  if (!group.holds && course.idle(now_ns)) {
    watched_.erase(&group);
    group.course.reset();
  }
  return false;
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

void Window::enter(Group& group, const Point& point) {
  if (rule_.type == CorrelationType::event_count || rule_.type == CorrelationType::spike) return;
  if (!group.aggregate) group.aggregate = std::make_unique<Aggregate>(rule_);
  group.aggregate->enter(point);
}

void Window::leave(Group& group, const Point& point) {
  if (!group.aggregate) return;
  group.aggregate->leave(point);
  if (group.start == group.points.size()) group.aggregate->clear();  // sums begin anew, without what rounding left
}

void Window::refill(Group& group) {
  group.aggregate->clear();
  for (std::size_t i = group.start; i < group.points.size(); ++i) group.aggregate->enter(group.points[i]);
}

// Keeps the event until its window has passed. Here `head` is the event whose window is next to be looked at, and the
// aggregate holds those from there to `start`, as far as they are in that window.
void Window::wait(Group& group, const Point& point) {
  if (point.time_ns < newest_ns_ - options_.lateness_ns) {
    ++counters_.late_events;
    return;
  }
  const auto behind = [](std::int64_t time_ns, const Point& p) { return time_ns < p.time_ns; };
  const auto at = std::upper_bound(group.points.begin() + static_cast<std::ptrdiff_t>(group.head), group.points.end(),
                                   point.time_ns, behind);
  const auto index = static_cast<std::size_t>(at - group.points.begin());
  group.points.insert(at, point);
  group.newest_ns = std::max(group.newest_ns, point.time_ns);
  if (index < group.start) {
    enter(group, point);
    ++group.start;
  }
  if (group.points.size() - group.head <= options_.points_max) return;
  ++counters_.points_dropped;
  if (group.head < group.start) {
    group.aggregate->leave(group.points[group.head]);
  } else {
    ++group.start;
  }
  ++group.head;
}

bool Window::waited_out(Group& group, std::int64_t now_ns, Firing& firing) {
  bool fires = false;
  while (!fires && group.head < group.points.size()) {
    const Point first = group.points[group.head];
    const std::int64_t end_ns = first.time_ns + rule_.timespan_ns;
    if (end_ns >= now_ns) break;
    for (; group.start < group.points.size() && group.points[group.start].time_ns <= end_ns; ++group.start) {
      enter(group, group.points[group.start]);
    }
    const std::size_t points = group.start - group.head;
    const bool holds = rule_.holds(group.aggregate->measure(points, first.time_ns));
    fires = due(group, holds, end_ns, first.time_ns);
    if (fires) firing = firing_of(1, points, first.time_ns, end_ns);
    // Events of one moment have one window, whatever their order.
    for (; group.head < group.start && group.points[group.head].time_ns == first.time_ns; ++group.head)
      group.aggregate->leave(group.points[group.head]);
    // Nothing follows within this window: the next event is another story.
    if (group.head == group.start && group.holds) turn_false(group, end_ns);
  }
  if (group.head >= gone_points_min && group.head * 2 > group.points.size()) {
    group.points.erase(group.points.begin(), group.points.begin() + static_cast<std::ptrdiff_t>(group.head));
    group.start -= group.head;
    group.head = 0;
  }
  return fires;
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
  if (rule_.type == CorrelationType::spike && rule_.has_parts()) number_parts(group, index);
  if (!in_window && index <= group.start) ++group.start;
  if (in_window) enter(group, point);
  if (group.points.size() - group.head <= options_.points_max) return;
  ++counters_.points_dropped;
  if (group.head == group.start) leave(group, group.points[group.start++]);
  ++group.head;
}

// Of a spike of shares a point's value is twice the number of parts up to it, and one more if it is a part itself: so
// those between two points need not be counted. The new point at `index` has 1 for a part as yet.
void Window::number_parts(Group& group, std::size_t index) const {
  std::vector<Point>& points = group.points;
  const std::uint64_t part = points[index].value;
  std::uint64_t before = 0;
  if (index > 0) {
    before = points[index - 1].value / 2;
  } else if (points.size() > 1) {
    before = points[1].value / 2 - points[1].value % 2;
  }
  points[index].value = 2 * (before + part) + part;
  for (std::size_t i = index + 1; i < points.size(); ++i) points[i].value += 2 * part;
}

double Window::parts_between(const Group& group, std::size_t begin, std::size_t end) {
  if (begin >= end) return 0;
  const std::uint64_t first = group.points[begin].value;
  const std::uint64_t parts = group.points[end - 1].value / 2 - first / 2 + first % 2;
  return static_cast<double>(parts);
}

// The rate of the window over the rate of the time before it; or the share over the share.
double Window::spike_between(const Group& group, std::size_t begin, std::size_t end) const {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  if (begin >= end) return nothing;
  const auto from = group.points.begin();
  const auto last = from + static_cast<std::ptrdiff_t>(end);
  const auto first = from + static_cast<std::ptrdiff_t>(begin);
  const std::int64_t end_ns = (last - 1)->time_ns;
  const auto split = std::lower_bound(first, last, end_ns - rule_.recent_ns, before);
  const auto past_end = std::lower_bound(first, split, end_ns - rule_.timespan_ns + rule_.before_ns, before);
  const auto now = static_cast<double>(last - split);
  const auto past = static_cast<double>(past_end - first);
  if (now < static_cast<double>(rule_.points_min) || past < static_cast<double>(rule_.before_min)) return nothing;
  if (rule_.has_parts()) {
    const double share_now = parts_between(group, static_cast<std::size_t>(split - from), end) / now;
    const double share_past =
        past == 0 ? 0 : parts_between(group, begin, static_cast<std::size_t>(past_end - from)) / past;
    if (share_past == 0) return share_now > 0 ? std::numeric_limits<double>::infinity() : nothing;
    return share_now / share_past;
  }
  if (past == 0) return now > 0 ? std::numeric_limits<double>::infinity() : nothing;
  return now / static_cast<double>(rule_.recent_ns) * static_cast<double>(rule_.before_ns) / past;
}

double Window::measure(const Group& group) const {
  const std::size_t points = group.points.size() - group.start;
  if (points < rule_.head.alert.samples_min) return std::numeric_limits<double>::quiet_NaN();
  if (rule_.type == CorrelationType::spike) return spike_between(group, group.start, group.points.size());
  if (!group.aggregate) return static_cast<double>(points);
  return group.aggregate->measure(points, group.newest_ns - rule_.timespan_ns);
}

double Window::measure_between(const Group& group, std::size_t begin, std::size_t end, std::size_t without) const {
  if (rule_.type == CorrelationType::spike) return spike_between(group, begin, end);
  const bool leaves_out = without >= begin && without < end;
  const std::size_t points = end - begin - (leaves_out ? 1 : 0);
  if (points < rule_.head.alert.samples_min) return std::numeric_limits<double>::quiet_NaN();
  if (rule_.type == CorrelationType::event_count) return static_cast<double>(points);
  Aggregate aggregate(rule_);
  for (std::size_t i = begin; i < end; ++i) {
    if (i != without) aggregate.enter(group.points[i]);
  }
  return aggregate.measure(points, begin < end ? group.points[begin].time_ns : 0);
}

Window::Firing Window::firing_of(double measure, std::size_t points, std::int64_t started_ns,
                                 std::int64_t time_ns) const {
  const bool counts = !rule_.measures() && rule_.nodes.empty();
  return {counts ? static_cast<std::uint64_t>(measure) : points, measure, started_ns, time_ns, std::nullopt};
}

void Window::keep(Group& group, std::string_view document) {
  const std::size_t wanted = rule_.head.alert.evidence;
  if (wanted == 0 || document.empty()) return;
  if (group.evidence.size() >= wanted) group.evidence.erase(group.evidence.begin());
  group.evidence.push_back(first_document_ + documents_.size());
  // One that is too long keeps its number, and shows nothing.
  const bool fits = document.size() <= options_.evidence_document_bytes_max;
  documents_.push_back({std::string(fits ? document : std::string_view()), document_cost});
  documents_.back().bytes += documents_.back().text.size();
  document_bytes_ += documents_.back().bytes;
  while (document_bytes_ > options_.evidence_bytes_max) {
    document_bytes_ -= documents_.front().bytes;
    documents_.pop_front();
    ++first_document_;
  }
}

std::vector<std::string> Window::evidence(const Group& group, std::uint64_t count) {
  std::vector<std::string> documents;
  const std::size_t shown = std::min<std::size_t>(group.evidence.size(), std::max<std::uint64_t>(1, count));
  for (std::size_t i = group.evidence.size() - shown; i < group.evidence.size(); ++i) {
    const std::uint64_t number = group.evidence[i];
    if (number < first_document_ || documents_[number - first_document_].text.empty()) {
      ++counters_.evidence_dropped;
    } else {
      documents.push_back(documents_[number - first_document_].text);
    }
  }
  return documents;
}

}  // namespace tapewatch

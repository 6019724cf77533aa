// SPDX-License-Identifier: Apache-2.0
// The steps of rules that learn. The events of steps that are open stand in `points`, in the order of time; where they
// are only counted one point is a whole step, and its value the count.
#include <algorithm>

#include "base/clock.h"
#include "detect/window.h"

namespace tapewatch {
namespace {

constexpr std::int64_t empty_steps_max = 1'000;  // as many at once are looked at one by one; a longer gap is skipped

std::int64_t step_of(std::int64_t time_ns, std::int64_t step_ns) {
  const std::int64_t into = time_ns % step_ns;
  return time_ns - (into < 0 ? into + step_ns : into);
}

// What counts has something to say of an empty step, too.
bool none_is_zero(const CorrelationRule& rule) {
  return rule.type == CorrelationType::event_count || rule.type == CorrelationType::value_count;
}

}  // namespace

bool Window::turns(Group& group, std::int64_t now_ns, Firing& firing) {
  if (rule_.adaptive) return close_steps(group, now_ns, firing);
  return rule_.waits ? waited_out(group, now_ns, firing) : falls(group, now_ns, firing);
}

void Window::enter_step(Group& group, const Point& point) {
  if (!group.surprise) {
    group.surprise = std::make_unique<Surprise>(rule_.adaptive->surprise);
    group.step_ns = step_of(point.time_ns, rule_.timespan_ns);
  }
  if (point.time_ns < group.step_ns) {
    ++counters_.late_events;
    return;
  }
  const bool counts = rule_.type == CorrelationType::event_count;
  const Point entered = counts ? Point{step_of(point.time_ns, rule_.timespan_ns), 1} : point;
  const auto behind = [](std::int64_t time_ns, const Point& p) { return time_ns < p.time_ns; };
  const auto at = std::upper_bound(group.points.begin(), group.points.end(), entered.time_ns, behind);
  group.newest_ns = std::max(group.newest_ns, point.time_ns);
  if (counts && at != group.points.begin() && std::prev(at)->time_ns == entered.time_ns) {
    ++std::prev(at)->value;
    return;
  }
  if (group.points.size() >= options_.points_max) {
    ++counters_.points_dropped;
    return;
  }
  group.points.insert(at, entered);
}

// Closes steps up to the first that is an alarm.
bool Window::close_steps(Group& group, std::int64_t now_ns, Firing& firing) {
  if (!group.surprise) return false;
  while (group.step_ns + rule_.timespan_ns <= now_ns) {
    const std::int64_t next_ns = group.points.empty() ? now_ns : std::min(now_ns, group.points.front().time_ns);
    const std::int64_t empty = (step_of(next_ns, rule_.timespan_ns) - group.step_ns) / rule_.timespan_ns;
    if (empty > (none_is_zero(rule_) ? empty_steps_max : 0)) {  // nothing to measure, or a gap that says nothing
      group.step_ns = step_of(next_ns, rule_.timespan_ns);
      continue;
    }
    if (close_step(group, firing)) return true;
  }
  return false;
}

bool Window::close_step(Group& group, Firing& firing) {
  const AdaptiveOptions& adaptive = *rule_.adaptive;
  const std::int64_t begin_ns = group.step_ns;
  group.step_ns += rule_.timespan_ns;
  const auto end = std::lower_bound(group.points.begin(), group.points.end(), group.step_ns,
                                    [](const Point& point, std::int64_t time_ns) { return point.time_ns < time_ns; });
  Aggregate aggregate(rule_);
  std::for_each(group.points.begin(), end, [&](const Point& point) { aggregate.enter(point); });
  const auto entered = static_cast<std::uint64_t>(end - group.points.begin());
  const bool counts = rule_.type == CorrelationType::event_count;
  const std::uint64_t points = counts && entered > 0 ? group.points.front().value : entered;
  group.points.erase(group.points.begin(), end);
  if (!none_is_zero(rule_) && points < rule_.points_min) return false;
  double value = points == 0 ? 0 : aggregate.measure(points, begin_ns);
  if (adaptive.per_second) value /= static_cast<double>(rule_.timespan_ns) / static_cast<double>(ns_per_second);
  const Surprise::Verdict verdict = group.surprise->see(begin_ns, value);
  if (options_.on_step) options_.on_step({rule_, group.shown, begin_ns, value, verdict});
  const bool warm = begin_ns - group.first_ns >= adaptive.warm_up_ns;
  // An alarm goes on until the value is back between its bounds.
  const bool outside = value < verdict.lower || value > verdict.upper;
  const bool holds = warm && (verdict.alarm || (group.holds && outside));
  if (!due(group, holds, group.step_ns, begin_ns)) return false;
  firing = {points, value, group.course->started_ns(), group.course->told_ns(), verdict};
  return true;
}

}  // namespace tapewatch

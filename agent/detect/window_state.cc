// SPDX-License-Identifier: Apache-2.0
// A window saved and read again, so that it goes on as if nothing had been: the groups with their points, courses and
// what they learned, in the order of their last use; where the clock walks over them also in that order. Points that
// are gone and documents that no group shows are left out, but for what the latter count for.
#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "detect/window.h"

namespace tapewatch {
namespace {

constexpr std::size_t group_bytes_least = 5;
constexpr std::size_t buckets_spare = 1024;

// Its points hold hashes or the bits of numbers, not small numbers.
bool has_wide_values(const CorrelationRule& rule) {
  return !rule.is_temporal() && rule.type != CorrelationType::event_count && rule.type != CorrelationType::spike;
}

enum GroupFlag : unsigned { seen_flag = 1, holds_flag = 2, course_flag = 4, surprise_flag = 8, aggregate_flag = 16 };

}  // namespace

void Window::save(StateWriter& out) {
  out.time(newest_ns_, 0);
  out.flag(first_ns_ != INT64_MAX);
  if (first_ns_ != INT64_MAX) out.time(first_ns_, newest_ns_);
  for (const std::uint64_t count : {counters_.groups_evicted, counters_.points_dropped, counters_.late_events,
                                    counters_.evidence_dropped, counters_.alerts_held_back})
    out.number(count);
  save_documents(out);
  out.number(recent_.size());
  std::uint32_t rank = 0;
  for (auto* entry : recent_) {
    save_group(out, entry->first, entry->second);
    entry->second.rank = rank++;
  }
  if (!by_clock_) return;
  out.number(groups_.bucket_count());
  for (const auto& [key, group] : groups_) out.number(group.rank);
}

void Window::save_documents(StateWriter& out) const {
  std::vector<bool> shown(documents_.size());
  for (const auto* entry : recent_) {
    for (const std::uint64_t number : entry->second.evidence) {
      if (number >= first_document_) shown[number - first_document_] = true;
    }
  }
  out.number(first_document_);
  out.number(documents_.size());
  for (std::size_t i = 0; i < documents_.size(); ++i) {
    out.number(documents_[i].bytes);
    out.text(shown[i] ? std::string_view(documents_[i].text) : std::string_view());
  }
}

void Window::save_group(StateWriter& out, const std::string& key, const Group& group) const {
  out.text(key);
  out.byte(static_cast<std::uint8_t>((group.seen ? seen_flag : 0u) | (group.holds ? holds_flag : 0u) |
                                     (group.course ? course_flag : 0u) | (group.surprise ? surprise_flag : 0u) |
                                     (group.aggregate ? aggregate_flag : 0u)));
  if (group.seen) {
    out.time(group.newest_ns, newest_ns_);
    out.time(group.first_ns, group.newest_ns);
    if (rule_.forget_ns > 0) out.time(group.heard_ns, group.newest_ns);
  }
  const bool wide = has_wide_values(rule_);
  out.number(group.points.size() - group.head);
  out.number(group.start - std::min(group.head, group.start));
  std::int64_t before_ns = group.newest_ns;
  for (std::size_t i = group.head; i < group.points.size(); ++i) {
    const Point& point = group.points[i];
    out.time(point.time_ns, before_ns);
    before_ns = point.time_ns;
    wide ? out.word(point.value) : out.number(point.value);
  }
  if (group.aggregate) group.aggregate->save(out);
  if (group.surprise) {
    out.time(group.step_ns, group.newest_ns);
    group.surprise->save(out);
  }
  if (group.course) group.course->save(out, group.newest_ns);
  out.number(group.evidence.size());
  const std::uint64_t next_document = first_document_ + documents_.size();
  for (const std::uint64_t number : group.evidence) out.number(next_document - number);
  out.pairs(group.shown);
}

void Window::load(StateReader& in) {
  CHECK(groups_.empty());
  newest_ns_ = in.time(0);
  if (in.flag()) first_ns_ = in.time(newest_ns_);
  for (std::uint64_t* count : {&counters_.groups_evicted, &counters_.points_dropped, &counters_.late_events,
                               &counters_.evidence_dropped, &counters_.alerts_held_back})
    *count = in.number();
  load_documents(in);
  std::vector<std::pair<std::string, Group>> groups(in.count(group_bytes_least));
  if (groups.size() > std::max(options_.groups_max, options_.series_max)) in.fail();
  for (auto& [key, group] : groups) {
    if (in.failed()) return;
    key = in.text();
    load_group(in, group);
  }
  const std::vector<std::uint32_t> order = load_order(in, groups.size());
  if (!in.failed() && !take_over(std::move(groups), order)) in.fail();
}

void Window::load_documents(StateReader& in) {
  first_document_ = in.number_to(UINT64_MAX / 2);
  const std::size_t count = in.count(2);
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    Document document;
    document.bytes = in.number_to(options_.evidence_bytes_max);
    document.text = in.text();
    document_bytes_ += document.bytes;
    documents_.push_back(std::move(document));
  }
  if (document_bytes_ > options_.evidence_bytes_max) in.fail();
}

void Window::load_group(StateReader& in, Group& group) const {
  const std::uint8_t flags = in.byte();
  if (flags >= 2 * aggregate_flag) in.fail();
  group.seen = (flags & seen_flag) != 0;
  group.holds = (flags & holds_flag) != 0;
  if (group.seen) {
    group.newest_ns = in.time(newest_ns_);
    group.first_ns = in.time(group.newest_ns);
    if (rule_.forget_ns > 0) group.heard_ns = in.time(group.newest_ns);
  }
  load_points(in, group);
  if (in.failed()) return;
  if ((flags & aggregate_flag) != 0) {
    group.aggregate = std::make_unique<Aggregate>(rule_);
    const std::size_t begin = rule_.waits ? 0 : group.start;
    const std::size_t end = rule_.waits ? group.start : group.points.size();
    for (std::size_t i = begin; i < end; ++i) group.aggregate->enter(group.points[i]);
    group.aggregate->load(in);
  } else if (rule_.waits && group.start > 0) {
    in.fail();
  }
  if ((flags & surprise_flag) != 0) {
    if (!rule_.adaptive) return in.fail();
    group.step_ns = in.time(group.newest_ns);
    group.surprise = std::make_unique<Surprise>(rule_.adaptive->surprise);
    group.surprise->load(in);
  }
  if ((flags & course_flag) != 0) {
    group.course = std::make_unique<AlertCourse>();
    group.course->load(in, group.newest_ns, rule_.head.alert);
  }
  group.evidence.resize(in.count(1));
  const std::uint64_t next_document = first_document_ + documents_.size();
  for (std::uint64_t& number : group.evidence) {
    const std::uint64_t back = in.number_to(next_document);
    if (back == 0) in.fail();
    number = next_document - back;
  }
  group.shown = in.pairs();
}

void Window::load_points(StateReader& in, Group& group) const {
  const bool wide = has_wide_values(rule_);
  const std::size_t count = in.count(wide ? 9 : 2);
  group.start = in.number_to(count);
  if (count > options_.points_max + 1) in.fail();
  if (in.failed()) return;
  group.points.reserve(count);
  std::int64_t before_ns = group.newest_ns;
  for (std::size_t i = 0; i < count; ++i) {
    Point point;
    point.time_ns = in.time(before_ns);
    if (i > 0 && point.time_ns < before_ns) in.fail();
    before_ns = point.time_ns;
    point.value = wide ? in.word() : in.number();
    if (rule_.is_temporal() && point.value >= rule_.rules.size()) in.fail();
    if (rule_.takes_number() && !std::isfinite(std::bit_cast<double>(point.value))) in.fail();
    if (in.failed()) return;
    group.points.push_back(point);
  }
}

std::vector<std::uint32_t> Window::load_order(StateReader& in, std::size_t groups) {
  std::vector<std::uint32_t> order(groups);
  if (!by_clock_) {
    for (std::size_t i = 0; i < groups; ++i) order[i] = static_cast<std::uint32_t>(i);
    return order;
  }
  // As many buckets, filled from the back, put them into the same order again.
  const std::uint64_t buckets = in.number_to(4 * (options_.groups_max + options_.series_max) + buckets_spare);
  std::vector<bool> known(groups);
  for (std::uint32_t& place : order) {
    place = static_cast<std::uint32_t>(in.number_to(groups - 1));
    if (in.failed() || known[place]) {
      in.fail();
      return order;
    }
    known[place] = true;
  }
  if (buckets > groups_.bucket_count()) groups_.rehash(buckets);
  return order;
}

bool Window::take_over(std::vector<std::pair<std::string, Group>> groups, const std::vector<std::uint32_t>& order) {
  std::vector<std::pair<const std::string, Group>*> entries(groups.size());
  for (auto place = order.rbegin(); place != order.rend(); ++place) {
    auto& [key, group] = groups[*place];
    entries[*place] = &*groups_.try_emplace(std::move(key), std::move(group)).first;
  }
  if (groups_.size() != groups.size()) return false;
  for (auto* entry : entries) {
    Group& group = entry->second;
    group.place = recent_.insert(recent_.end(), entry);
    if (group.course) watched_.insert(&group);
  }
  return true;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/active_hours.h"

#include <algorithm>

#include "base/clock.h"

namespace tapewatch {
namespace {

constexpr std::int64_t minute_ns = 60 * ns_per_second;
constexpr std::int64_t week_minutes = 8 * 24 * 60;  // and a day: what holds so long, holds for ever

std::int64_t floor_of(std::int64_t value, std::int64_t unit) { return value / unit - (value % unit < 0 ? 1 : 0); }

}  // namespace

bool ActiveHours::at(std::int64_t time_ns) const {
  const std::int64_t seconds = floor_of(time_ns, ns_per_second);
  const std::int64_t local = seconds + zone.offset_at(seconds);
  const std::int64_t day = floor_of(local, 86'400);
  const auto minute = static_cast<int>((local - day * 86'400) / 60);
  const auto weekday = static_cast<unsigned>(((day + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
  const bool today = (days >> weekday & 1) != 0;
  const bool yesterday = (days >> ((weekday + 6) % 7) & 1) != 0;
  return std::any_of(spans.begin(), spans.end(), [&](const Span& span) {
    if (span.from < span.to) return today && span.from <= minute && minute < span.to;
    return (today && minute >= span.from) || (yesterday && minute < span.to);
  });
}

// Clocks and spans change at whole minutes.
std::int64_t ActiveHours::next_change(std::int64_t from_ns, std::int64_t until_ns) const {
  const bool now = at(from_ns);
  std::int64_t moment = (floor_of(from_ns, minute_ns) + 1) * minute_ns;
  for (std::int64_t i = 0; i < week_minutes && moment <= until_ns; ++i, moment += minute_ns) {
    if (at(moment) != now) return moment;
  }
  return INT64_MAX;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "base/time_zone.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

std::int64_t seconds(const char* time) { return *parse_rfc3339(time) / ns_per_second; }

TEST(TimeZoneTest, FollowsTheChangesOfThePlace) {
  const struct {
    const char* zone;
    const char* time;
    int minutes;
  } cases[] = {
      {"UTC", "2026-07-01T00:00:00Z", 0},
      {"Europe/London", "2026-03-29T00:59:59Z", 0},
      {"Europe/London", "2026-03-29T01:00:00Z", 60},
      {"Europe/London", "2026-10-25T00:59:59Z", 60},
      {"Europe/London", "2026-10-25T01:00:00Z", 0},
      {"America/New_York", "2026-01-05T00:00:00Z", -300},
      {"America/New_York", "2026-07-05T00:00:00Z", -240},
      {"Asia/Tokyo", "2026-07-05T00:00:00Z", 540},
      {"Asia/Kolkata", "2026-07-05T00:00:00Z", 330},
      {"Australia/Sydney", "2026-01-05T00:00:00Z", 660},
      // Behind the last change of the file: by its rule.
      {"Europe/London", "2100-07-01T00:00:00Z", 60},
      {"Europe/London", "2100-12-01T00:00:00Z", 0},
      {"America/New_York", "2100-03-14T06:59:59Z", -300},
      {"America/New_York", "2100-03-14T07:00:00Z", -240},
      {"Australia/Sydney", "2100-01-05T00:00:00Z", 660},
      {"Australia/Sydney", "2100-07-05T00:00:00Z", 600},
  };
  for (const auto& c : cases) {
    const auto zone = TimeZone::load(c.zone);
    ASSERT_TRUE(zone.ok()) << c.zone << ": " << zone.error().message;
    EXPECT_EQ(zone->offset_at(seconds(c.time)), c.minutes * 60) << c.zone << " " << c.time;
  }
}

TEST(TimeZoneTest, NamesAreNoPaths) {
  for (const char* name : {"", "Europe/Lodnon", "../../../etc/passwd", "/etc/passwd", "Europe/..", "a b"}) {
    const auto zone = TimeZone::load(name);
    ASSERT_FALSE(zone.ok()) << name;
    EXPECT_EQ(zone.error().code, Code::not_found) << name;
  }
}

TEST(TimeZoneTest, BrokenDataIsRefused) {
  for (const char* bytes : {"", "TZif2", "not a zone at all, and long enough to hold a header of one"}) {
    EXPECT_FALSE(TimeZone::parse(bytes).ok()) << bytes;
  }
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// ActiveHours: at which times of which days, by the clocks of a place, a rule may alert. Event time is asked. Made by
// the loader, immutable. Thread: any.

#include <cstdint>
#include <vector>

#include "base/time_zone.h"

namespace tapewatch {

struct ActiveHours {
  // In minutes of the day, `to` excluded. One that ends before it begins goes past midnight and belongs to the day on
  // which it begins.
  struct Span {
    int from = 0;
    int to = 24 * 60;
  };
  std::uint8_t days = 0x7F;  // bit 0: Monday
  std::vector<Span> spans = {Span{}};
  TimeZone zone;

  [[nodiscard]] bool at(std::int64_t time_ns) const;
  // The first moment in (from_ns, until_ns] at which at() is another than at `from_ns`; INT64_MAX: there is none.
  [[nodiscard]] std::int64_t next_change(std::int64_t from_ns, std::int64_t until_ns) const;
};

}  // namespace tapewatch

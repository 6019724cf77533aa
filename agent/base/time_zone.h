// SPDX-License-Identifier: Apache-2.0
#pragma once
// TimeZone: how far a place's clocks are from UTC at any moment, read from the system's tzdata (TZif, RFC 8536). Reads
// a file once; never asks the environment or the C library, whose zone belongs to the whole process. Immutable.
// Thread: any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

class TimeZone final {
 public:
  // UTC.
  TimeZone() = default;
  // "Europe/London"; "UTC" needs no file. Code::not_found: there is no such zone.
  [[nodiscard]] static Result<TimeZone> load(const std::string& name,
                                             const std::string& folder = "/usr/share/zoneinfo");
  // The bytes of a TZif file, version 2 or later.
  [[nodiscard]] static Result<TimeZone> parse(std::string_view bytes);

  // Seconds east of UTC at this moment, in seconds since 1970.
  [[nodiscard]] std::int64_t offset_at(std::int64_t seconds) const;

 private:
  struct Change {
    std::int64_t seconds = 0;
    std::int64_t offset = 0;  // from then on
  };
  // The `weekday` (0: Sunday) of a month, the `week`-th or, 5, the last; `seconds` after midnight.
  struct Day {
    int month = 0;
    int week = 0;
    int weekday = 0;
    std::int64_t seconds = 0;
  };
  // What goes on for ever after the last change.
  struct Rule {
    std::int64_t standard = 0;
    std::int64_t summer = 0;
    std::optional<Day> begin;  // none: no summer time
    Day end;
  };
  [[nodiscard]] static std::optional<Rule> parse_rule(std::string_view text);
  [[nodiscard]] static std::int64_t offset_of(const Rule& rule, std::int64_t seconds);

  std::int64_t first_offset_ = 0;  // before all changes
  std::vector<Change> changes_;    // ascending
  std::optional<Rule> rule_;
};

}  // namespace tapewatch

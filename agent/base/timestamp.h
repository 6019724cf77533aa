// SPDX-License-Identifier: Apache-2.0
#pragma once
// Points in time as nanoseconds since 1970-01-01T00:00:00Z, read from and written as RFC 3339. Thread: any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapewatch {

// RFC 3339 with one to nine or more digits of fraction ('.' or ','), 'T' or a space between date and time, 'Z' or an
// offset (also without colon); without an offset the time is taken as UTC. A leap second is the second after it.
// Dates from 1970 to 2261 only. nullopt when it is anything else.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

// An epoch number in seconds, milliseconds, microseconds or nanoseconds, told apart by its size; a fraction is kept.
[[nodiscard]] std::optional<std::int64_t> parse_epoch(std::string_view number);

// "2026-01-05T00:00:00.000144Z": 3, 6 or 9 digits of fraction, as many as the value needs.
[[nodiscard]] std::string format_rfc3339(std::int64_t ns);
// The same into `out`, always 30 bytes with nine digits of fraction. Returns its end.
char* format_rfc3339_nanos(std::int64_t ns, char* out);

struct CivilTime {
  int year, month, day, hour, minute, second;
};
[[nodiscard]] CivilTime civil_from_ns(std::int64_t ns);
[[nodiscard]] std::int64_t days_from_civil(int year, int month, int day);

}  // namespace tapewatch

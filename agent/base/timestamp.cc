// SPDX-License-Identifier: Apache-2.0
#include "base/timestamp.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/clock.h"

namespace tapewatch {
namespace {

constexpr std::int64_t day_seconds = 86'400;

// Reads exactly `n` digits at `p`, or -1.
int digits(const char* p, int n) {
  int value = 0;
  for (int i = 0; i < n; ++i) {
    const int d = p[i] - '0';
    if (d < 0 || d > 9) return -1;
    value = value * 10 + d;
  }
  return value;
}

bool leap_year(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

bool valid_date(int y, int m, int d) {
  static constexpr std::array<int, 13> days = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (y < 1970 || y > 2261 || m < 1 || m > 12 || d < 1) return false;
  return d <= days[static_cast<std::size_t>(m)] + (m == 2 && leap_year(y) ? 1 : 0);
}

// Takes ".123456" off the front; digits past the ninth are cut.
bool take_fraction(std::string_view& rest, std::int64_t& ns) {
  if (rest.empty() || (rest.front() != '.' && rest.front() != ',')) return true;
  std::int64_t value = 0;
  std::size_t i = 1;
  std::size_t used = 0;
  for (; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i) {
    if (used < 9) {
      value = value * 10 + (rest[i] - '0');
      ++used;
    }
  }
  if (used == 0) return false;
  for (; used < 9; ++used) value *= 10;
  ns = value;
  rest.remove_prefix(i);
  return true;
}

// What is left after the seconds: nothing, 'Z', "+hh:mm", "+hhmm" or "+hh". False when it is none of these.
bool take_offset(std::string_view rest, std::int64_t& offset_s) {
  offset_s = 0;
  if (rest.empty() || rest == "Z" || rest == "z") return true;
  if (rest.front() != '+' && rest.front() != '-') return false;
  const int sign = rest.front() == '-' ? -1 : 1;
  rest.remove_prefix(1);
  int minutes = 0;
  if (rest.size() == 5 && rest[2] == ':') {
    minutes = digits(rest.data() + 3, 2);
  } else if (rest.size() == 4) {
    minutes = digits(rest.data() + 2, 2);
  } else if (rest.size() != 2) {
    return false;
  }
  const int hours = digits(rest.data(), 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  offset_s = sign * (hours * 3600 + minutes * 60);
  return true;
}

char* put(char* out, int value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

char* put_seconds(std::int64_t ns, char* out) {
  const CivilTime t = civil_from_ns(ns);
  out = put(out, t.year, 4);
  *out++ = '-';
  out = put(out, t.month, 2);
  *out++ = '-';
  out = put(out, t.day, 2);
  *out++ = 'T';
  out = put(out, t.hour, 2);
  *out++ = ':';
  out = put(out, t.minute, 2);
  *out++ = ':';
  out = put(out, t.second, 2);
  *out++ = '.';
  return out;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and civil_from_days.
std::int64_t days_from_civil(int year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146'097 + doe - 719'468;
}

CivilTime civil_from_ns(std::int64_t ns) {
  const std::int64_t seconds = floor_div(ns, ns_per_second);
  const std::int64_t days = floor_div(seconds, day_seconds);
  const std::int64_t in_day = seconds - days * day_seconds;
  const std::int64_t z = days + 719'468;
  const std::int64_t era = floor_div(z, 146'097);
  const std::int64_t doe = z - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const std::int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  return CivilTime{static_cast<int>(year),
                   static_cast<int>(month),
                   static_cast<int>(doy - (153 * mp + 2) / 5 + 1),
                   static_cast<int>(in_day / 3600),
                   static_cast<int>(in_day / 60 % 60),
                   static_cast<int>(in_day % 60)};
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  if (text.size() < 19) return std::nullopt;
  const char* p = text.data();
  if (p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
    return std::nullopt;
  const int year = digits(p, 4);
  const int month = digits(p + 5, 2);
  const int day = digits(p + 8, 2);
  const int hour = digits(p + 11, 2);
  const int minute = digits(p + 14, 2);
  const int second = digits(p + 17, 2);
  if (!valid_date(year, month, day) || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  std::string_view rest = text.substr(19);
  std::int64_t fraction = 0;
  std::int64_t offset_s = 0;
  if (!take_fraction(rest, fraction) || !take_offset(rest, offset_s)) return std::nullopt;
  const std::int64_t seconds =
      days_from_civil(year, month, day) * day_seconds + hour * 3600 + minute * 60 + second - offset_s;
  if (seconds < 0) return std::nullopt;
  return seconds * ns_per_second + fraction;
}

std::optional<std::int64_t> parse_epoch(std::string_view number) {
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), whole);
  if (error != std::errc() || whole < 0) return std::nullopt;
  std::string_view rest = number.substr(static_cast<std::size_t>(end - number.data()));
  std::int64_t fraction = 0;  // in billionths of the unit
  if (!take_fraction(rest, fraction) || !rest.empty()) return std::nullopt;
  std::int64_t unit_ns = 1;
  if (whole < 100'000'000'000) {  // below the year 5138 in seconds
    unit_ns = ns_per_second;
    if (whole > 9'223'372'035) return std::nullopt;
  } else if (whole < 100'000'000'000'000) {
    unit_ns = ns_per_ms;
    if (whole > 9'223'372'036'853) return std::nullopt;
  } else if (whole < 100'000'000'000'000'000) {
    unit_ns = 1000;
    if (whole > 9'223'372'036'854'774) return std::nullopt;
  }
  return whole * unit_ns + fraction / (ns_per_second / unit_ns);
}

char* format_rfc3339_nanos(std::int64_t ns, char* out) {
  out = put_seconds(ns, out);
  out = put(out, static_cast<int>(ns - floor_div(ns, ns_per_second) * ns_per_second), 9);
  *out++ = 'Z';
  return out;
}

std::string format_rfc3339(std::int64_t ns) {
  std::array<char, 40> text{};
  char* end = format_rfc3339_nanos(ns, text.data()) - 1;
  for (int cut = 0; cut < 2 && end[-1] == '0' && end[-2] == '0' && end[-3] == '0'; ++cut) end -= 3;
  *end++ = 'Z';
  return std::string(text.data(), end);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "enrich/time_reader.h"

#include "base/clock.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

constexpr std::size_t minute_size = 17;
constexpr std::size_t fraction_max = 9;
// Smaller numbers under the name "time" are durations, not years before 2000; larger ones are no times either.
constexpr std::int64_t epoch_from_ns = 946'684'800 * ns_per_second;
constexpr std::int64_t epoch_to_ns = 7'258'118'400 * ns_per_second;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Length of "12" or "12.345" at the start of `text`, whose digits of fraction are counted.
std::size_t seconds_size(std::string_view text, std::size_t& digits) {
  std::size_t end = 2;
  digits = 0;
  if (end >= text.size() || (text[end] != '.' && text[end] != ',')) return end;
  while (++end < text.size() && is_digit(text[end])) ++digits;
  return end;
}

// REQUIRES: parse_rfc3339() takes the text.
bool is_strict_form(std::string_view text) {
  std::size_t digits = 0;
  const std::string_view seconds = text.substr(minute_size);
  const std::string_view zone = seconds.substr(seconds_size(seconds, digits));
  return text[10] == 'T' && seconds.find(',') == std::string_view::npos && digits <= fraction_max && zone != "z" &&
         seconds.substr(0, 2) != "60";
}

}  // namespace

ReadTime TimeReader::read(std::string_view text) {
  ReadTime time;
  if (read_same_minute(text, time)) return time;
  if (const auto ns = parse_rfc3339(text)) {
    time.ns = *ns;
    time.valid = true;
    time.is_strict = is_strict_form(text);
    if (time.is_strict) remember(text);
    return time;
  }
  if (const auto ns = parse_epoch(text); ns && *ns >= epoch_from_ns && *ns < epoch_to_ns) {
    time.ns = *ns;
    time.valid = time.is_epoch = true;
  }
  return time;
}

bool TimeReader::read_same_minute(std::string_view text, ReadTime& time) const {
  if (minute_.empty() || text.size() < minute_size + 2 || text.substr(0, minute_size) != minute_) return false;
  const std::string_view seconds = text.substr(minute_size);
  if (!is_digit(seconds[0]) || seconds[0] > '5' || !is_digit(seconds[1])) return false;
  std::int64_t ns = ((seconds[0] - '0') * 10 + (seconds[1] - '0')) * ns_per_second;
  std::size_t at = 2;
  if (at < seconds.size() && seconds[at] == '.') {
    std::int64_t unit = ns_per_second;
    for (++at; at < seconds.size() && is_digit(seconds[at]); ++at) {
      unit /= 10;
      ns += (seconds[at] - '0') * unit;
    }
    if (unit == ns_per_second || at > 3 + fraction_max) return false;
  }
  if (seconds.substr(at) != zone_) return false;
  time.ns = minute_ns_ + ns;
  time.valid = time.is_strict = true;
  return true;
}

void TimeReader::remember(std::string_view text) {
  const std::string_view seconds = text.substr(minute_size);
  std::size_t digits = 0;
  minute_ = text.substr(0, minute_size);
  zone_ = seconds.substr(seconds_size(seconds, digits));
  const auto zone_start = parse_rfc3339(minute_ + "00" + zone_);
  if (zone_start) {
    minute_ns_ = *zone_start;
  } else {
    minute_.clear();
  }
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "sinks/backoff.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

std::optional<int> parse_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int> month_of(std::string_view name) {
  static constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin()) + 1;
}

std::vector<std::string_view> words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  while (!text.empty() && out.size() < 8) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::optional<std::int64_t> date_of(std::string_view day, std::string_view month, std::string_view year,
                                    std::string_view time) {
  const std::optional<int> d = parse_int(day);
  const std::optional<int> mo = month_of(month);
  std::optional<int> y = parse_int(year);
  const std::vector<std::string_view> clock = words(time, ":");
  if (!d || !mo || !y || clock.size() != 3) return std::nullopt;
  if (year.size() == 2) *y += *y < 70 ? 2000 : 1900;
  const std::optional<int> h = parse_int(clock[0]);
  const std::optional<int> m = parse_int(clock[1]);
  const std::optional<int> s = parse_int(clock[2]);
  if (!h || !m || !s || *h > 23 || *m > 59 || *s > 60 || *d < 1 || *d > 31 || *y < 1970 || *y > 2261) {
    return std::nullopt;
  }
  const std::int64_t seconds = days_from_civil(*y, *mo, *d) * 86'400 + *h * 3600 + *m * 60 + *s;
  return seconds * ns_per_second;
}

}  // namespace

double random_unit() { return static_cast<double>(random64() >> 11) * 0x1.0p-53; }

std::chrono::nanoseconds backoff_delay(const BackoffOptions& options, int attempt, const Random& random) {
  CHECK(attempt >= 1);
  const int doublings = std::min(attempt - 1, 30);
  const double widest =
      std::min(static_cast<double>(options.init.count()) * static_cast<double>(std::int64_t{1} << doublings),
               static_cast<double>(options.max.count()));
  return std::chrono::nanoseconds(static_cast<std::int64_t>(widest * random()));
}

std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view retry_after, std::string_view date,
                                                          std::int64_t wall_ns, std::chrono::nanoseconds max) {
  if (retry_after.empty()) return std::nullopt;
  if (retry_after.find_first_not_of("0123456789") == std::string_view::npos) {
    const std::optional<int> seconds = parse_int(retry_after);
    return seconds ? std::min<std::chrono::nanoseconds>(std::chrono::seconds(*seconds), max) : max;
  }
  const std::optional<std::int64_t> when = parse_http_date(retry_after);
  if (!when) return std::nullopt;
  const std::int64_t now = parse_http_date(date).value_or(wall_ns);
  return std::clamp(std::chrono::nanoseconds(*when - now), std::chrono::nanoseconds{}, max);
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  const std::vector<std::string_view> w = words(text, " ,-");
  // "Sun, 06 Nov 1994 08:49:37 GMT" and "Sunday, 06-Nov-94 08:49:37 GMT"
  if (w.size() == 6 && w[5] == "GMT") return date_of(w[1], w[2], w[3], w[4]);
  // "Sun Nov  6 08:49:37 1994"
  if (w.size() == 5) return date_of(w[2], w[1], w[4], w[3]);
  return std::nullopt;
}

}  // namespace tapewatch

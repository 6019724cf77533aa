// SPDX-License-Identifier: Apache-2.0
#include "base/time_zone.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/files.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t file_bytes_max = 256 * 1024;
constexpr std::size_t header_bytes = 44;
constexpr std::int64_t day_seconds = 86'400;

Error broken() { return {Code::corrupt, "not the data of a time zone"}; }

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = static_cast<std::uint8_t>(bytes.front()) & 0x80u ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return static_cast<std::int64_t>(value);
}

// The six counts of a header, in their order in the file.
struct Counts {
  std::size_t utc = 0, standard = 0, leaps = 0, times = 0, types = 0, letters = 0;

  [[nodiscard]] std::size_t body_bytes(std::size_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + letters + leaps * (time_bytes + 4) + standard + utc;
  }
};

std::optional<Counts> read_header(std::string_view bytes) {
  if (bytes.size() < header_bytes || !bytes.starts_with("TZif")) return std::nullopt;
  std::array<std::size_t, 6> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::int64_t count = big_endian(bytes.substr(20 + 4 * i, 4));
    if (count < 0 || count > static_cast<std::int64_t>(file_bytes_max)) return std::nullopt;
    counts[i] = static_cast<std::size_t>(count);
  }
  return Counts{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

// The parts of a POSIX TZ text, one after the other.
class RuleText final {
 public:
  explicit RuleText(std::string_view text) : text_(text) {}

  [[nodiscard]] bool ended() const { return text_.empty(); }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  // "GMT" or "<+0330>".
  bool name() {
    const bool quoted = take('<');
    std::size_t end = quoted ? text_.find('>') : text_.find_first_of("+-0123456789,");
    if (end == std::string_view::npos) end = quoted ? 0 : text_.size();
    if (end == 0) return false;
    text_.remove_prefix(end + (quoted ? 1 : 0));
    return true;
  }
  // -1: there is none.
  int number() {
    std::size_t digits = 0;
    int value = 0;
    while (digits < text_.size() && digits < 4 && text_[digits] >= '0' && text_[digits] <= '9') {
      value = value * 10 + (text_[digits++] - '0');
    }
    text_.remove_prefix(digits);
    return digits == 0 ? -1 : value;
  }
  // "-3:30", in seconds.
  std::optional<std::int64_t> time() {
    const bool negative = take('-');
    if (!negative) take('+');
    std::int64_t seconds = 0;
    std::int64_t unit = 3600;
    do {
      const int part = number();
      if (part < 0 || unit == 0) return std::nullopt;
      seconds += part * unit;
      unit /= 60;
    } while (take(':'));
    return negative ? -seconds : seconds;
  }

 private:
  std::string_view text_;
};

int year_of(std::int64_t seconds) { return civil_from_ns(seconds * ns_per_second).year; }

}  // namespace

Result<TimeZone> TimeZone::load(const std::string& name, const std::string& folder) {
  if (name == "UTC") return TimeZone();
  const bool plain =
      !name.empty() && name.front() != '/' && name.find("..") == std::string::npos &&
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == std::string::npos;
  if (!plain) return Error{Code::not_found, "no such time zone"};
  const Result<std::string> bytes = read_file(folder + "/" + name, file_bytes_max);
  if (!bytes.ok()) return Error{Code::not_found, "no such time zone in the system's tzdata (" + folder + ")"};
  return parse(*bytes);
}

// The file begins with a block of 32-bit times for old readers; the one that counts follows it.
Result<TimeZone> TimeZone::parse(std::string_view bytes) {
  const auto old = read_header(bytes);
  if (!old || bytes[4] < '2' || bytes.size() < header_bytes + old->body_bytes(4)) return broken();
  bytes.remove_prefix(header_bytes + old->body_bytes(4));
  const auto counts = read_header(bytes);
  if (!counts || counts->types == 0 || bytes.size() < header_bytes + counts->body_bytes(8)) return broken();
  bytes.remove_prefix(header_bytes);
  const std::string_view types = bytes.substr(counts->times * 9);
  const auto offset_of_type = [&](std::size_t type) { return big_endian(types.substr(type * 6, 4)); };
  TimeZone zone;
  zone.first_offset_ = offset_of_type(0);
  for (std::size_t i = 0; i < counts->times; ++i) {
    const auto type = static_cast<std::uint8_t>(bytes[counts->times * 8 + i]);
    if (type >= counts->types) return broken();
    zone.changes_.push_back({big_endian(bytes.substr(i * 8, 8)), offset_of_type(type)});
  }
  std::string_view rule = bytes.substr(counts->body_bytes(8));
  if (rule.size() > 2) {
    rule = rule.substr(1, rule.find('\n', 1) - 1);
    zone.rule_ = parse_rule(rule);
    if (!zone.rule_) return broken();
  }
  return zone;
}

// "GMT0BST,M3.5.0/1,M10.5.0": standard time, its distance west of UTC, and when summer time begins and ends.
std::optional<TimeZone::Rule> TimeZone::parse_rule(std::string_view text) {
  RuleText left(text);
  Rule rule;
  if (!left.name()) return std::nullopt;
  const auto west = left.time();
  if (!west) return std::nullopt;
  rule.standard = -*west;
  if (left.ended()) return rule;
  if (!left.name()) return std::nullopt;
  rule.summer = rule.standard + 3600;
  const bool usual = left.take(',');
  if (!usual) {
    const auto summer = left.time();
    if (!summer || !left.take(',')) return std::nullopt;
    rule.summer = -*summer;
  }
  const auto day = [&left]() -> std::optional<Day> {
    if (!left.take('M')) return std::nullopt;
    Day found;
    found.month = left.number();
    found.week = left.take('.') ? left.number() : -1;
    found.weekday = left.take('.') ? left.number() : -1;
    const std::optional<std::int64_t> seconds = left.take('/') ? left.time() : std::optional<std::int64_t>(7200);
    const bool good = found.month >= 1 && found.month <= 12 && found.week >= 1 && found.week <= 5 &&
                      found.weekday >= 0 && found.weekday <= 6 && seconds.has_value();
    if (!good) return std::nullopt;
    found.seconds = *seconds;
    return found;
  };
  rule.begin = day();
  const auto end = left.take(',') ? day() : std::nullopt;
  if (!rule.begin || !end || !left.ended()) return std::nullopt;
  rule.end = *end;
  return rule;
}

std::int64_t TimeZone::offset_of(const Rule& rule, std::int64_t seconds) {
  if (!rule.begin) return rule.standard;
  const int year = year_of(seconds + rule.standard);
  const auto moment = [year](const Day& day) {
    const std::int64_t first = days_from_civil(year, day.month, 1);
    const std::int64_t next =
        day.month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, day.month + 1, 1);
    const std::int64_t weekday = (first % 7 + 11) % 7;  // 1970-01-01 was a Thursday
    std::int64_t found = first + (day.weekday - weekday + 7) % 7 + 7 * (day.week - 1);
    while (found >= next) found -= 7;
    return found * day_seconds + day.seconds;
  };
  const std::int64_t begin = moment(*rule.begin) - rule.standard;
  const std::int64_t end = moment(rule.end) - rule.summer;
  const bool summer = begin < end ? begin <= seconds && seconds < end : !(end <= seconds && seconds < begin);
  return summer ? rule.summer : rule.standard;
}

std::int64_t TimeZone::offset_at(std::int64_t seconds) const {
  if (rule_ && (changes_.empty() || seconds >= changes_.back().seconds)) return offset_of(*rule_, seconds);
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), seconds,
                                      [](std::int64_t time, const Change& change) { return time < change.seconds; });
  return after == changes_.begin() ? first_offset_ : (after - 1)->offset;
}

}  // namespace tapewatch

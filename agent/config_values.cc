// SPDX-License-Identifier: Apache-2.0
#include "config_values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/ascii.h"

namespace tapewatch {
namespace {

struct ValueUnit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<ValueUnit, 5> durations = {
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<ValueUnit, 7> sizes = {{{"B", 1},
                                             {"KiB", 1ULL << 10},
                                             {"MiB", 1ULL << 20},
                                             {"GiB", 1ULL << 30},
                                             {"KB", 1'000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000}}};

struct Alias {
  std::string_view written;  // lower case
  std::string_view meant;
};
constexpr std::array<Alias, 19> duration_aliases = {{{"sec", "s"},
                                                     {"secs", "s"},
                                                     {"second", "s"},
                                                     {"seconds", "s"},
                                                     {"min", "m"},
                                                     {"mins", "m"},
                                                     {"minute", "m"},
                                                     {"minutes", "m"},
                                                     {"hr", "h"},
                                                     {"hour", "h"},
                                                     {"hours", "h"},
                                                     {"day", "d"},
                                                     {"days", "d"},
                                                     {"msec", "ms"},
                                                     {"millis", "ms"},
                                                     {"s", "s"},
                                                     {"h", "h"},
                                                     {"d", "d"},
                                                     {"ms", "ms"}}};
constexpr std::array<Alias, 13> size_aliases = {{{"k", "KiB"},
                                                 {"m", "MiB"},
                                                 {"g", "GiB"},
                                                 {"b", "B"},
                                                 {"kib", "KiB"},
                                                 {"mib", "MiB"},
                                                 {"gib", "GiB"},
                                                 {"kb", "KB"},
                                                 {"mb", "MB"},
                                                 {"gb", "GB"},
                                                 {"bytes", "B"},
                                                 {"ki", "KiB"},
                                                 {"mi", "MiB"}}};

// Digits, then a unit. True when the text has that shape and the number fits.
bool split_number(std::string_view text, std::uint64_t& number, std::string_view& unit) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest == text.data()) return false;
  unit = std::string_view(rest, static_cast<std::size_t>(end - rest));
  return true;
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ') out.push_back(ascii_lower(c));
  }
  return out;
}

template <std::size_t N>
std::string format_with_unit(std::uint64_t value, const std::array<ValueUnit, N>& units) {
  const ValueUnit* best = &units[0];
  for (const ValueUnit& unit : units) {
    if (value != 0 && value % unit.factor == 0 && unit.factor > best->factor) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

template <std::size_t N, std::size_t M>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<ValueUnit, N>& units,
                                             const std::array<Alias, M>& aliases, std::string_view usual_unit,
                                             std::uint64_t most, ValueFault& fault) {
  std::uint64_t number = 0;
  std::string_view unit;
  fault = {ValueFault::Kind::bad, ""};
  if (!split_number(text, number, unit)) return std::nullopt;
  if (unit.empty() && number == 0) return 0;
  if (unit.empty()) {
    // A large bare number was meant in the smallest unit.
    const bool smallest = number >= 1'000;
    fault = {ValueFault::Kind::unit_missing,
             smallest ? format_with_unit(number, units) : std::to_string(number) + std::string(usual_unit)};
    return std::nullopt;
  }
  for (const ValueUnit& known : units) {
    if (known.name == unit) return number > most / known.factor ? std::nullopt : std::optional(number * known.factor);
  }
  const std::string written = lower(unit);
  for (const Alias& alias : aliases) {
    if (alias.written == written) fault.meant = std::to_string(number) + std::string(alias.meant);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, ValueFault& fault) {
  constexpr std::uint64_t most = 100ULL * 366 * 86'400'000;  // a century
  const auto ms = parse_with_unit(text, durations, duration_aliases, "s", most, fault);
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*ms));
}

std::optional<std::uint64_t> parse_size(std::string_view text, ValueFault& fault) {
  return parse_with_unit(text, sizes, size_aliases, "MiB", 1ULL << 60, fault);
}

std::string format_duration(std::chrono::milliseconds duration) {
  return format_with_unit(static_cast<std::uint64_t>(duration.count()), durations);
}

std::string format_size(std::uint64_t bytes) { return format_with_unit(bytes, sizes); }

std::string_view yaml11_reading(std::string_view plain) {
  const std::string word = lower(plain);
  for (const std::string_view boolean : {"yes", "no", "on", "off", "y", "n", "true", "false"}) {
    if (word == boolean) return "a boolean";
  }
  const auto all = [&](std::string_view allowed) { return plain.find_first_not_of(allowed) == std::string_view::npos; };
  if (plain.size() < 2 || !std::isdigit(static_cast<unsigned char>(plain[0]))) return "";
  if (plain[0] == '0' && all("01234567")) return "an octal number";
  if (plain[0] == '0' && (plain[1] == 'x' || plain[1] == 'o' || plain[1] == 'b')) return "a number";
  if (plain.find('_') != std::string_view::npos && all("0123456789_")) return "a number";
  if (plain.find(':') != std::string_view::npos && all("0123456789:")) return "a base-60 number";
  return "";
}

bool parse_address(std::string_view text, std::string& host, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view name = text.substr(0, colon);
  if (name.front() == '[') {
    if (name.size() < 3 || name.back() != ']') return false;
    name = name.substr(1, name.size() - 2);
  } else if (name.find_first_of(":/ ") != std::string_view::npos) {
    return false;
  }
  std::uint64_t number = 0;
  std::string_view rest;
  if (!split_number(text.substr(colon + 1), number, rest) || !rest.empty() || number > 65535) return false;
  host = std::string(name);
  port = static_cast<std::uint16_t>(number);
  return true;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // Only a dotted number: a name like 127.example.org may be anywhere.
  return host.substr(0, 4) == "127." && host.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

bool glob_is_closed(std::string_view pattern) {
  int braces = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (c == '{') {
      ++braces;
    } else if (c == '}') {
      --braces;
    } else if (c == '[') {
      std::size_t close = i + 1;
      if (close < pattern.size() && (pattern[close] == '!' || pattern[close] == '^')) ++close;
      close = pattern.find(']', close + 1);  // a ']' in first place is a member of the set
      if (close == std::string_view::npos) return false;
      i = close;
    }
    if (braces < 0) return false;
  }
  return braces == 0;
}

}  // namespace tapewatch

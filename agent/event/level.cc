// SPDX-License-Identifier: Apache-2.0
#include "event/level.h"

#include <array>
#include <utility>

#include "base/ascii.h"

namespace tapewatch {
namespace {

using Name = std::pair<std::string_view, Level>;
constexpr std::array<Name, 30> names = {{
    {"info", Level::info},        {"debug", Level::debug},        {"warning", Level::warning},
    {"error", Level::error},      {"critical", Level::critical},  {"warn", Level::warning},
    {"trace", Level::debug},      {"fatal", Level::critical},     {"notice", Level::info},
    {"information", Level::info}, {"informational", Level::info}, {"err", Level::error},
    {"severe", Level::error},     {"crit", Level::critical},      {"alert", Level::critical},
    {"emerg", Level::critical},   {"emergency", Level::critical}, {"panic", Level::critical},
    {"dpanic", Level::critical},  {"verbose", Level::debug},      {"fine", Level::debug},
    {"finer", Level::debug},      {"finest", Level::debug},       {"config", Level::info},
    {"dbg", Level::debug},        {"inf", Level::info},           {"wrn", Level::warning},
    {"ftl", Level::critical},     {"exception", Level::error},    {"success", Level::info},
}};

bool equals_ignore_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (ascii_lower(c) != lower[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::none:
      return "";
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO";
    case Level::warning:
      return "WARNING";
    case Level::error:
      return "ERROR";
    case Level::critical:
      return "CRITICAL";
  }
  return "";
}

Level level_from_name(std::string_view name) {
  for (const auto& [text, level] : names) {
    if (equals_ignore_case(name, text)) return level;
  }
  return Level::none;
}

Level level_from_number(std::int64_t number) {
  switch (number) {
    case 0:
    case 1:
    case 2:
      return Level::critical;
    case 3:
      return Level::error;
    case 4:
      return Level::warning;
    case 5:
    case 6:
      return Level::info;
    case 7:
    case 10:
    case 20:
      return Level::debug;
    case 30:
      return Level::info;
    case 40:
      return Level::warning;
    case 50:
      return Level::error;
    case 60:
      return Level::critical;
    default:
      return Level::none;
  }
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "http/query_params.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/timestamp.h"
#include "base/utf8.h"

namespace tapewatch {
namespace {

constexpr std::int64_t seconds_max = 100LL * 366 * 86400;

Error invalid(std::string_view name, std::string_view what) {
  return Error{Code::invalid, "parameter \"" + std::string(name) + "\" " + std::string(what)};
}

// "15m" in nanoseconds.
std::optional<std::int64_t> parse_age(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  std::int64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    default:
      return std::nullopt;
  }
  std::int64_t count = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [at, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || at != end || count < 0 || count > seconds_max / unit) return std::nullopt;
  return count * unit * ns_per_second;
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

Result<QueryParams> QueryParams::parse(std::string_view query, std::initializer_list<std::string_view> known) {
  QueryParams params;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    std::string name = percent_decoded(part.substr(0, equals));
    std::string value = percent_decoded(part.substr(std::min(equals + 1, part.size())));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string list;
      for (const std::string_view one : known) list.append(list.empty() ? "" : ", ").append(one);
      return Error{Code::invalid, "unknown parameter; this address knows: " + (list.empty() ? "none" : list)};
    }
    if (!is_utf8(value)) return invalid(name, "is not UTF-8");
    if (params.values_.count(name) != 0) return invalid(name, "is given twice");
    params.values_.emplace(std::move(name), std::move(value));
  }
  return params;
}

const std::string& QueryParams::text(std::string_view name) const {
  static const std::string none;
  const auto it = values_.find(name);
  return it == values_.end() ? none : it->second;
}

Result<std::int64_t> QueryParams::number(std::string_view name, std::int64_t low, std::int64_t high,
                                         std::int64_t missing) const {
  const std::string& value = text(name);
  if (value.empty()) return missing;
  std::int64_t out = 0;
  const auto [at, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc() || at != value.data() + value.size() || out < low || out > high) {
    return invalid(name, "is not a number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return out;
}

Result<std::int64_t> QueryParams::time(std::string_view name, std::int64_t now_ns, std::int64_t missing) const {
  const std::string& value = text(name);
  if (value.empty()) return missing;
  if (value == "now") return now_ns;
  if (const auto age = parse_age(value)) return now_ns - *age;
  if (const auto ns = parse_rfc3339(value)) return *ns;
  if (const auto ns = parse_epoch(value)) return *ns;
  return invalid(name, "is not a time: write 2026-01-05T09:00:00Z, an epoch number, or an age such as 15m");
}

}  // namespace tapewatch

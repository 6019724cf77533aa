// SPDX-License-Identifier: Apache-2.0
#include "client/line_encoder.h"

#include <array>
#include <charconv>
#include <cmath>

namespace tapewatch::client {
namespace {

// Bytes of the well-formed UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629, strictly).
std::size_t sequence_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned least, unsigned most) {
    return i < text.size() && byte(i) >= least && byte(i) <= most;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

void append_escape(std::string& out, unsigned char byte) {
  static constexpr std::string_view hex = "0123456789abcdef";
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
  }
}

template <typename N>
void append_number(std::string& out, N value) {
  std::array<char, 32> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), result.ptr);
}

void append_padded(std::string& out, std::int64_t value, int width) {
  std::array<char, 20> text{};
  for (int i = width - 1; i >= 0; --i) {
    text[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(text.data(), static_cast<std::size_t>(width));
}

bool all_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

void append_text(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t plain = 0;  // where what can be copied as it is begins
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    const std::size_t bytes = byte < 0x80 ? 0 : sequence_bytes(text.substr(at));
    if (bytes > 0) {
      at += bytes;
      continue;
    }
    out.append(text, plain, at - plain);
    if (byte < 0x80) {
      append_escape(out, byte);
    } else {
      out += "\xEF\xBF\xBD";
    }
    plain = ++at;
  }
  out.append(text, plain, text.size() - plain);
  out.push_back('"');
}

void append_time(std::string& out, std::int64_t ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t seconds = (ns - (ns < 0 ? second - 1 : 0)) / second;
  const std::int64_t of_day = ((seconds % 86'400) + 86'400) % 86'400;
  // Days to a date, by eras of 400 years that begin on 1 March.
  const std::int64_t days = (seconds - of_day) / 86'400 + 719'468;
  const std::int64_t era = days / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  append_padded(out, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
  out.push_back('-');
  append_padded(out, month, 2);
  out.push_back('-');
  append_padded(out, day_of_year - (153 * shifted_month + 2) / 5 + 1, 2);
  out.push_back('T');
  append_padded(out, of_day / 3'600, 2);
  out.push_back(':');
  append_padded(out, of_day / 60 % 60, 2);
  out.push_back(':');
  append_padded(out, of_day % 60, 2);
  out.push_back('.');
  append_padded(out, ns - seconds * second, 9);
  out.push_back('Z');
}

void append_field(std::string& out, const Logger::Field& field) {
  out.push_back(',');
  append_text(out, field.name);
  out.push_back(':');
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_text(out, *text);
  } else if (const auto* flag = std::get_if<bool>(&field.value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&field.value)) {
    if (std::isfinite(*number)) {
      append_number(out, *number);
    } else {
      out += "null";  // JSON has no infinities
    }
  } else if (const auto* natural = std::get_if<std::uint64_t>(&field.value)) {
    append_number(out, *natural);
  } else if (const auto* whole = std::get_if<std::int64_t>(&field.value)) {
    append_number(out, *whole);
  }
}

std::string_view level_word(Logger::Level level) {
  static constexpr std::string_view words[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  return words[static_cast<std::size_t>(level)];
}

bool is_trace_id(std::string_view id) {
  return id.size() == 32 && all_hex(id) && id.find_first_not_of('0') != std::string_view::npos;
}

bool split_traceparent(std::string_view header, std::string_view& trace_id, std::string_view& span_id) {
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-') return false;
  if (!all_hex(header.substr(0, 2)) || header.substr(0, 2) == "ff") return false;
  if (header.substr(0, 2) == "00" && header.size() != 55) return false;
  trace_id = header.substr(3, 32);
  span_id = header.substr(36, 16);
  return is_trace_id(trace_id) && all_hex(span_id) && span_id.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace tapewatch::client

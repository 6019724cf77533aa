// SPDX-License-Identifier: Apache-2.0
#include "enrich/trace_context.h"

#include <algorithm>

namespace tapewatch {
namespace {

constexpr std::size_t parent_size = 55;  // "00-" 32 "-" 16 "-" 2
constexpr std::size_t decimal_max = 20;  // digits of 2^64

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_hex(char c) { return is_lower_hex(c) || (c >= 'A' && c <= 'F'); }

template <typename Is>
bool is_id(std::string_view text, std::size_t size, const Is& is) {
  return text.size() == size && std::all_of(text.begin(), text.end(), is) &&
         text.find_first_not_of('0') != std::string_view::npos;
}

bool is_decimal_id(std::string_view text) {
  return text.size() >= 5 && text.size() <= decimal_max && std::all_of(text.begin(), text.end(), is_digit) &&
         text.front() != '0';
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  // A version that is not known may be longer, with a further '-'.
  if (text.size() < parent_size || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  if (!is_lower_hex(version[0]) || !is_lower_hex(version[1]) || version == "ff") return std::nullopt;
  if (text.size() > parent_size && (version == "00" || text[parent_size] != '-')) return std::nullopt;
  if (!is_lower_hex(text[53]) || !is_lower_hex(text[54])) return std::nullopt;
  const TraceParent parent{text.substr(3, 32), text.substr(36, 16)};
  if (!is_id(parent.trace_id, 32, is_lower_hex) || !is_id(parent.span_id, 16, is_lower_hex)) return std::nullopt;
  return parent;
}

bool is_trace_id(std::string_view text) {
  return is_id(text, 32, is_hex) || is_id(text, 16, is_hex) || is_decimal_id(text);
}

bool is_span_id(std::string_view text) { return is_id(text, 16, is_hex) || is_decimal_id(text); }

bool is_w3c_trace_id(std::string_view text) { return is_id(text, 32, is_lower_hex); }

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "event/json_index.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/utf8.h"

namespace tapewatch {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hexadecimal digits at `at`, or -1.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

// Appends the code point of the \u escape whose four digits start at `at`; returns the index behind it.
std::size_t append_unicode(std::string& out, std::string_view raw, std::size_t at) {
  const int high = hex4(raw, at);
  at += 4;
  if (high < 0xD800 || high > 0xDFFF) {
    append_utf8(out, static_cast<std::uint32_t>(high));
    return at;
  }
  if (high < 0xDC00 && at + 6 <= raw.size() && raw[at] == '\\' && raw[at + 1] == 'u') {
    const int low = hex4(raw, at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      append_utf8(
          out, 0x10000u + (static_cast<std::uint32_t>(high - 0xD800) << 10) + static_cast<std::uint32_t>(low - 0xDC00));
      return at + 6;
    }
  }
  out.append("\xEF\xBF\xBD");
  return at;
}

char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

}  // namespace

// Home of simdjson's parser object; its capacity grows with the longest text seen.
struct JsonIndex::Stage {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

JsonIndex::JsonIndex() : stage_(std::make_unique<Stage>()) {}
JsonIndex::~JsonIndex() = default;

bool JsonIndex::build(std::string_view text) {
  cursor_ = JsonCursor();
  if (text.empty() || text.size() > 0xFFFFFF00u) return false;
  if (!stage_->parser || stage_->parser->capacity() < text.size()) {
    const std::size_t capacity = std::max<std::size_t>(text.size() + text.size() / 4, 65536);
    const auto made =
        simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, stage_->parser);
    CHECK(made == simdjson::SUCCESS);
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  if (stage_->parser->stage1(bytes, text.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) return false;
  positions_ = stage_->parser->structural_indexes.get();
  count_ = stage_->parser->n_structural_indexes;
  cursor_ = JsonCursor(text, positions_, count_);
  has_escapes_ = std::memchr(text.data(), '\\', text.size()) != nullptr;
  return true;
}

void JsonIndex::seek_offset(std::uint32_t offset) {
  const std::uint32_t* const behind = std::upper_bound(positions_, positions_ + count_, offset);
  cursor_.seek(behind == positions_ ? positions_ : behind - 1);
}

bool JsonIndex::skip_value(int depth) {
  switch (peek()) {
    case '"': {
      const std::string_view raw = take_string_raw();
      return !has_escapes_ || escapes_valid(raw);
    }
    case '{':
      return depth > 0 && skip_object(depth - 1);
    case '[':
      return depth > 0 && skip_array(depth - 1);
    case '\0':
      return false;
    default:
      return scalar_type(take_scalar_raw()) != JsonType::invalid;
  }
}

bool JsonIndex::skip_object(int depth) {
  advance();
  if (take('}')) return true;
  do {
    if (peek() != '"') return false;
    const std::string_view key = take_string_raw();
    if (has_escapes_ && !escapes_valid(key)) return false;
    if (!take(':') || !skip_value(depth)) return false;
  } while (take(','));
  return take('}');
}

bool JsonIndex::skip_array(int depth) {
  advance();
  if (take(']')) return true;
  do {
    if (!skip_value(depth)) return false;
  } while (take(','));
  return take(']');
}

namespace {

// A short number without sign or exponent, in a few steps that do not depend on its digits. False says nothing.
bool is_short_number(std::string_view text) {
  const std::size_t n = text.size();
  if (n > 8 || n == 0) return false;
  const auto load = [](const char* from, auto word) {
    std::memcpy(&word, from, sizeof word);
    return std::uint64_t{word};
  };
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i); };
  const std::uint64_t word = n >= 4 ? load(text.data(), std::uint32_t{}) | load(text.data() + n - 4, std::uint32_t{})
                                                                               << (8 * (n - 4))
                                    : byte(0) | byte(n / 2) | byte(n - 1);
  constexpr std::uint64_t ones = 0x0101010101010101u;
  const std::uint64_t values = word ^ ones * '0';
  std::uint64_t others = ((values + ones * 0x76) | values) & ones * 0x80;  // the high bit of what is no digit
  others &= ~std::uint64_t{0} >> (64 - 8 * n);
  const std::size_t digits = others == 0 ? n : static_cast<std::size_t>(std::countr_zero(others)) / 8;
  if (digits == 0 || (text[0] == '0' && digits > 1)) return false;
  return digits == n || (text[digits] == '.' && digits + 1 < n && (others & (others - 1)) == 0);
}

}  // namespace

bool is_json_number(std::string_view text) {
  if constexpr (std::endian::native == std::endian::little) {
    if (is_short_number(text)) return true;
  }
  const char* p = text.data();
  const char* const end = p + text.size();
  if (p < end && *p == '-') ++p;
  if (p == end || !is_digit(*p)) return false;
  if (*p == '0') {
    ++p;
  } else {
    while (p < end && is_digit(*p)) ++p;
  }
  if (p < end && *p == '.') {
    if (++p == end || !is_digit(*p)) return false;
    while (p < end && is_digit(*p)) ++p;
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p < end && is_digit(*p)) ++p;
  }
  return p == end;
}

JsonType scalar_type(std::string_view text) {
  if (!text.empty() && text.front() <= '9') return is_json_number(text) ? JsonType::number : JsonType::invalid;
  if (text == "true" || text == "false") return JsonType::boolean;
  if (text == "null") return JsonType::null;
  return JsonType::invalid;
}

bool escapes_valid(std::string_view raw) {
  for (std::size_t i = raw.find('\\'); i != std::string_view::npos; i = raw.find('\\', i)) {
    if (i + 1 >= raw.size()) return false;
    const char c = raw[i + 1];
    if (c == 'u') {
      if (hex4(raw, i + 2) < 0) return false;
      i += 6;
    } else {
      if (c == '\0' || std::strchr("\"\\/bfnrt", c) == nullptr) return false;
      i += 2;
    }
  }
  return true;
}

void append_unescaped(std::string& out, std::string_view raw) {
  std::size_t i = 0;
  while (i < raw.size()) {
    const std::size_t slash = raw.find('\\', i);
    out.append(raw.substr(i, slash == std::string_view::npos ? slash : slash - i));
    if (slash == std::string_view::npos) return;
    if (raw[slash + 1] == 'u') {
      i = append_unicode(out, raw, slash + 2);
    } else {
      out.push_back(simple_escape(raw[slash + 1]));
      i = slash + 2;
    }
  }
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "base/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/utf8.h"

namespace tapewatch {
namespace {

void append_control(std::string& out, unsigned char c) {
  static constexpr char hex[] = "0123456789abcdef";
  out.append("\\u00");
  out.push_back(hex[c >> 4]);
  out.push_back(hex[c & 15]);
}

void append_special(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out.append("\\\"");
      break;
    case '\\':
      out.append("\\\\");
      break;
    case '\n':
      out.append("\\n");
      break;
    case '\r':
      out.append("\\r");
      break;
    case '\t':
      out.append("\\t");
      break;
    default:
      append_control(out, c);
  }
}

// Whether none of eight characters needs a look: ASCII, no control character, quote or backslash.
bool is_plain(const char* text) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  const auto has_zero = [](std::uint64_t w) { return (w - ones) & ~w; };  // in the high bits
  const std::uint64_t found = word | (word - ones * 0x20) | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\');
  return (found & ones * 0x80) == 0;
}

template <typename T>
void append_number(std::string& out, T value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // start of the run that needs no change
  std::size_t i = 0;
  const auto flush = [&] { out.append(text.substr(plain, i - plain)); };
  while (i < text.size()) {
    if (text.size() - i >= 8 && is_plain(text.data() + i)) {
      i += 8;
      continue;
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c < 0x80) {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      const std::size_t length = utf8_sequence(text.substr(i));
      if (length > 0) {
        i += length;
        continue;
      }
      flush();
      out.append("\xEF\xBF\xBD");
    } else {
      flush();
      append_special(out, c);
    }
    plain = ++i;
  }
  flush();
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  append_json_escaped(out, text);
  out.push_back('"');
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

void append_json_int(std::string& out, std::int64_t value) { append_number(out, value); }
void append_json_uint(std::string& out, std::uint64_t value) { append_number(out, value); }

void append_json_double(std::string& out, double value) {
  if (std::isfinite(value)) {
    append_number(out, value);
  } else {
    out.append("null");
  }
}

void JsonObject::key(std::string_view name) {
  if (!first_) out_.push_back(',');
  first_ = false;
  append_json_string(out_, name);
  out_.push_back(':');
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/copy_text.h"

#include <string_view>

#include "storage/postgres/arguments.h"

namespace tapewatch {
namespace {

void append_text(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t special = text.find_first_of("\\\n\r\t");
    out.append(text.substr(0, special));
    if (special == std::string_view::npos) return;
    const char c = text[special];
    out += '\\';
    out += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : '\\';
    text.remove_prefix(special + 1);
  }
}

void append_hex(std::string& out, std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  out += "\\\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

void append_copied(std::string& out, const Value& value) {
  switch (value.type) {
    case Value::Type::null:
      out += "\\N";
      break;
    case Value::Type::integer:
    case Value::Type::real:
      append_number(out, value);
      break;
    case Value::Type::text:
      append_text(out, value.bytes);
      break;
    case Value::Type::blob:
      append_hex(out, value.bytes);
      break;
  }
}

}  // namespace tapewatch

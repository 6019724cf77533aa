// SPDX-License-Identifier: Apache-2.0
#include "storage/json_walk.h"

#include "base/utf8.h"

namespace tapewatch {
namespace {

// The value of four hexadecimal digits at the start, or -1.
int hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  int value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Appends what `\uXXXX` (and the second half of a pair behind it) stands for; `rest` starts behind "\u". Returns the
// bytes of `rest` used, 0 when it is no escape.
std::size_t append_code_point(std::string& out, std::string_view rest) {
  const int first = hex4(rest);
  if (first < 0) return 0;
  if (first < 0xD800 || first > 0xDFFF) {
    append_utf8(out, static_cast<std::uint32_t>(first));
    return 4;
  }
  const int second = first < 0xDC00 && rest.substr(4, 2) == "\\u" ? hex4(rest.substr(6)) : -1;
  if (second < 0xDC00 || second > 0xDFFF) {
    append_utf8(out, 0xFFFD);
    return 4;
  }
  append_utf8(out, static_cast<std::uint32_t>(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)));
  return 10;
}

char plain_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

void append_unescaped(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const std::size_t slash = raw.find('\\');
    out.append(raw.substr(0, slash));
    if (slash == std::string_view::npos) return;
    raw.remove_prefix(slash + 1);
    if (!raw.empty() && raw[0] == 'u') {
      const std::size_t used = append_code_point(out, raw.substr(1));
      if (used > 0) {
        raw.remove_prefix(1 + used);
        continue;
      }
    }
    const char c = raw.empty() ? '\0' : plain_escape(raw[0]);
    out.push_back(c != 0 ? c : '\\');
    if (c != 0) raw.remove_prefix(1);
  }
}

}  // namespace tapewatch

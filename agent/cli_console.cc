// SPDX-License-Identifier: Apache-2.0
#include "cli_console.h"

#include <unistd.h>

#include <array>

#include "base/utf8.h"

namespace tapewatch {
namespace {

void append_hex(std::string& out, const char* format, unsigned value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, value);
  out += text.data();
}

// Of a well-formed sequence of two or three bytes; enough for everything that must not reach a terminal.
unsigned code_point(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(sequence[i])); };
  if (sequence.size() == 2) return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
  if (sequence.size() == 3) return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return 0xFFFF;
}

bool is_hidden_control(unsigned code) {
  return (code >= 0x80 && code <= 0x9F) || code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

}  // namespace

Console process_console() {
  Console console;
  console.around = process_surroundings();
  const bool plain = console.around.environment("NO_COLOR").value_or("") != "" ||
                     console.around.environment("TERM").value_or("") == "dumb";
  console.terminal = ::isatty(STDOUT_FILENO) == 1;
  console.out_colour = console.terminal && !plain;
  console.err_colour = ::isatty(STDERR_FILENO) == 1 && !plain;
  return console;
}

std::string terminal_safe(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_sequence(text.substr(at));
    if (length == 0 || (byte < 0x20 && byte != '\t') || byte == 0x7F) {
      append_hex(out, "\\x%02x", byte);
      ++at;
      continue;
    }
    const std::string_view sequence = text.substr(at, length);
    if (length > 1 && is_hidden_control(code_point(sequence))) {
      append_hex(out, "\\u%04x", code_point(sequence));
    } else {
      out += sequence;
    }
    at += length;
  }
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Console: where a command writes. Data goes to `out`, notices to `err`. Whatever comes from a log is made safe for a
// terminal first. Thread: one.

#include <cstdio>
#include <string>
#include <string_view>

#include "config.h"

namespace tapewatch {

struct Console {
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  bool terminal = false;    // out is one
  bool out_colour = false;  // and NO_COLOR is not set
  bool err_colour = false;
  Surroundings around;

  void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), out); }
  void notice(std::string_view text) { std::fwrite(text.data(), 1, text.size(), err); }
};

// Of this process.
[[nodiscard]] Console process_console();

// `text` without anything that could move a cursor, switch colours or turn the direction of writing: control bytes of
// C0 (but tab), DEL, C1 and bidirectional controls are shown as \xNN or \uNNNN; what is not UTF-8 as \xNN.
[[nodiscard]] std::string terminal_safe(std::string_view text);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// The program told in order: look at where we are, read the command line, do what it says.
#include "commands.h"

int main(int argc, char** argv) {
  tapewatch::Console console = tapewatch::process_console();
  const std::vector<std::string> given(argv + 1, argv + argc);
  const int exit_code = tapewatch::run_command_line(given, console);
  // A reader that is gone (| head) is no failure of ours; a full disk is.
  const bool written = std::fflush(console.out) == 0;
  return exit_code == tapewatch::exit_good && !written ? tapewatch::exit_failed : exit_code;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The command line as data: commands, their flags, and the arguments that were given. parse_arguments() checks them
// against one command, print_help() tells them; neither knows what a command does. Thread: any.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

inline constexpr int exit_good = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_bad_config = 78;  // EX_CONFIG of sysexits.h

struct Flag {
  std::string_view name;   // "config" is written --config
  char letter;             // 'c' is written -c; 0: none
  std::string_view value;  // what stands for its value in the help, "FILE"; "": a switch
  std::string_view help;
};

class Arguments final {
 public:
  [[nodiscard]] bool has(std::string_view flag) const;
  // The last value given, or `otherwise`.
  [[nodiscard]] std::string value(std::string_view flag, std::string_view otherwise = "") const;
  [[nodiscard]] std::vector<std::string> values(std::string_view flag) const;
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

 private:
  friend Result<Arguments> parse_arguments(const struct Command& command, const std::vector<std::string>& given);
  std::vector<std::pair<std::string, std::string>> flags_;
  std::vector<std::string> words_;
};

struct Console;

struct Command {
  std::string_view name;
  std::string_view words;    // "QUERY", for the help
  std::string_view summary;  // one line
  std::string_view details;  // further lines; may be empty
  std::vector<Flag> flags;
  std::string_view examples;  // one a line
  std::size_t words_least;
  std::size_t words_most;
  std::vector<std::string_view> verbs;  // what the first word may be; empty: anything
  int (*run)(const Arguments& arguments, Console& console);
};

// Flags may stand before, between and behind words; "--" ends them. The error's message is a whole sentence with a
// suggestion. --help is always understood.
[[nodiscard]] Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& given);

[[nodiscard]] std::string help_text(const Command& command);

}  // namespace tapewatch

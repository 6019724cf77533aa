// SPDX-License-Identifier: Apache-2.0
// `tapewatch validate`, `explain` and `version`.
#include <algorithm>
#include <array>
#include <charconv>

#include "commands.h"
#include "explain_faults.h"
#include "run.h"

namespace tapewatch {
namespace {

std::string verdict(const std::string& file, int errors, int warnings) {
  const auto some = [](int n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); };
  if (errors + warnings == 0) return file + ": good\n";
  std::string out = file + ": " + some(errors, "error");
  if (warnings > 0) out += ", " + some(warnings, "warning");
  return out + "; `tapewatch explain CODE` tells more about each\n";
}

std::string code_name(int number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "TW%04d", number);
  return text.data();
}

// "TW0123", "tw123" and "123" are the same; -1 when it is none.
int code_number(std::string text) {
  if (text.size() > 2 && (text[0] == 'T' || text[0] == 't') && (text[1] == 'W' || text[1] == 'w')) text.erase(0, 2);
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos) return -1;
  int number = -1;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

int validate_command(const Arguments& arguments, Console& console) {
  const std::string format = arguments.value("format", "text");
  if (format != "text" && format != "json") {
    console.notice("tapewatch: --format is text or json\n");
    return exit_usage;
  }
  std::string file = arguments.value("config", default_config_file);
  if (!arguments.words().empty()) file = arguments.words()[0];
  Diagnostics diagnostics;
  if (const std::optional<Config> config = load_config(file, console.around, diagnostics))
    check_rules(*config, diagnostics);
  console.print(format == "json" ? diagnostics.render_json() : diagnostics.render(console.out_colour));
  const int errors = diagnostics.errors();
  const int warnings = static_cast<int>(diagnostics.all().size()) - errors;
  console.notice(verdict(terminal_safe(file), errors, warnings));
  const bool good = errors == 0 && (warnings == 0 || !arguments.has("deny-warnings"));
  return good ? exit_good : exit_bad_config;
}

int explain_command(const Arguments& arguments, Console& console) {
  if (arguments.words().empty()) {
    for (int number = 0; number < 1000; ++number) {
      const std::string_view text = explain_fault(number);
      if (!text.empty()) console.print(code_name(number) + "  " + std::string(text.substr(0, text.find('\n'))) + "\n");
    }
    return exit_good;
  }
  const int number = code_number(arguments.words()[0]);
  const std::string_view text = number < 0 ? "" : explain_fault(number);
  if (text.empty()) return fail(console, "no such code; `tapewatch explain` lists them");
  console.print(code_name(number) + ": " + std::string(text) + "\n");
  return exit_good;
}

int version_command(const Arguments& arguments, Console& console) {
  console.print("tapewatch " TAPEWATCH_VERSION "\n");
  if (!arguments.has("libs")) return exit_good;
  // "name version,name version": put together by the build from what it found.
  const std::string_view libraries = TAPEWATCH_LIBRARIES;
  for (std::size_t at = 0; at < libraries.size();) {
    const std::size_t end = std::min(libraries.find(',', at), libraries.size());
    console.print(std::string(libraries.substr(at, end - at)) + "\n");
    at = end + 1;
  }
  return exit_good;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The commands of `tapewatch`, one function each. A body gets checked arguments, writes data to console.out and notices
// to console.err, and returns the exit code. The table in commands.cc says what each takes. Thread: main.

#include <optional>
#include <string>
#include <vector>

#include "cli_args.h"
#include "cli_console.h"
#include "cli_http.h"

namespace tapewatch {

[[nodiscard]] const std::vector<Command>& all_commands();

// `given` without the program's name.
[[nodiscard]] int run_command_line(const std::vector<std::string>& given, Console& console);

int run_command(const Arguments& arguments, Console& console);
int demo_command(const Arguments& arguments, Console& console);
int init_command(const Arguments& arguments, Console& console);
int validate_command(const Arguments& arguments, Console& console);
int backtest_command(const Arguments& arguments, Console& console);
int test_command(const Arguments& arguments, Console& console);
int rules_command(const Arguments& arguments, Console& console);
int search_command(const Arguments& arguments, Console& console);
int trace_command(const Arguments& arguments, Console& console);
int tail_command(const Arguments& arguments, Console& console);
int top_command(const Arguments& arguments, Console& console);
int health_command(const Arguments& arguments, Console& console);
int setup_command(const Arguments& arguments, Console& console);
int dlq_command(const Arguments& arguments, Console& console);
int state_command(const Arguments& arguments, Console& console);
int explain_command(const Arguments& arguments, Console& console);
int version_command(const Arguments& arguments, Console& console);

// --- what several bodies share ---

inline constexpr std::string_view default_config_file = "config/tapewatch.yaml";

// The configuration that --config names. When it has faults they are printed to console.err; the caller then returns
// exit_bad_config.
[[nodiscard]] std::optional<Config> load_for_command(const Arguments& arguments, Console& console);

// Where the running agent's API is: --url, or http.address of the configuration, or the default when no configuration
// was named and there is none. Prints why when there is no answer, and sets `exit_code`.
[[nodiscard]] std::optional<ApiAddress> agent_address(const Arguments& arguments, Console& console, int& exit_code);

// Prints "tapewatch: MESSAGE" to console.err and returns exit_failed.
int fail(Console& console, std::string_view message);

}  // namespace tapewatch

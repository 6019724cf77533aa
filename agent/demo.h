// SPDX-License-Identifier: Apache-2.0
#pragma once
// The demo: a made-up trading application and an agent that watches it, in a temporary folder, with a viewer that shows
// what there is to see. The application and the viewer are child processes that end with this one; the agent runs in
// the calling process. Thread: main.

#include <chrono>
#include <functional>
#include <string>

#include "cli_console.h"

namespace tapewatch {

struct DemoOptions {
  std::uint64_t seed = 42;
  int lines_per_second = 200;
  std::string address = "127.0.0.1:9600";  // any free port when this one is taken
  std::chrono::milliseconds duration{0};   // 0: until a signal comes
};

// Runs an agent with the configuration (which was read from `config_file`) until SIGINT or SIGTERM has drained it, and
// returns its exit code. Calls `listening` once, with "127.0.0.1:9600", when its API answers.
using RunAgent = std::function<int(const Config& config, const std::string& config_file,
                                   const std::function<void(const std::string& address)>& listening)>;

// The application alone: writes its log to `path` until a signal ends the process, or its time is over.
[[nodiscard]] int write_demo_log(const DemoOptions& options, const std::string& path, Console& console);

// Removes the temporary folder and ends both children before it returns the agent's exit code.
[[nodiscard]] int run_demo(const DemoOptions& options, Console& console, const RunAgent& run_agent);

}  // namespace tapewatch

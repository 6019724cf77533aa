// SPDX-License-Identifier: Apache-2.0
#pragma once
// Running agents under one lock and one log, as `tapewatch run` and `tapewatch demo` do. Thread: main.

#include <functional>
#include <string>

#include "config.h"
#include "event/alert.h"

namespace tapewatch {

struct Console;

struct RunOptions {
  std::string config_file;  // read again on reload
  bool once = false;
  std::function<void(const std::string& address)> listening;  // may be empty
  std::function<void(const Alert&)> alert;                    // may be empty
};

// Until SIGTERM or SIGINT, or with `once` until everything is delivered. The exit code.
[[nodiscard]] int run_agents(Config config, const RunOptions& options, Console& console);

// Adds every fault of the rules that the configuration names.
void check_rules(const Config& config, Diagnostics& diagnostics);

}  // namespace tapewatch

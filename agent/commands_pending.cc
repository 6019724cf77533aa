// SPDX-License-Identifier: Apache-2.0
// Bodies of commands whose modules are not linked into this build yet.
#include "commands.h"

namespace tapewatch {
namespace {

int pending(Console& console, std::string_view name) {
  return fail(console, std::string(name) + " is not part of this build");
}

}  // namespace

int run_command(const Arguments&, Console& console) { return pending(console, "run"); }
int run_agent(const Config&, const std::string&, const std::function<void(const std::string&)>&, Console& console) {
  return pending(console, "the agent");
}
int backtest_command(const Arguments&, Console& console) { return pending(console, "backtest"); }
int setup_command(const Arguments&, Console& console) { return pending(console, "setup"); }
int dlq_command(const Arguments&, Console& console) { return pending(console, "dlq"); }
int state_command(const Arguments&, Console& console) { return pending(console, "state"); }

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

namespace tapewatch {
int demo_command(const Arguments&, Console& console) { return fail(console, "demo is not part of this build"); }
}  // namespace tapewatch

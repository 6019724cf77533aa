// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a failure of the server means to us: the Code of its SQLSTATE, and whether the transaction may be tried again.
// Thread: any.

#include <cstdint>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

enum class PgFault : std::uint8_t {
  none,
  skipped,    // not run, because a statement before it failed
  statement,  // this statement cannot succeed as it is
  repeat,     // the transaction may succeed when it is tried again: serialization, deadlock, a plan that is outdated
  lost,       // the connection is gone, or is not to be used any more
};

struct PgState {
  Code code = Code::sql;
  PgFault fault = PgFault::statement;
};

// `sqlstate`: five characters, or less when there is none; `message` tells outdated plans apart.
[[nodiscard]] PgState state_of(std::string_view sqlstate, std::string_view message);

}  // namespace tapewatch

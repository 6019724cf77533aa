// SPDX-License-Identifier: Apache-2.0
#pragma once
// Level: severity of an event, read from the names and numbers that the usual loggers write. Thread: any.

#include <cstdint>
#include <string_view>

namespace tapewatch {

enum class Level : std::uint8_t { none, debug, info, warning, error, critical };

// "WARNING"; "" for none.
[[nodiscard]] std::string_view level_name(Level level);
// Names in any case (trace debug info notice warn warning error err severe fatal critical crit alert emerg panic dpanic
// ...). none when unknown.
[[nodiscard]] Level level_from_name(std::string_view name);
// Numbers of pino and bunyan (10 trace .. 60 fatal), which are also Python's (10 debug .. 50 critical) but for 60;
// and syslog severities 0..7 (RFC 5424). none when it is neither.
[[nodiscard]] Level level_from_number(std::int64_t number);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writing one JSON line by itself: the client library depends on nothing of the agent. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>

#include "tapewatch/log.h"

namespace tapewatch::client {

// Quoted and escaped; bytes that are not UTF-8 become U+FFFD.
void append_text(std::string& out, std::string_view text);
// "2026-01-05T00:00:00.123456789Z"
void append_time(std::string& out, std::int64_t ns);
// ,"name":value
void append_field(std::string& out, const Logger::Field& field);

[[nodiscard]] std::string_view level_word(Logger::Level level);
[[nodiscard]] bool is_trace_id(std::string_view id);  // 32 hexadecimal digits, not all zero

// trace.id and span.id of a W3C traceparent header. False when it is not one.
[[nodiscard]] bool split_traceparent(std::string_view header, std::string_view& trace_id, std::string_view& span_id);

}  // namespace tapewatch::client

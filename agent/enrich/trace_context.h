// SPDX-License-Identifier: Apache-2.0
#pragma once
// W3C Trace Context: strict reading of `traceparent`, and what counts as a trace or span id. Thread: any.

#include <optional>
#include <string_view>

namespace tapewatch {

struct TraceParent {
  std::string_view trace_id;  // 32 lower-case hexadecimal digits, not all zero
  std::string_view span_id;   // 16
};

[[nodiscard]] std::optional<TraceParent> parse_traceparent(std::string_view text);

// 32 or 16 hexadecimal digits (OpenTelemetry, Zipkin) or a decimal number (Datadog); not all zero.
[[nodiscard]] bool is_trace_id(std::string_view text);
[[nodiscard]] bool is_span_id(std::string_view text);
// 32 lower-case hexadecimal digits, not all zero.
[[nodiscard]] bool is_w3c_trace_id(std::string_view text);

}  // namespace tapewatch

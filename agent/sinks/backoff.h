// SPDX-License-Identifier: Apache-2.0
#pragma once
// When to try again: exponential backoff with full jitter, and what a server says in Retry-After (RFC 9110, 10.2.3).
// Thread: any.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace tapewatch {

struct BackoffOptions {
  std::chrono::nanoseconds init = std::chrono::seconds(1);
  std::chrono::nanoseconds max = std::chrono::seconds(60);
};

// A number in [0, 1); tests bring their own.
using Random = std::function<double()>;
[[nodiscard]] double random_unit();

// Anything from nothing to init * 2^(attempt-1), that being at most max. REQUIRES: attempt >= 1.
[[nodiscard]] std::chrono::nanoseconds backoff_delay(const BackoffOptions& options, int attempt, const Random& random);

// Seconds or an HTTP date; a date is counted from the reply's own Date header if there is one, because clocks differ.
// Never negative, at most `max`; nullopt when it says nothing that can be understood.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view retry_after,
                                                                        std::string_view date, std::int64_t wall_ns,
                                                                        std::chrono::nanoseconds max);

// Any of the three forms of RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT" and its two elders.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace tapewatch

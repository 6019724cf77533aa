// SPDX-License-Identifier: Apache-2.0
#pragma once
// Durations, sizes and other single values of a configuration: text to value, and value to text for messages.
// Thread: any.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapewatch {

// What is wrong with a value, and what the person probably meant ("" when nothing comes to mind).
struct ValueFault {
  enum class Kind : std::uint8_t { none, unit_missing, bad };
  Kind kind = Kind::none;
  std::string meant;
};

// "500ms" "30s" "5m" "2h" "7d", and "0". nullopt fills `fault`.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, ValueFault& fault);
// "100B" "64KiB" "10MiB" "1GiB" "5MB" ("KB" "MB" "GB" are powers of 1000), and "0". nullopt fills `fault`.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text, ValueFault& fault);

[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// What a plain scalar would be to a YAML 1.1 reader, when that is not the text that stands there: "a boolean", "an
// octal number" ... "" when nothing is doubtful.
[[nodiscard]] std::string_view yaml11_reading(std::string_view plain);

// Splits "host:port" ("[::1]:9600" for IPv6). False when it is anything else.
[[nodiscard]] bool parse_address(std::string_view text, std::string& host, std::uint16_t& port);
[[nodiscard]] bool is_loopback(std::string_view host);

// Whether the brackets and braces of a path pattern are closed.
[[nodiscard]] bool glob_is_closed(std::string_view pattern);

}  // namespace tapewatch

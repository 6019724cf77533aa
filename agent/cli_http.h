// SPDX-License-Identifier: Apache-2.0
#pragma once
// A blocking HTTP/1.1 GET for the commands that ask an agent on this machine. One request, one connection; sizes and
// times are bounded. It never follows redirects and never leaves the machine unless the address comes from the
// agent's own configuration. Thread: one.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

struct ApiAddress {
  std::string host;  // a number, or "localhost"
  std::uint16_t port = 0;
  std::string token;  // "" for none
};

struct ApiReply {
  int status = 0;
  std::string body;
};

struct ApiLimits {
  std::chrono::seconds timeout{30};  // for connecting and for each read
  std::size_t head_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 256UL * 1024 * 1024;
};

// `target` is path and query, already encoded.
[[nodiscard]] Result<ApiReply> api_get(const ApiAddress& address, const std::string& target,
                                       const ApiLimits& limits = {});

// Reads a stream of server-sent events until it ends or `take` returns false; `take` gets each event's name (mostly "")
// and data. The reply holds the body only when the status is not 200. No read times out.
using TakeStreamed = std::function<bool(std::string_view name, std::string_view data)>;
[[nodiscard]] Result<ApiReply> api_stream(const ApiAddress& address, const std::string& target,
                                          const TakeStreamed& take);

// "http://127.0.0.1:9600" or "127.0.0.1:9600"; loopback only.
[[nodiscard]] Result<ApiAddress> parse_api_url(std::string_view url);

// Percent-encodes everything but letters, digits and -._~
[[nodiscard]] std::string url_encoded(std::string_view text);

}  // namespace tapewatch

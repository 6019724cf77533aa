// SPDX-License-Identifier: Apache-2.0
#pragma once
// Routes: every address that is answered, literally; what is not here is a 404 before anything sees it. Thread: any.

#include <cstdint>
#include <span>
#include <string_view>

#include "http/request_parser.h"

namespace tapewatch {

// Who answers: the loop at once, or a worker through the API server.
enum class Service : std::uint8_t { alive, ready, reload, tail, api };

struct Route {
  std::string_view path;
  Service service = Service::api;
  bool post = false;  // POST instead of GET and HEAD
  bool open = false;  // answered without a token: probes, and the page, which holds no data
};

// nullptr when there is none. Rewrites /api/v1/trace/ID to /api/v1/trace?id=ID, so that routes stay literal.
[[nodiscard]] const Route* find_route(ApiRequest& request);
[[nodiscard]] std::span<const Route> all_routes();

}  // namespace tapewatch

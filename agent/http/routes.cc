// SPDX-License-Identifier: Apache-2.0
#include "http/routes.h"

#include <string>

namespace tapewatch {
namespace {

constexpr Route routes[] = {
    {"/", Service::api, false, true},
    {"/app.js", Service::api, false, true},
    {"/app.css", Service::api, false, true},
    {"/icon.svg", Service::api, false, true},
    {"/-/healthy", Service::alive, false, true},
    {"/livez", Service::alive, false, true},
    {"/-/ready", Service::ready, false, true},
    {"/readyz", Service::ready, false, true},
    {"/-/reload", Service::reload, true, false},
    {"/metrics", Service::api, false, false},
    {"/api/v1/search", Service::api, false, false},
    {"/api/v1/histogram", Service::api, false, false},
    {"/api/v1/top", Service::api, false, false},
    {"/api/v1/tail", Service::tail, false, false},
    {"/api/v1/trace", Service::api, false, false},
    {"/api/v1/alerts", Service::api, false, false},
    {"/api/v1/rules", Service::api, false, false},
    {"/api/v1/files", Service::api, false, false},
    {"/api/v1/status", Service::api, false, false},
};

constexpr std::string_view trace_prefix = "/api/v1/trace/";

// A part of a path may hold characters that mean something in a query.
std::string as_query_value(std::string_view part) {
  std::string out;
  for (const char c : part) {
    switch (c) {
      case '+':
        out.append("%2B");
        break;
      case '&':
        out.append("%26");
        break;
      case '=':
        out.append("%3D");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace

const Route* find_route(ApiRequest& request) {
  if (std::string_view(request.path).substr(0, trace_prefix.size()) == trace_prefix) {
    const std::string id = as_query_value(std::string_view(request.path).substr(trace_prefix.size()));
    if (id.empty() || id.find('/') != std::string::npos) return nullptr;
    request.query = "id=" + id + (request.query.empty() ? "" : "&" + request.query);
    request.path = trace_prefix.substr(0, trace_prefix.size() - 1);
  }
  for (const Route& route : routes) {
    if (route.path == request.path) return &route;
  }
  return nullptr;
}

std::span<const Route> all_routes() { return routes; }

}  // namespace tapewatch

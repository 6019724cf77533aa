// SPDX-License-Identifier: Apache-2.0
#include "sinks/engine.h"

#include <charconv>

#include "sinks/json_paths.h"

namespace tapewatch {

std::string_view product_name(Product product) {
  switch (product) {
    case Product::elasticsearch:
      return "elasticsearch";
    case Product::opensearch:
      return "opensearch";
    case Product::unknown:
      break;
  }
  return "unknown";
}

static void set_version(Engine& engine, std::string_view version) {
  engine.version = version.substr(0, 64);
  const char* at = engine.version.data();
  const char* const end = at + engine.version.size();
  at = std::from_chars(at, end, engine.major).ptr;
  if (at != end && *at == '.') std::from_chars(at + 1, end, engine.minor);
}

Result<Engine> parse_engine(std::string_view body) {
  Result<JsonPaths> paths = read_json_paths(body);
  if (!paths) return std::move(paths).error();
  const auto number = paths->find("version.number");
  if (number == paths->end()) return Error{Code::bad_reply, "the host does not tell a version"};
  Engine engine;
  set_version(engine, number->second);
  // OpenSearch names itself; Elasticsearch is known by its tagline or build flavor, older ones by the tagline alone.
  const auto distribution = paths->find("version.distribution");
  const auto tagline = paths->find("tagline");
  if (distribution != paths->end() && distribution->second == "opensearch") {
    engine.product = Product::opensearch;
  } else if (paths->contains("version.build_flavor") ||
             (tagline != paths->end() && tagline->second == "You Know, for Search")) {
    engine.product = Product::elasticsearch;
  }
  return engine;
}

// Nodes of Elasticsearch have a build flavor; those of OpenSearch have none.
Engine engine_of_node(std::string_view body) {
  Engine engine;
  const Result<JsonPaths> paths = read_json_paths(body);
  if (!paths) return engine;
  for (const auto& [path, text] : *paths) {
    if (path.ends_with(".version")) set_version(engine, text);
    if (path.ends_with(".build_flavor")) engine.product = Product::elasticsearch;
  }
  return engine;
}

Result<Engine> engine_of(const HttpReply& reply) {
  if (reply.error) return *reply.error;
  // Behind some proxies nobody may ask this; what every engine takes will do then.
  if (reply.code == 404 || reply.code == 405) return Engine{};
  if (reply.code != 200) return Error{Code::http_status, "HTTP status " + std::to_string(reply.code)};
  return parse_engine(reply.body);
}

}  // namespace tapewatch

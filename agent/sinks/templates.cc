// SPDX-License-Identifier: Apache-2.0
#include "sinks/templates.h"

#include <string_view>

#include "base/json_writer.h"

namespace tapewatch {
namespace {

// Raised with every change of a template, so that an engine shows which one it has.
constexpr int templates_version = 1;

// Why the mappings look as they do: a log agent must not lose a line to a mapping.
// - A string becomes a keyword and is never taken for a date or a number.
// - Numbers are long or double, and ignore_malformed (set for the whole index) turns a value that does not fit into one
// that
//   is kept in _source and not indexed.
// - A boolean becomes a keyword, because ignore_malformed does not cover booleans in every version: "yes" after true
//   would be refused.
// - Objects that the agent itself fills are declared; the collision of a scalar with one of these (`"host": "a"`) is
//   solved by the agent, which moves the scalar to its leaf. All others come into being with the first document that
//   has them. What no template can solve is a field that is a scalar in one line and an object in the next, a field
//   without a name, and one named like the engine's own (_id): such lines become dead letters with their reason.
constexpr std::string_view mappings = R"json({
      "date_detection": false,
      "numeric_detection": false,
      "dynamic_templates": [
        {"source_ip": {"path_match": "source.ip", "match_mapping_type": "string", "mapping": {"type": "ip", "ignore_malformed": true}}},
        {"client_ip": {"path_match": "client.ip", "match_mapping_type": "string", "mapping": {"type": "ip", "ignore_malformed": true}}},
        {"error_message": {"path_match": "error.message", "match_mapping_type": "string", "mapping": {"type": "text", "norms": false}}},
        {"stack_traces": {"match": "*stack*", "match_mapping_type": "string", "mapping": {"type": "text", "norms": false}}},
        {"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}},
        {"booleans": {"match_mapping_type": "boolean", "mapping": {"type": "keyword", "ignore_above": 1024}}},
        {"integers": {"match_mapping_type": "long", "mapping": {"type": "long", "ignore_malformed": true}}},
        {"fractions": {"match_mapping_type": "double", "mapping": {"type": "double", "ignore_malformed": true}}}
      ],
      "properties": {
        "@timestamp": {"type": "date_nanos"},
        "message": {"type": "text", "norms": false},
        "log": {"properties": {
          "level": {"type": "keyword", "ignore_above": 1024},
          "logger": {"type": "keyword", "ignore_above": 1024},
          "offset": {"type": "long"},
          "file": {"properties": {"path": {"type": "keyword", "ignore_above": 4096}}}
        }},
        "event": {"properties": {
          "kind": {"type": "keyword", "ignore_above": 1024},
          "category": {"type": "keyword", "ignore_above": 1024},
          "type": {"type": "keyword", "ignore_above": 1024},
          "action": {"type": "keyword", "ignore_above": 1024},
          "outcome": {"type": "keyword", "ignore_above": 1024},
          "dataset": {"type": "keyword", "ignore_above": 1024},
          "created": {"type": "date_nanos", "ignore_malformed": true},
          "start": {"type": "date_nanos", "ignore_malformed": true}
        }},
        "host": {"properties": {"name": {"type": "keyword", "ignore_above": 1024}}},
        "user": {"properties": {"id": {"type": "keyword", "ignore_above": 1024}, "name": {"type": "keyword", "ignore_above": 1024}}},
        "order": {"properties": {"id": {"type": "keyword", "ignore_above": 1024}}},
        "trade": {"properties": {"id": {"type": "keyword", "ignore_above": 1024}}},
        "approval": {"properties": {"id": {"type": "keyword", "ignore_above": 1024}}},
        "trace": {"properties": {"id": {"type": "keyword", "ignore_above": 1024}}},
        "error": {"properties": {"type": {"type": "keyword", "ignore_above": 1024}}},
        "labels": {"properties": {"correlation_id": {"type": "keyword", "ignore_above": 1024}}}
      }
    })json";

std::string common_template(const Engine& engine, const TemplateOptions& options) {
  std::string out = R"json({
  "template": {
    "settings": {
      "index": {
        "refresh_interval": "5s",
        "mapping": {
          "ignore_malformed": "true",
          "depth": {"limit": "64"},
          "total_fields": {"limit": ")json";
  // Other engines refuse settings that they do not know.
  const bool can_ignore = engine.at_least(Product::elasticsearch, 8, 14);
  out += std::to_string(can_ignore ? options.fields_max : options.fields_limit);
  out += '"';
  if (can_ignore) out += R"json(, "ignore_dynamic_beyond_limit": "true")json";
  out += R"json(}
        }
      }
    },
    "mappings": )json";
  out += mappings;
  out += R"json(
  },
  "version": )json";
  out += std::to_string(templates_version);
  out += R"json(,
  "_meta": {"managed_by": "tapewatch"}
}
)json";
  return out;
}

std::string index_template(const Engine& engine, const StreamOptions& stream, std::string_view description) {
  std::string out = "{\n  \"index_patterns\": [";
  append_json_string(out, stream.pattern);
  out += "],\n";
  if (stream.data_stream) out += "  \"data_stream\": {},\n";
  if (stream.data_stream && !stream.retention.empty() && has_lifecycle(engine)) {
    out += "  \"template\": {\"lifecycle\": {\"data_retention\": ";
    append_json_string(out, stream.retention);
    out += "}},\n";
  }
  // Above the engine's own template for logs-*-*, which has 100.
  out += "  \"composed_of\": [\"tapewatch-common\"],\n  \"priority\": 500,\n  \"version\": ";
  out += std::to_string(templates_version);
  out += ",\n  \"_meta\": {\"managed_by\": \"tapewatch\", \"description\": ";
  append_json_string(out, description);
  out += "}\n}\n";
  return out;
}

}  // namespace

bool has_lifecycle(const Engine& engine) { return engine.at_least(Product::elasticsearch, 8, 14); }

std::vector<Template> make_templates(const Engine& engine, const TemplateOptions& options) {
  return {
      {"_component_template/tapewatch-common", common_template(engine, options)},
      {"_index_template/logs-tapewatch.app", index_template(engine, options.app, "application logs")},
      {"_index_template/logs-tapewatch.alerts", index_template(engine, options.alerts, "alerts")},
      {"_index_template/logs-tapewatch.audit", index_template(engine, options.audit, "audit trail")},
  };
}

std::string print_templates(const Engine& engine, const TemplateOptions& options) {
  std::string out;
  for (const Template& made : make_templates(engine, options)) {
    out += "PUT " + made.path + "\n" + made.body + "\n";
  }
  return out;
}

}  // namespace tapewatch

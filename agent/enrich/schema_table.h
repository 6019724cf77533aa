// SPDX-License-Identifier: Apache-2.0
#pragma once
// The schema presets as data: under which name a logger writes what, and where that stands in the Elastic Common
// Schema. Of several sources of one target the first row wins. Thread: any.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tapewatch {

enum class SourceKind : std::uint8_t {
  time,         // of the event: RFC 3339 text or an epoch number
  level,        // a level's name or number
  text,         // moved when it is a string
  scalar,       // moved when it is a string, a number or a boolean
  number,       // moved when it is a number
  id,           // moved when it is a string that is not empty or a number
  trace_id,     // moved when it is one
  span_id,      // moved when it is one
  traceparent,  // gives trace.id and span.id, stays itself
  leaf,         // a name that must not hold an object: such an object is moved
  object,       // a name of an ECS object: anything else is moved to one of its leaves
  event,        // `event`: an action, a code or the message
};

enum class Preset : std::uint16_t {
  automatic = 1,
  ecs = 2,
  structlog = 4,
  python_json_logger = 8,
  pino = 16,
  zap = 32,
  logrus = 64,
  logback = 128,
  log4j = 256,
  bunyan = 512,
};

struct SchemaRow {
  std::string_view source;
  std::string_view target;
  SourceKind kind;
  std::uint16_t presets;                // of Preset
  std::string_view number_target = {};  // of object and event: where a number goes
};

[[nodiscard]] std::span<const SchemaRow> schema_rows();
// nullopt for "none"; CHECKs that the name is one that the configuration accepts.
[[nodiscard]] std::optional<Preset> preset_of(std::string_view name);

}  // namespace tapewatch

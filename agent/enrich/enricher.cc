// SPDX-License-Identifier: Apache-2.0
#include "enrich/enricher.h"

#include "base/timestamp.h"

namespace tapewatch {
namespace {

StaticFields::Fields with_version(const EnricherOptions& options) {
  StaticFields::Fields fields = options.fields;
  if (!options.ecs_version.empty()) fields.emplace_back("ecs.version", options.ecs_version);
  return fields;
}

}  // namespace

Enricher::Enricher(const EnricherOptions& options, FieldTable& table, Masker& masker)
    : ecs_(table),
      schema_(options.schema, ecs_, table),
      classifier_(ecs_, table),
      correlator_(options.correlation, ecs_, table, masker),
      static_fields_(with_version(options), options.file, table) {}

void Enricher::enrich(Event& event, const Hash128& id) {
  const bool has_time = event.is_json() && schema_.apply(event);
  correlator_.prepare(event);
  add_time(event, has_time);
  if (event.is_json()) classifier_.classify(event);
  correlator_.prefetch();
  static_fields_.add_to(event);
  correlator_.correlate(event, id);
  if (event.line().cut || event.line().partial) add_flags(event);
}

// A line without a time of its own has that of the line before it in its file, or else the one at which it was read.
void Enricher::add_time(Event& event, bool has_time) {
  FileTime& last = file_times_[event.source().file % file_times];
  if (!has_time && last.file == event.source().file && last.time_ns != 0) event.time_ns = last.time_ns;
  if (has_time) last = {event.source().file, event.time_ns};
  if (event.field(ecs_.timestamp).present()) return;
  std::string_view time = has_time ? schema_.time_text() : std::string_view();
  char text[32];
  if (time.empty()) {
    const char* const end = format_rfc3339_nanos(event.time_ns, text);
    time = event.keep(std::string_view(text, static_cast<std::size_t>(end - text)));
  }
  event.add_members(",\"@timestamp\":\"");
  event.add_members(time);
  event.add_members("\"");
  event.set(ecs_.timestamp, time);
}

void Enricher::add_flags(Event& event) {
  const Line& line = event.line();
  if (line.cut) {
    event.add_members(line.partial ? ",\"log.flags\":[\"truncated\",\"partial\"]" : ",\"log.flags\":[\"truncated\"]");
    event.add("log.original_bytes", static_cast<std::int64_t>(line.full_bytes));
  } else {
    event.add_members(",\"log.flags\":[\"partial\"]");
  }
}

}  // namespace tapewatch

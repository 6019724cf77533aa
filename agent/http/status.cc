// SPDX-License-Identifier: Apache-2.0
#include "http/status.h"

#include "base/json_writer.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

// null for "never".
void add_time(JsonObject& object, std::string& out, std::string_view name, std::int64_t ns) {
  object.key(name);
  if (ns == 0) {
    out.append("null");
  } else {
    append_json_string(out, format_rfc3339(ns));
  }
}

template <typename Items, typename Append>
void append_array(std::string& out, const Items& items, const Append& append) {
  out.push_back('[');
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.push_back(',');
    first = false;
    append(out, item);
  }
  out.push_back(']');
}

void append_input(std::string& out, const StatusSnapshot::Input& input) {
  JsonObject o(out);
  o.add("name", input.name);
  o.add("events", input.events);
  o.add("read_bytes", input.read_bytes);
  o.add("files", input.files);
  o.add("lag_bytes", input.lag_bytes);
  o.add("lag_seconds", input.lag_seconds);
  o.end();
}

void append_output(std::string& out, const StatusSnapshot::Output& output) {
  JsonObject o(out);
  o.add("name", output.name);
  o.add("state", output.state);
  o.add("delivered", output.delivered);
  o.add("duplicates", output.duplicates);
  o.add("retried", output.retried);
  o.add("rejected", output.rejected);
  o.add("dead_letters", output.dead_letters);
  o.add("queued_bytes", output.queued_bytes);
  o.add("last_error", output.last_error);
  add_time(o, out, "last_error_time", output.last_error_ns);
  add_time(o, out, "last_success_time", output.last_success_ns);
  o.end();
}

void append_loss(std::string& out, const StatusSnapshot::Loss& loss) {
  JsonObject o(out);
  o.add("name", loss.name);
  o.add("count", loss.count);
  o.add("meaning", loss.meaning);
  o.end();
}

void append_file(std::string& out, const StatusSnapshot::File& file) {
  JsonObject o(out);
  o.add("path", file.path);
  o.add("input", file.input);
  o.add("state", file.state);
  o.add("identity", file.identity);
  o.add("size", file.size);
  o.add("offset", file.offset);
  o.add("committed", file.committed);
  o.add("lag_bytes", file.lag_bytes);
  o.end();
}

void append_rule(std::string& out, const StatusSnapshot::Rule& rule) {
  JsonObject o(out);
  o.add("id", rule.id);
  o.add("title", rule.title);
  o.add("level", rule.level);
  o.add("kind", rule.kind);
  o.add("file", rule.file);
  o.add("matches", rule.matches);
  o.add("alerts", rule.alerts);
  add_time(o, out, "last_alert", rule.last_alert_ns);
  o.end();
}

void append_alert(std::string& out, const StatusSnapshot::Alert& alert) {
  JsonObject o(out);
  o.add("id", alert.id);
  o.add("rule_id", alert.rule_id);
  o.add("title", alert.title);
  o.add("description", alert.description);
  o.add("level", alert.level);
  o.add("state", alert.state);
  o.key("group");
  JsonObject group(out);
  for (const auto& [field, value] : alert.group) group.add(field, value);
  group.end();
  add_time(o, out, "time", alert.time_ns);
  add_time(o, out, "started", alert.started_ns);
  o.add("count", alert.count);
  o.add("correlation_id", alert.correlation_id);
  o.add("file", alert.file_path);
  o.add("offset", alert.file_offset);
  o.key("evidence");
  append_array(out, alert.evidence,
               [](std::string& to, const std::string& document) { append_json_string(to, document); });
  o.add("runbook", alert.runbook);
  o.end();
}

}  // namespace

const char* health_name(Health health) {
  switch (health) {
    case Health::healthy:
      return "healthy";
    case Health::degraded:
      return "degraded";
    case Health::failed:
      return "failed";
  }
  return "failed";
}

std::string status_json(const StatusSnapshot& s) {
  std::string out;
  JsonObject o(out);
  o.add("health", health_name(s.health));
  o.key("reasons");
  append_array(out, s.reasons, [](std::string& to, const std::string& reason) { append_json_string(to, reason); });
  o.add("ready", s.ready);
  o.add("version", s.version);
  o.add("service", s.service);
  o.add("instance", s.instance);
  add_time(o, out, "time", s.time_ns);
  add_time(o, out, "started", s.started_ns);
  add_time(o, out, "config_loaded", s.config_loaded_ns);
  o.add("config_error", s.config_error);
  o.add("events", s.events);
  o.add("events_per_second", s.events_per_second);
  add_time(o, out, "last_event", s.last_event_ns);
  o.add("parse_errors", s.parse_errors);
  o.add("masked_fields", s.masked_fields);
  o.add("rule_evaluations", s.rule_evaluations);
  o.add("alerts", s.alerts_fired);
  o.add("buffer_bytes", s.buffer_bytes);
  o.add("buffer_limit_bytes", s.buffer_limit_bytes);
  o.add("checkpoint_age_seconds", s.checkpoint_age_seconds);
  o.key("store");
  JsonObject store(out);
  store.add("enabled", s.store_enabled);
  store.add("records", s.store_records);
  store.add("disk_bytes", s.store_disk_bytes);
  store.end();
  o.key("inputs");
  append_array(out, s.inputs, append_input);
  o.key("outputs");
  append_array(out, s.outputs, append_output);
  o.key("losses");
  append_array(out, s.losses, append_loss);
  o.add("files", s.files.size());
  o.add("rules", s.rules.size());
  o.end();
  return out;
}

std::string files_json(const StatusSnapshot& snapshot) {
  std::string out = "{\"files\":";
  append_array(out, snapshot.files, append_file);
  out.push_back('}');
  return out;
}

std::string rules_json(const StatusSnapshot& snapshot) {
  std::string out = "{\"rules\":";
  append_array(out, snapshot.rules, append_rule);
  out.push_back('}');
  return out;
}

std::string alerts_json(const StatusSnapshot& snapshot) {
  std::string out = "{\"alerts\":";
  append_array(out, snapshot.alerts, append_alert);
  out.push_back('}');
  return out;
}

}  // namespace tapewatch

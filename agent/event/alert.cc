// SPDX-License-Identifier: Apache-2.0
#include "event/alert.h"

#include "base/json_writer.h"
#include "base/timestamp.h"

namespace tapewatch {
namespace {

void append_strings(std::string& out, const std::vector<std::string>& values) {
  out.push_back('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json_string(out, values[i]);
  }
  out.push_back(']');
}

std::string alert_message(const Alert& alert) {
  const std::string group = alert_group_text(alert);
  return alert.title + (group.empty() ? "" : " (" + group + ")") +
         (alert.state == AlertState::resolved ? " is over" : "");
}

void append_texts(std::string& out, const std::vector<std::pair<std::string, std::string>>& texts) {
  JsonObject object(out);
  for (const auto& [name, text] : texts) object.add(name, std::string_view(text));
  object.end();
}

}  // namespace

void add_measure(JsonObject& object, const std::string& prefix, const AlertMeasure& measure) {
  object.add(prefix + "value", measure.value);
  object.add(prefix + "expected", measure.expected);
  object.add(prefix + "lower", measure.lower);
  object.add(prefix + "upper", measure.upper);
  object.add(prefix + "score", measure.score);
}

Hash128 alert_id(const std::string& rule_id, const std::vector<std::pair<std::string, std::string>>& group,
                 std::int64_t started_ns) {
  std::string bytes = rule_id;
  bytes.push_back('\0');
  for (const auto& [field, value] : group) bytes.append(field).append(1, '\0').append(value).append(1, '\0');
  bytes.append(std::to_string(started_ns));
  return hash128(bytes);
}

Hash128 alert_message_id(const Alert& alert) {
  if (alert.state == AlertState::firing && !alert.repeated) return alert.id;
  return hash128(to_hex(alert.id) + " " + std::string(alert_state_name(alert.state)) + " " +
                 std::to_string(alert.time_ns));
}

std::string alert_group_text(const Alert& alert) {
  std::string text;
  for (const auto& [field, value] : alert.group) {
    if (!text.empty()) text.append(", ");
    text.append(field).append("=").append(value);
  }
  return text;
}

std::string_view alert_state_name(AlertState state) { return state == AlertState::firing ? "firing" : "resolved"; }

void append_alert_document(std::string& out, const Alert& alert) {
  JsonObject document(out);
  document.add("@timestamp", std::string_view(format_rfc3339(alert.time_ns)));
  document.add("message", std::string_view(alert_message(alert)));
  document.add("event.kind", "alert");
  document.add("event.action", alert_state_name(alert.state));
  document.add("event.dataset", "tapewatch.alerts");
  document.add("event.start", std::string_view(format_rfc3339(alert.started_ns)));
  document.add("log.level", alert.level == "high" || alert.level == "critical" ? "CRITICAL" : "WARNING");
  document.add("rule.id", std::string_view(alert.rule_id));
  document.add("rule.name", std::string_view(alert.title));
  document.add("rule.category", std::string_view(alert.level));
  if (!alert.description.empty()) document.add("rule.description", std::string_view(alert.description));
  if (!alert.runbook.empty()) document.add("rule.reference", std::string_view(alert.runbook));
  if (!alert.tags.empty()) {
    document.key("tags");
    append_strings(out, alert.tags);
  }
  document.add("alert.id", std::string_view(to_hex(alert.id)));
  document.add("alert.count", alert.count);
  if (alert.measure) add_measure(document, "alert.", *alert.measure);
  if (!alert.group.empty()) document.add("alert.group", std::string_view(alert_group_text(alert)));
  if (!alert.correlation_id.empty()) document.add("labels.correlation_id", std::string_view(alert.correlation_id));
  if (!alert.file_path.empty()) {
    document.add("log.file.path", std::string_view(alert.file_path));
    document.add("log.offset", alert.file_offset);
  }
  for (const auto& [name, text] : alert.annotations) document.add("alert.annotations." + name, std::string_view(text));
  document.key("alert.evidence");
  append_strings(out, alert.evidence);
  document.end();
}

void append_alert_webhook(std::string& out, const Alert& alert) {
  JsonObject body(out);
  body.add("id", std::string_view(to_hex(alert.id)));
  body.add("status", alert_state_name(alert.state));
  body.add("rule", std::string_view(alert.rule_id));
  body.add("title", std::string_view(alert.title));
  body.add("level", std::string_view(alert.level));
  body.add("time", std::string_view(format_rfc3339(alert.time_ns)));
  body.add("started", std::string_view(format_rfc3339(alert.started_ns)));
  body.add("count", alert.count);
  if (alert.measure) add_measure(body, "", *alert.measure);
  body.key("group");
  append_texts(out, alert.group);
  if (!alert.annotations.empty()) {
    body.key("annotations");
    append_texts(out, alert.annotations);
  }
  body.add("correlation_id", std::string_view(alert.correlation_id));
  body.add("runbook", std::string_view(alert.runbook));
  body.key("evidence");
  out.push_back('[');
  for (std::size_t i = 0; i < alert.evidence.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append(alert.evidence[i]);
  }
  out.push_back(']');
  body.end();
}

}  // namespace tapewatch

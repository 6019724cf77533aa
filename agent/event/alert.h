// SPDX-License-Identifier: Apache-2.0
#pragma once
// Alert: what a rule found; owned, small, free to travel between threads. Its identity is the hash of rule id, group
// and event time of the first matching event: the same after a restart, a replay or a backtest.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/json_writer.h"

namespace tapewatch {

enum class AlertState : std::uint8_t { firing, resolved };

// What a rule that learns found: the signal, and what was expected of it.
struct AlertMeasure {
  double value = 0;
  double expected = 0;
  double lower = 0;  // the band in which the value alone would have been no alarm
  double upper = 0;
  double score = 0;  // -log10 of a probability
};

struct Alert {
  Hash128 id;
  std::string rule_id;
  std::string rule_name;  // "" when the rule has none
  std::string title;
  std::string description;
  std::string level;  // informational low medium high critical
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> labels;       // of the rule
  std::vector<std::pair<std::string, std::string>> annotations;  // of the rule, filled in
  AlertState state = AlertState::firing;
  bool repeated = false;                                   // told before, and it goes on
  std::vector<std::pair<std::string, std::string>> group;  // field path, value; empty for an ungrouped rule
  std::int64_t time_ns = 0;                                // event time of the event that completed it
  std::int64_t started_ns = 0;                             // event time of its first matching event
  std::uint64_t count = 1;                                 // matching events in the window
  double value = 1;                                        // what the rule's condition is about
  std::optional<AlertMeasure> measure;
  std::string correlation_id;  // of the last matching event; "" when unknown
  std::string file_path;       // where the last matching event stands
  std::uint64_t file_offset = 0;
  std::vector<std::string> evidence;  // masked documents (JSON) of matching events, newest last, bounded by the rule
  std::string runbook;
  // Who reads this line again tells the alert again; of one that the clock gave, its number among those.
  std::uint64_t source_file = 0;  // the tailer's id, or the id of the clock's alerts; 0: unknown
  std::uint64_t source_offset = 0;
};

[[nodiscard]] Hash128 alert_id(const std::string& rule_id,
                               const std::vector<std::pair<std::string, std::string>>& group, std::int64_t started_ns);

// Adds value, expected, lower, upper and score, each with this prefix.
void add_measure(JsonObject& object, const std::string& prefix, const AlertMeasure& measure);
// Of what is told of an alert: its identity the first time, and one for each repetition and for its end. Two messages
// with the same one are the same message.
[[nodiscard]] Hash128 alert_message_id(const Alert& alert);
// "user.id=u1, source.ip=10.0.0.1"
[[nodiscard]] std::string alert_group_text(const Alert& alert);
[[nodiscard]] std::string_view alert_state_name(AlertState state);

// One ECS document (event.kind: alert, rule.*) without line end: what the store and Elasticsearch receive.
void append_alert_document(std::string& out, const Alert& alert);
// The webhook's body: one JSON object.
void append_alert_webhook(std::string& out, const Alert& alert);

}  // namespace tapewatch

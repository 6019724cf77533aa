// SPDX-License-Identifier: Apache-2.0
#include "demo_view.h"

#include <algorithm>

#include "base/clock.h"
#include "base/timestamp.h"
#include "cli_events.h"
#include "event/level.h"

namespace tapewatch {
namespace {

constexpr int ticks_a_second = 2;
constexpr int quiet_after_ticks = 20 * ticks_a_second;  // from then on only every fifth second
constexpr std::size_t events_shown = 2;                 // a tick
constexpr std::size_t fields_shown = 3;
constexpr std::size_t trace_fields_shown = 4;
constexpr std::size_t alerts_kept = 10'000;
constexpr std::size_t trace_events_least = 4;
constexpr std::size_t trace_events_shown = 12;

// The event's time; 0 when it tells none.
std::int64_t time_of(std::string_view event) {
  const auto document = flatten_json(event);
  const auto time = document ? parse_rfc3339(first_of(*document, {"@timestamp"})) : std::nullopt;
  return time.value_or(0);
}

bool is_debug(std::string_view event) {
  const auto document = flatten_json(event);
  return document && level_from_name(first_of(*document, {"log.level"})) == Level::debug;
}

std::string bold(std::string_view text, bool colour) {
  return colour ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}

// "+0.123 s" since the first event.
std::string since(std::string_view event, std::int64_t& first_ns) {
  const std::int64_t time = time_of(event);
  if (time == 0) return "            ";
  if (first_ns == 0) first_ns = time;
  std::string text = std::to_string((time - first_ns) / ns_per_ms) + " ms";
  text.insert(0, text.size() < 10 ? 10 - text.size() : 0, ' ');
  return text + "  ";
}

// A line without its time, which stands before it as a difference.
std::string without_time(const std::string& line) {
  const std::size_t space = line.find(' ');
  return space == std::string::npos ? line : line.substr(space + 1);
}

}  // namespace

void DemoView::show_welcome() {
  const std::string host = address_.host.find(':') != std::string::npos ? "[" + address_.host + "]" : address_.host;
  const std::string url = "http://" + host + ":" + std::to_string(address_.port);
  const bool colour = console_.err_colour;
  console_.notice("\n  page and API   " + bold(url + "/", colour) + "\n  search         tapewatch search --url " + url +
                  " 'log.level:ERROR'\n  one order      tapewatch trace --url " + url +
                  " ORD-000007\n  metrics        curl " + url + "/metrics\n\n" + bold("events", colour) + "\n");
}

void DemoView::tick() {
  ++ticks_;
  const bool quiet = ticks_ > quiet_after_ticks;
  if (!quiet || ticks_ % (5 * ticks_a_second) == 0) show_events();
  show_alerts();
  if (!traced_ && ticks_ > 2 * ticks_a_second) show_trace();
}

void DemoView::show_events() {
  const auto reply = api_get(address_, "/api/v1/search?query=%2A&limit=20");
  if (!reply || reply->status != 200) return;
  const auto events = list_items(reply->body, "events");
  if (!events) return;
  std::size_t shown = 0;
  std::int64_t newest = newest_ns_;
  for (const std::string_view event : *events) {
    const std::int64_t time = time_of(event);
    newest = std::max(newest, time);
    if (time <= newest_ns_ || is_debug(event)) continue;
    if (shown++ < events_shown) console_.notice("  " + event_line(event, console_.err_colour, fields_shown) + "\n");
  }
  newest_ns_ = newest;
}

void DemoView::show_alerts() {
  const auto reply = api_get(address_, "/api/v1/alerts");
  if (!reply || reply->status != 200) return;
  const auto alerts = list_items(reply->body, "alerts");
  if (!alerts) return;
  for (const std::string_view alert : *alerts) {
    const auto fields = flatten_json(alert);
    if (!fields) continue;
    const std::string id(first_of(*fields, {"id"}));
    if (alerts_.size() >= alerts_kept || !alerts_.insert(id).second) continue;
    std::string line = "ALERT " + terminal_safe(first_of(*fields, {"level"})) + ": " +
                       terminal_safe(first_of(*fields, {"title", "rule_id"}));
    for (const auto& [name, value] : *fields) {
      if (name.compare(0, 6, "group.") == 0) line += "  " + terminal_safe(name.substr(6) + "=" + value);
    }
    const std::string_view count = first_of(*fields, {"count"});
    if (!count.empty() && count != "1") line += "  " + terminal_safe(count) + " events";
    console_.notice("\n  " + (console_.err_colour ? "\x1b[1;31m" + line + "\x1b[0m" : line) + "\n\n");
  }
}

void DemoView::show_trace() {
  const auto found = api_get(address_, "/api/v1/search?limit=50&query=" + url_encoded("event.action:trade-executed"));
  if (!found || found->status != 200) return;
  const auto fills = list_items(found->body, "events");
  if (!fills || fills->empty()) return;
  // The oldest of them: its order is most likely complete.
  const auto fill = flatten_json(fills->back());
  const std::string order(fill ? first_of(*fill, {"order.id"}) : "");
  if (order.empty()) return;
  const auto reply = api_get(address_, "/api/v1/trace/" + url_encoded(order));
  if (!reply || reply->status != 200) return;
  const auto events = list_items(reply->body, "events");
  if (!events || events->size() < trace_events_least) return;
  traced_ = true;
  console_.notice("\n" + bold("trace of " + terminal_safe(order), console_.err_colour) +
                  "  (only its first lines carried the correlation id; the others were tied to it by the order id)\n");
  std::int64_t first_ns = 0;
  for (std::size_t i = 0; i < std::min(events->size(), trace_events_shown); ++i) {
    const std::string line = event_line((*events)[i], console_.err_colour, trace_fields_shown);
    console_.notice(since((*events)[i], first_ns) + without_time(line) + "\n");
  }
  console_.notice("\n");
}

}  // namespace tapewatch

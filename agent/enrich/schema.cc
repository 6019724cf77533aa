// SPDX-License-Identifier: Apache-2.0
#include "enrich/schema.h"

#include <bit>
#include <charconv>

#include "base/check.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "enrich/trace_context.h"

namespace tapewatch {
namespace {

bool is_scalar(const FieldValue& value) {
  return value.type == JsonType::string || value.type == JsonType::number || value.type == JsonType::boolean;
}

// An array whose first element is no object: an engine takes it for a scalar.
bool is_scalar_array(const FieldValue& value) {
  if (value.type != JsonType::array) return false;
  const std::size_t first = value.raw.find_first_not_of(" \t\r\n", 1);
  return first != std::string_view::npos && value.raw[first] != '{' && value.raw[first] != ']';
}

bool is_object(const FieldValue& value) {
  return value.type == JsonType::object || (value.type == JsonType::array && !is_scalar_array(value));
}

bool is_id(const FieldValue& value) {
  return value.type == JsonType::number || (value.type == JsonType::string && !value.raw.empty());
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  out.append(name).push_back('"');
  return out;
}

// log4j2 writes the instant as two numbers.
std::int64_t nanos_of_second(const FieldValue& value) {
  std::int64_t nanos = 0;
  const char* const end = value.raw.data() + value.raw.size();
  const auto [stop, error] = std::from_chars(value.raw.data(), end, nanos);
  return error == std::errc() && stop == end && nanos >= 0 && nanos < ns_per_second ? nanos : 0;
}

// Replaces the value, quotes included.
void edit_value(Event& event, const FieldValue& value, std::string_view json) {
  const std::uint32_t quote = value.type == JsonType::string ? 1 : 0;
  const std::uint32_t begin = event.offset_of(value.raw) - quote;
  event.edit(begin, begin + static_cast<std::uint32_t>(value.raw.size()) + 2 * quote, json);
}

std::string_view quoted_level(Level level) {
  switch (level) {
    case Level::debug:
      return "\"DEBUG\"";
    case Level::info:
      return "\"INFO\"";
    case Level::warning:
      return "\"WARNING\"";
    case Level::error:
      return "\"ERROR\"";
    case Level::critical:
      return "\"CRITICAL\"";
    case Level::none:
      break;
  }
  return "null";
}

Level level_of(Event& event, const FieldValue& value) {
  if (value.type == JsonType::string) return level_from_name(event.text(value));
  if (value.type != JsonType::number || value.raw.size() > 2) return Level::none;
  std::int64_t number = 0;
  for (const char c : value.raw) {
    if (c < '0' || c > '9') return Level::none;
    number = number * 10 + (c - '0');
  }
  return level_from_number(number);
}

}  // namespace

Schema::Target Schema::target_of(std::string_view name, FieldTable& table) {
  return Target{table.add(name), quoted(name)};
}

Schema::Schema(std::string_view name, const EcsFields& ecs, FieldTable& table)
    : ecs_(ecs),
      rewrites_(preset_of(name).has_value()),
      http_request_(table.add("http.request")),
      instant_(table.add("instant.epochSecond")),
      instant_nanos_(table.add("instant.nanoOfSecond")) {
  const auto preset = static_cast<std::uint16_t>(preset_of(name).value_or(Preset::automatic));
  message_ = target_of("message", table);
  timestamp_ = target_of("@timestamp", table);
  for (const SchemaRow& row : schema_rows()) {
    if ((row.presets & preset) == 0) continue;
    Row made;
    made.kind = row.kind;
    made.source = table.add(row.source);
    made.target = target_of(row.target, table);
    if (!row.number_target.empty()) made.number_target = target_of(row.number_target, table);
    const bool object = row.kind == SourceKind::object || row.kind == SourceKind::event;
    made.fallback = target_of(object ? std::string(row.source) + ".value" : "fields." + std::string(row.source), table);
    rows_.push_back(std::move(made));
  }
  CHECK(rows_.size() <= rows_max);
  row_of_field_.assign(table.size(), no_row);
  for (std::size_t i = rows_.size(); i-- > 0;) row_of_field_[rows_[i].source] = static_cast<std::uint16_t>(i);
}

Schema::RowSet Schema::rows_in(const Event& event) const {
  RowSet found{};
  for (const FieldId field : event.present_fields()) {
    if (field >= row_of_field_.size()) continue;
    const std::uint16_t row = row_of_field_[field];
    if (row != no_row) found[row / 64] |= std::uint64_t{1} << row % 64;
  }
  return found;
}

bool Schema::apply(Event& event) {
  has_time_ = false;
  time_text_ = {};
  const RowSet found = rows_in(event);
  for (std::size_t word = 0; word < found.size(); ++word) {
    for (std::uint64_t rest = found[word]; rest != 0; rest &= rest - 1) {
      apply_row(event, rows_[word * 64 + static_cast<std::size_t>(std::countr_zero(rest))]);
    }
  }
  return has_time_;
}

void Schema::apply_row(Event& event, const Row& row) {
  const FieldValue value = event.field(row.source);
  switch (row.kind) {
    case SourceKind::time:
      read_time(event, row, value);
      break;
    case SourceKind::level:
      read_level(event, row, value);
      break;
    case SourceKind::text:
      if (value.type == JsonType::string) move(event, value, row.target);
      break;
    case SourceKind::scalar:
      if (is_scalar(value)) move(event, value, row.target);
      break;
    case SourceKind::number:
      if (value.type == JsonType::number) move(event, value, row.target);
      break;
    case SourceKind::id:
    case SourceKind::trace_id:
    case SourceKind::span_id:
      move_id(event, row, value);
      break;
    case SourceKind::traceparent:
      read_traceparent(event, value);
      break;
    case SourceKind::leaf:
      if (is_object(value)) move(event, value, row.fallback);
      break;
    case SourceKind::object:
      if (!is_scalar(value) && !is_scalar_array(value)) break;
      move_or_fall_back(
          event, row, value,
          value.type == JsonType::number && row.number_target.field != no_field ? row.number_target : row.target);
      break;
    case SourceKind::event:
      move_event(event, row, value);
      break;
  }
}

bool Schema::move(Event& event, const FieldValue& value, const Target& target) {
  if (!value.top_level || event.field(target.field).present()) return false;
  if (rewrites_) event.edit(value.key_begin, value.key_begin + value.key_bytes, target.quoted_name);
  event.assign(target.field, value);
  return true;
}

void Schema::move_or_fall_back(Event& event, const Row& row, const FieldValue& value, const Target& target) {
  if (!move(event, value, target)) static_cast<void>(move(event, value, row.fallback));
}

void Schema::move_id(Event& event, const Row& row, const FieldValue& value) {
  if (!is_id(value)) return;
  if (row.kind == SourceKind::id) {
    // "http.request" as a scalar and "http.request.id" exclude each other.
    const FieldValue& request = event.field(http_request_);
    if (row.target.field == ecs_.request_id && request.present() && !is_object(request)) return;
    static_cast<void>(move(event, value, row.target));
    return;
  }
  const bool is_trace = row.kind == SourceKind::trace_id;
  if (value.escaped || !(is_trace ? is_trace_id(value.raw) : is_span_id(value.raw))) return;
  if (move(event, value, row.target) || value.top_level || event.field(row.target.field).present()) return;
  if (rewrites_) event.add(is_trace ? "trace.id" : "span.id", value.raw);  // a nested one is copied
  event.assign(row.target.field, value);
}

void Schema::read_traceparent(Event& event, const FieldValue& value) {
  if (value.type != JsonType::string || value.escaped) return;
  const auto parent = parse_traceparent(value.raw);
  if (!parent) return;
  const auto put = [&](FieldId field, std::string_view name, std::string_view id) {
    if (event.field(field).present()) return;
    if (rewrites_) event.add(name, id);
    event.set(field, id);
  };
  put(ecs_.trace_id, "trace.id", parent->trace_id);
  put(ecs_.span_id, "span.id", parent->span_id);
}

void Schema::move_event(Event& event, const Row& row, const FieldValue& value) {
  if (!is_scalar(value) && !is_scalar_array(value)) return;
  if (value.type == JsonType::number) {
    move_or_fall_back(event, row, value, row.number_target);
  } else if (event.field(ecs_.message).present()) {
    move_or_fall_back(event, row, value, row.target);
  } else {
    move_or_fall_back(event, row, value, message_);
  }
}

void Schema::read_time(Event& event, const Row& row, const FieldValue& value) {
  const bool own = row.source == ecs_.timestamp;
  if (has_time_) return;
  const bool readable = value.type == JsonType::string || value.type == JsonType::number;
  const ReadTime time = readable ? times_.read(event.text(value)) : ReadTime{};
  if (!time.valid) {
    // An engine refuses a line whose "@timestamp" is no time.
    if (own && rewrites_ && value.top_level) {
      event.edit(value.key_begin, value.key_begin + value.key_bytes, row.fallback.quoted_name);
      event.assign(row.fallback.field, value);
      event.clear(ecs_.timestamp);
    }
    return;
  }
  has_time_ = true;
  event.time_ns = time.ns + (row.source == instant_ ? nanos_of_second(event.field(instant_nanos_)) : 0);
  if (time.is_strict) time_text_ = event.text(value);
  if (!rewrites_) return;
  if (time.is_epoch && !own) return;
  if (!own && !move(event, value, timestamp_)) return;
  if (time.is_strict) return;
  char text[32];
  text[0] = '"';
  char* const end = format_rfc3339_nanos(time.ns, text + 1);
  *end = '"';
  edit_value(event, value, event.keep(std::string_view(text, static_cast<std::size_t>(end + 1 - text))));
}

void Schema::read_level(Event& event, const Row& row, const FieldValue& value) {
  const bool own = row.source == ecs_.level;
  if (event.level != Level::none || (!own && event.field(ecs_.level).present())) return;
  const Level level = level_of(event, value);
  if (level == Level::none) {
    if (!own && value.type == JsonType::string) move(event, value, row.target);
    return;
  }
  event.level = level;
  if (!own && !move(event, value, row.target)) return;
  if (rewrites_ && value.raw != level_name(level)) edit_value(event, value, quoted_level(level));
  event.set(ecs_.level, level_name(level));
}

}  // namespace tapewatch

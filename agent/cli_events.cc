// SPDX-License-Identifier: Apache-2.0
#include "cli_events.h"

#include <algorithm>
#include <cctype>

#include "cli_console.h"
#include "event/json_index.h"
#include "event/level.h"

namespace tapewatch {
namespace {

constexpr int depth_max = 64;

class Flattener final {
 public:
  Flattener(JsonIndex& index, FlatDocument& out) : index_(index), out_(out) {}

  bool value(const std::string& path, int depth) {
    const char c = index_.peek();
    if (depth > depth_max || out_.size() >= scalars_max) return index_.skip_value(depth_max);
    if (c == '{') return object(path, depth);
    if (c == '[') return list(path, depth);
    std::string text;
    if (c == '"') {
      const std::string_view raw = index_.take_string_raw();
      if (!escapes_valid(raw)) return false;
      append_unescaped(text, raw);
    } else {
      text = index_.take_scalar_raw();
      if (scalar_type(text) == JsonType::invalid) return false;
    }
    out_.emplace_back(path, std::move(text));
    return true;
  }

 private:
  bool object(const std::string& path, int depth) {
    index_.advance();
    if (index_.take('}')) return true;
    do {
      if (index_.peek() != '"') return false;
      std::string name = path.empty() ? "" : path + ".";
      const std::string_view raw = index_.take_string_raw();
      if (!escapes_valid(raw)) return false;
      append_unescaped(name, raw);
      if (!index_.take(':') || !value(name, depth + 1)) return false;
    } while (index_.take(','));
    return index_.take('}');
  }
  bool list(const std::string& path, int depth) {
    index_.advance();
    if (index_.take(']')) return true;
    do {
      if (!value(path, depth + 1)) return false;
    } while (index_.take(','));
    return index_.take(']');
  }

  JsonIndex& index_;
  FlatDocument& out_;
};

Error not_json() { return Error{Code::bad_reply, "not a JSON object"}; }

// Stands at the value of `key` afterwards. False when the object has no such key.
bool seek_member(JsonIndex& index, std::string_view key) {
  if (!index.take('{') || index.peek() != '"') return false;
  do {
    if (index.peek() != '"') return false;
    const bool found = index.take_string_raw() == key;
    if (!index.take(':')) return false;
    if (found) return true;
    if (!index.skip_value(depth_max)) return false;
  } while (index.take(','));
  return false;
}

std::string_view level_colour(Level level) {
  if (level >= Level::error) return "\x1b[1;31m";
  if (level == Level::warning) return "\x1b[1;33m";
  return level == Level::debug ? "\x1b[2m" : "\x1b[32m";
}

constexpr std::size_t shown_value_max = 120;

// Said already, or of no use beside the rest.
bool is_shown_elsewhere(std::string_view path) {
  static const std::vector<std::string_view> elsewhere = {"@timestamp",
                                                          "timestamp",
                                                          "time",
                                                          "ts",
                                                          "log.level",
                                                          "level",
                                                          "severity",
                                                          "log.logger",
                                                          "logger",
                                                          "message",
                                                          "msg",
                                                          "ecs.version",
                                                          "log.offset",
                                                          "log.file.path",
                                                          "host.name",
                                                          "_id",
                                                          "service.name",
                                                          "agent.name",
                                                          "event.kind",
                                                          "event.original",
                                                          "seq",
                                                          "process.pid",
                                                          "labels.correlation_source",
                                                          "error.stack_trace",
                                                          "service.environment",
                                                          "service.version"};
  return std::find(elsewhere.begin(), elsewhere.end(), path) != elsewhere.end();
}

}  // namespace

Result<FlatDocument> flatten_json(std::string_view json) {
  JsonIndex index;
  FlatDocument out;
  if (!index.build(json) || index.peek() != '{') return not_json();
  if (!Flattener(index, out).value("", 0) || !index.done()) return not_json();
  return out;
}

std::string_view first_of(const FlatDocument& document, const std::vector<std::string_view>& paths) {
  for (const std::string_view path : paths) {
    for (const auto& [name, value] : document) {
      if (name == path) return value;
    }
  }
  return "";
}

Result<std::vector<std::string_view>> list_items(std::string_view json, std::string_view key) {
  JsonIndex index;
  std::vector<std::string_view> out;
  if (!index.build(json) || !seek_member(index, key) || !index.take('[')) return not_json();
  if (index.take(']')) return out;
  do {
    if (index.done()) return not_json();
    const std::size_t begin = index.position();
    if (!index.skip_value(depth_max) || index.done()) return not_json();
    std::size_t end = index.position();
    while (end > begin && std::isspace(static_cast<unsigned char>(json[end - 1]))) --end;
    out.push_back(json.substr(begin, end - begin));
  } while (index.take(','));
  if (!index.take(']')) return not_json();
  return out;
}

std::string top_scalar(std::string_view json, std::string_view key) {
  JsonIndex index;
  std::string out;
  if (!index.build(json) || !seek_member(index, key)) return out;
  if (index.peek() == '"') {
    const std::string_view raw = index.take_string_raw();
    if (escapes_valid(raw)) append_unescaped(out, raw);
  } else if (index.peek() != '{' && index.peek() != '[') {
    out = index.take_scalar_raw();
  }
  return out;
}

std::string event_line(std::string_view json, bool colour, std::size_t fields_max) {
  const auto document = flatten_json(json);
  if (!document) return terminal_safe(json);
  const std::string_view level_text = first_of(*document, {"log.level", "level", "severity"});
  const Level level = level_from_name(level_text);
  std::string out(first_of(*document, {"@timestamp", "timestamp", "time", "ts"}));
  std::string shown_level(level == Level::none ? level_text : level_name(level));
  shown_level.resize(std::max<std::size_t>(shown_level.size(), 8), ' ');
  out = terminal_safe(out) + " ";
  if (colour) out += level_colour(level);
  out += terminal_safe(shown_level);
  if (colour) out += "\x1b[0m";
  for (const std::string_view part :
       {first_of(*document, {"log.logger", "logger"}), first_of(*document, {"message", "msg", "event"})}) {
    if (!part.empty()) out += " " + terminal_safe(part);
  }
  std::size_t shown = 0;
  for (const auto& [path, value] : *document) {
    if (is_shown_elsewhere(path) || value.empty() || shown == fields_max) continue;
    out += (shown++ == 0 ? "  " : " ") + std::string(colour ? "\x1b[36m" : "") + terminal_safe(path) +
           (colour ? "\x1b[0m" : "") + "=" + terminal_safe(std::string_view(value).substr(0, shown_value_max));
  }
  return out;
}

}  // namespace tapewatch

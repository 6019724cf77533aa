// SPDX-License-Identifier: Apache-2.0
#include "init_guess.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "base/ascii.h"
#include "base/json_writer.h"
#include "cli_console.h"
#include "cli_events.h"

namespace tapewatch {
namespace {

constexpr std::size_t values_kept = 6;

struct FieldCount {
  std::size_t lines = 0;
  std::vector<std::string> values;  // distinct ones, the first few
};

struct Survey {
  std::size_t lines = 0;
  std::size_t objects = 0;
  std::map<std::string, FieldCount, std::less<>> fields;

  [[nodiscard]] bool has(std::string_view path) const { return fields.find(path) != fields.end(); }
};

Survey survey(std::string_view text) {
  Survey out;
  for (std::size_t at = 0; at < text.size() && out.lines < sample_lines_max;) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos && out.lines > 0) break;  // the sample cut it
    const std::string_view line = text.substr(at, end - at);
    at = end == std::string_view::npos ? text.size() : end + 1;
    if (line.empty()) continue;
    ++out.lines;
    const auto document = flatten_json(line);
    if (!document) continue;
    ++out.objects;
    for (const auto& [path, value] : *document) {
      FieldCount& field = out.fields[path];
      ++field.lines;
      const bool known = std::find(field.values.begin(), field.values.end(), value) != field.values.end();
      if (!known && field.values.size() < values_kept) field.values.push_back(value);
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string doubled;  // "${" would be taken for a reference to the environment
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "${") == 0) doubled += '$';
    doubled += text[i];
  }
  return json_string(doubled);
}

// Fit for a comment: one line, short.
std::string shown(std::string_view text) {
  std::string out = terminal_safe(text.substr(0, 40));
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

std::string counted(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

const FieldCount* first_field(const Survey& s, const std::vector<std::string_view>& paths, std::string& name) {
  for (const std::string_view path : paths) {
    const auto found = s.fields.find(path);
    if (found == s.fields.end()) continue;
    name = path;
    return &found->second;
  }
  return nullptr;
}

std::string escaped_pattern(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (std::string_view("*?[]{}\\").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// The file's name with every run of digits (a date, a number) as '*': "oms-2026-01-05.log" is "oms-*.log".
std::string without_dates(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(name[i])) != 0;
    const bool within = !out.empty() && out.back() == '*';
    if (digit && !within) {
      out.push_back('*');
    } else if (!digit) {
      const bool joins = within && (name[i] == '-' || name[i] == '_' || name[i] == 'T') && i + 1 < name.size() &&
                         std::isdigit(static_cast<unsigned char>(name[i + 1])) != 0;
      if (!joins) out += escaped_pattern(name.substr(i, 1));
    }
  }
  return out;
}

std::string guess_inputs(const LogSample& sample) {
  const std::size_t slash = sample.path.rfind('/');
  const std::string folder = sample.path.substr(0, slash + 1);
  const std::string name = sample.path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  const std::string ending = dot == std::string::npos || dot == 0 ? "" : name.substr(dot);
  const bool letters = ending.find_first_of("0123456789") == std::string::npos;
  const auto same_ending = std::count_if(sample.neighbours.begin(), sample.neighbours.end(), [&](const auto& other) {
    return !ending.empty() && letters && other != name && other.size() > ending.size() &&
           other.compare(other.size() - ending.size(), ending.size(), ending) == 0;
  });
  std::string pattern = escaped_pattern(name);
  std::string why = "this one file; its rotated generations are followed by themselves";
  if (const std::string dated = without_dates(name); dated != pattern) {
    pattern = dated;
    why = "the name holds a date or number, so a new file will come";
  } else if (same_ending > 0) {
    pattern = "*" + escaped_pattern(ending);
    why = counted(static_cast<std::size_t>(same_ending), "other file") + " of this folder ends in " + shown(ending) +
          "; name the one file if they belong to other programs";
  }
  return "inputs:\n  - include: [" + quoted(escaped_pattern(folder) + pattern) + "]\n    # guessed: " + why +
         "\n    start_at: beginning          # end: only what is written from now on\n";
}

std::string guess_schema(const Survey& s) {
  const auto all = [&](std::initializer_list<std::string_view> paths) {
    return std::all_of(paths.begin(), paths.end(), [&](std::string_view path) { return s.has(path); });
  };
  if (all({"@timestamp", "ecs.version"}) || all({"@timestamp", "log.level"})) return "ecs";
  if (all({"loggerFqcn"}) || all({"instant.epochSecond"})) return "log4j";
  if (all({"logger_name", "thread_name"})) return "logback";
  if (all({"levelname"})) return "python-json-logger";
  if (all({"v", "hostname", "name", "msg"})) return "bunyan";
  if (all({"pid", "hostname", "msg", "time"})) return "pino";
  if (all({"ts", "caller", "msg"})) return "zap";
  if (all({"event", "level", "timestamp"})) return "structlog";
  if (all({"msg", "level", "time"})) return "logrus";
  return "";
}

std::string guess_parse(const Survey& s) {
  std::string out = "parse:\n  schema: auto\n";
  if (const std::string schema = guess_schema(s); !schema.empty()) {
    out += "  # guessed: the fields look like " + schema + "; auto finds that by itself\n";
  }
  std::string name;
  if (const auto* time = first_field(s, {"@timestamp", "timestamp", "time", "ts", "asctime", "eventTime"}, name)) {
    out += "  # guessed: the time is in " + name + ", as " + shown(time->values[0]) + "\n";
  } else {
    out += "  # no field looks like a time: events get the time at which they were read\n";
  }
  if (const auto* level = first_field(s, {"log.level", "level", "levelname", "severity", "lvl"}, name)) {
    out += "  # guessed: the level is in " + name + ":";
    for (const std::string& value : level->values) out += " " + shown(value);
    out += "\n";
  }
  if (first_field(s, {"message", "msg", "event"}, name) != nullptr) out += "  # guessed: the text is in " + name + "\n";
  return out;
}

std::string lower_plain(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '_' && c != '.' && c != '-') out.push_back(ascii_lower(c));
  }
  return out;
}

std::string guess_correlation(const Survey& s) {
  std::string keys;
  std::string why;
  std::string explicit_id;
  for (const auto& [path, count] : s.fields) {
    const std::string plain = lower_plain(path);
    if (path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-") !=
        std::string::npos)
      continue;
    for (const std::string_view id : {"orderid", "clordid", "tradeid", "sessionid", "executionid", "dealid"}) {
      if (plain.size() < id.size() || plain.compare(plain.size() - id.size(), id.size(), id) != 0) continue;
      keys += (keys.empty() ? "" : ", ") + path;
      why += (why.empty() ? "" : ", ") + path + " in " + counted(count.lines, "line");
      break;
    }
    for (const std::string_view id : {"correlationid", "traceid", "traceparent", "requestid"}) {
      if (plain.size() >= id.size() && plain.compare(plain.size() - id.size(), id.size(), id) == 0)
        explicit_id += (explicit_id.empty() ? "" : ", ") + path;
    }
  }
  std::string out = "enrich:\n  correlation:\n";
  if (keys.empty()) {
    out +=
        "    keys: [order.id, trade.id, session.id]\n    # nothing in the sample looks like such an id: these are the "
        "defaults\n";
  } else {
    out += "    keys: [" + keys + "]\n    # guessed: " + why +
           "; an event that has only one of them gets the id of its flow\n";
  }
  out += explicit_id.empty() ? "    # no correlation or trace id found: events of a flow get one made from these keys\n"
                             : "    # guessed: " + explicit_id + " ties the lines of one flow together\n";
  return out;
}

std::string guess_service(const Survey& s) {
  std::string name;
  const FieldCount* service = first_field(s, {"service.name", "service", "app", "application"}, name);
  if (service == nullptr || service->values.size() != 1 || service->values[0].empty() ||
      service->values[0].size() > 64) {
    return "service:\n  name: tapewatch-app            # the sample does not tell the application's name\n";
  }
  return "service:\n  name: " + quoted(service->values[0]) + "\n  # guessed: " + name + " of " +
         counted(service->lines, "line") + "\n";
}

}  // namespace

std::string guess_configuration(const LogSample& sample) {
  const Survey s = survey(sample.text);
  std::string out = "# Written by `tapewatch init` from the first " + counted(s.lines, "line") + " of " +
                    shown(sample.path.substr(sample.path.rfind('/') + 1)) + ": " + counted(s.objects, "JSON object");
  if (s.objects < s.lines) {
    out += " and " + counted(s.lines - s.objects, "other line") + ", which will be delivered as text";
  }
  out +=
      ".\n# Check it with `tapewatch validate -c FILE`, run it with `tapewatch run -c FILE`.\n"
      "# Every key and its default is in config/tapewatch.yaml.\n\n";
  out += guess_service(s) + "\n" + guess_inputs(sample) + "\n" + guess_parse(s) + "\n" + guess_correlation(s);
  out +=
      "\n# Passwords, tokens, card numbers and e-mail addresses are masked before anything leaves memory.\nmask:\n"
      "  keys: []                       # further keys whose values are secret\n"
      "\nrules:\n  include: []                    # alert rules: [rules/**/*.yaml], relative to this file\n"
      "\n# Without an output the events stay in the embedded store of this machine: `tapewatch search`. To deliver "
      "them:\n"
      "# outputs:\n#   elasticsearch: {hosts: [\"http://localhost:9200\"]}\n";
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_tests.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/json_writer.h"
#include "base/timestamp.h"
#include "detect/rule_documents.h"
#include "detect/rule_loader_faults.h"
#include "detect/rule_loader_parts.h"
#include "event/parser.h"

namespace tapewatch {
namespace {

constexpr std::int64_t default_start_ns = 1'767'571'200 * ns_per_second;  // 2026-01-05T00:00:00Z

struct TestEvent {
  std::int64_t at_ns = 0;  // since the test's start
  std::string line;
};

struct ExpectedAlert {
  std::string rule;
  std::optional<std::int64_t> at_ns;
  std::vector<std::pair<std::string, std::string>> group;
  bool any_group = true;
  std::string step;  // of a flow; "": any
};

struct RuleTest {
  std::string name;
  std::int64_t start_ns = default_start_ns;
  std::int64_t until_ns = 0;
  std::vector<TestEvent> events;
  std::vector<ExpectedAlert> alerts;
};

std::string seconds_text(std::int64_t ns) {
  if (ns % ns_per_second == 0) return std::to_string(ns / ns_per_second) + "s";
  return std::to_string(ns / ns_per_ms) + "ms";
}

std::string group_text(const std::vector<std::pair<std::string, std::string>>& group) {
  std::string text;
  for (const auto& [field, value] : group) text.append(" ").append(field).append("=").append(value);
  return text;
}

void append_json(std::string& out, const YamlNode& node) {
  const std::string& text = node.text;
  switch (node.kind) {
    case YamlNode::Kind::null:
    case YamlNode::Kind::refused:
      out.append("null");
      break;
    case YamlNode::Kind::scalar:
      if (!node.quoted && (text == "true" || text == "false" || is_json_number(text))) {
        out.append(text);
      } else {
        append_json_string(out, text);
      }
      break;
    case YamlNode::Kind::list:
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        out.push_back(i == 0 ? '[' : ',');
        append_json(out, node.items[i]);
      }
      out.append(node.items.empty() ? "[]" : "]");
      break;
    case YamlNode::Kind::map: {
      JsonObject object(out);
      for (const auto& [key, value] : node.members) {
        object.key(key.text);
        append_json(out, value);
      }
      object.end();
      break;
    }
  }
}

// Reads the tests of one file.
class TestReader final {
 public:
  TestReader(const RuleTestOptions& options, RuleFaults& faults) : options_(options), faults_(faults) {}

  std::optional<RuleTest> read(const YamlNode& node) {
    const int before = faults_.errors();
    RuleTest test;
    if (!node.is_map()) {
      faults_.error(fault_number::wrong_type, node, "a test must be a map");
      return std::nullopt;
    }
    check_keys(node, {"name", "start", "until", "events", "alerts"}, "a test", faults_);
    test.name = text_member(node, "name", faults_);
    test.until_ns = span(node.find("until"), 0);
    if (const std::string start = text_member(node, "start", faults_); !start.empty()) {
      test.start_ns = parse_rfc3339(start).value_or(-1);
      if (test.start_ns < 0) {
        faults_.error(fault_number::bad_value, *node.find("start"), "start must be a time (RFC 3339)");
      }
    }
    for (const YamlNode& event : list(node, "events")) read_event(event, test);
    for (const YamlNode& alert : list(node, "alerts")) read_alert(alert, test);
    const auto earlier = [](const TestEvent& a, const TestEvent& b) { return a.at_ns < b.at_ns; };
    std::stable_sort(test.events.begin(), test.events.end(), earlier);
    if (faults_.errors() > before) return std::nullopt;
    return test;
  }

 private:
  const std::vector<YamlNode>& list(const YamlNode& map, std::string_view key) {
    static const std::vector<YamlNode> nothing;
    const YamlNode* node = map.find(key);
    if (node == nullptr) return nothing;
    if (!node->is_list()) faults_.error(fault_number::wrong_type, *node, std::string(key) + " must be a list");
    return node->items;
  }

  std::int64_t span(const YamlNode* node, std::int64_t otherwise) {
    if (node == nullptr) return otherwise;
    if (node->text == "0s" || node->text == "0") return 0;
    const auto ns = parse_timespan(node->text);
    if (!ns) faults_.error(fault_number::bad_timespan, *node, "bad time \"" + node->text + "\"", "like 40s or 5m");
    return ns.value_or(otherwise);
  }

  void read_event(const YamlNode& node, RuleTest& test) {
    if (!node.is_map()) {
      faults_.error(fault_number::wrong_type, node, "an event must be a map", "{at: 0s, line: {...}}");
      return;
    }
    check_keys(node, {"at", "repeat", "every", "line"}, "an event", faults_);
    const YamlNode* line = node.find("line");
    if (line == nullptr) {
      faults_.error(fault_number::missing_key, node, "an event needs a line");
      return;
    }
    const std::string repeat = text_member(node, "repeat", faults_);
    if (!repeat.empty() && (!is_plain_integer(repeat) || repeat.front() == '-' || repeat.size() > 6)) {
      faults_.error(fault_number::bad_value, *node.find("repeat"), "repeat must be a count");
      return;
    }
    const std::size_t count = repeat.empty() ? 1 : std::strtoull(repeat.c_str(), nullptr, 10);
    if (test.events.size() + count > options_.events_max) {
      faults_.error(fault_number::rule_limit, node, "more than " + std::to_string(options_.events_max) + " events");
      return;
    }
    const std::int64_t at_ns = span(node.find("at"), 0);
    const std::int64_t every_ns = span(node.find("every"), ns_per_second);
    for (std::size_t i = 0; i < count; ++i) {
      TestEvent event;
      event.at_ns = at_ns + static_cast<std::int64_t>(i) * every_ns;
      event.line = line_text(*line, test.start_ns + event.at_ns);
      test.events.push_back(std::move(event));
    }
  }

  // The time goes first, so that a line of the test may give another one.
  static std::string line_text(const YamlNode& line, std::int64_t time_ns) {
    if (line.is_scalar()) return line.text;
    std::string text;
    append_json(text, line);
    if (line.find("@timestamp") != nullptr || line.find("timestamp") != nullptr || !line.is_map()) return text;
    return "{\"@timestamp\":\"" + format_rfc3339(time_ns) + "\"" + (line.members.empty() ? "" : ",") + text.substr(1);
  }

  void read_alert(const YamlNode& node, RuleTest& test) {
    ExpectedAlert alert;
    if (!node.is_map()) {
      faults_.error(fault_number::wrong_type, node, "an alert must be a map", "{rule: id or name, at: 40s}");
      return;
    }
    check_keys(node, {"rule", "at", "group", "step"}, "an alert", faults_);
    alert.rule = text_member(node, "rule", faults_);
    alert.step = text_member(node, "step", faults_);
    if (node.find("at") != nullptr) alert.at_ns = span(node.find("at"), 0);
    if (const YamlNode* group = node.find("group"); group != nullptr) {
      alert.any_group = false;
      for (const auto& [key, value] : group->members) {
        alert.group.emplace_back(key.text, value.text);
      }
    }
    test.alerts.push_back(std::move(alert));
  }

  const RuleTestOptions& options_;
  RuleFaults& faults_;
};

std::string step_of(const Alert& alert) {
  for (const auto& [name, text] : alert.labels) {
    if (name == "step") return text;
  }
  return "";
}

bool fits(const ExpectedAlert& want, const Alert& got, std::int64_t start_ns) {
  if (want.rule != got.rule_id && want.rule != got.rule_name && want.rule != got.title) return false;
  if (!want.step.empty() && want.step != step_of(got)) return false;
  if (want.at_ns && *want.at_ns != got.time_ns - start_ns) return false;
  return want.any_group || want.group == got.group;
}

std::vector<std::string> compare(const RuleTest& test, std::vector<Alert> got) {
  std::vector<std::string> differences;
  std::vector<ExpectedAlert> wanted = test.alerts;  // those that say most choose first
  const auto says = [](const ExpectedAlert& alert) {
    return (alert.at_ns ? 1 : 0) + (alert.any_group ? 0 : 1) + (alert.step.empty() ? 0 : 1);
  };
  std::stable_sort(wanted.begin(), wanted.end(), [&](auto& a, auto& b) { return says(a) > says(b); });
  for (const ExpectedAlert& want : wanted) {
    const auto found =
        std::find_if(got.begin(), got.end(), [&](const Alert& alert) { return fits(want, alert, test.start_ns); });
    if (found != got.end()) {
      got.erase(found);
      continue;
    }
    differences.push_back("missing: " + want.rule + (want.at_ns ? " at " + seconds_text(*want.at_ns) : "") +
                          group_text(want.group) + (want.step.empty() ? "" : ", step " + want.step));
  }
  for (const Alert& alert : got) {
    const std::string& name = alert.rule_name.empty() ? alert.rule_id : alert.rule_name;
    differences.push_back("unexpected: " + name + " at " + seconds_text(alert.time_ns - test.start_ns) +
                          group_text(alert.group) + (step_of(alert).empty() ? "" : ", step " + step_of(alert)));
  }
  return differences;
}

// id -> "id title" of every rule that alerts.
void remember(const RuleSet& rules, std::map<std::string, std::string>& known) {
  const auto add = [&known](const RuleHead& head) {
    if (!head.silent) known[head.id] = head.id + " " + head.title;
  };
  for (const DetectionRule& rule : rules.detections) {
    if (rule.applies) add(rule.head);
  }
  for (const CorrelationRule& rule : rules.correlations) add(rule.head);
  for (const FlowRule& rule : rules.flows) add(rule.head);
}

// Faults of these are told by whoever loads them to run them.
void add_rules(const std::vector<std::string>& files, const RuleTestOptions& options,
               std::map<std::string, std::string>& known) {
  Diagnostics untold;
  FieldTable fields;
  RuleLoader loader(fields, options.loader, untold);
  for (const std::string& file : options.pipelines) loader.add_pipeline_file(file);
  for (const std::string& file : files) loader.add_file(file);
  remember(loader.finish(), known);
}

// The tests of one file, each on rules loaded anew: a detector owns its rules.
class FileRun final {
 public:
  FileRun(std::vector<std::string> rule_files, std::vector<std::string> pipelines, const RuleTestOptions& options,
          const EnrichmentMaker& make_enrichment)
      : rule_files_(std::move(rule_files)),
        pipelines_(std::move(pipelines)),
        options_(options),
        make_enrichment_(make_enrichment) {}

  std::vector<Alert> run(const RuleTest& test, Diagnostics& diagnostics) {
    FieldTable fields;
    const auto enrich = make_enrichment_ ? make_enrichment_(fields) : nullptr;
    RuleLoader loader(fields, options_.loader, diagnostics);
    for (const std::string& file : pipelines_) loader.add_pipeline_file(file);
    for (const std::string& file : rule_files_) loader.add_file(file);
    Detector detector(loader.finish(), options_.detector);
    remember(detector.rules(), rules_);
    Parser parser(fields, nullptr);
    SourceFile source;
    std::vector<Alert> alerts;
    std::string document;
    std::int64_t newest_ns = INT64_MIN;
    for (const TestEvent& event : test.events) {
      Line line;
      line.text = event.line;
      line.full_bytes = event.line.size();
      Event& seen = parser.parse(line, source, test.start_ns + event.at_ns);
      if (enrich) enrich(seen);
      document.clear();
      seen.append_json(document);
      detector.see(seen, document, alerts);
      newest_ns = std::max(newest_ns, seen.time_ns);
    }
    // Nothing comes late any more.
    if (!test.events.empty()) detector.advance(newest_ns + 1, alerts);
    if (test.until_ns > 0) detector.advance(test.start_ns + test.until_ns, alerts);
    return alerts;
  }

  // id -> "id title" of every rule that alerts.
  [[nodiscard]] const std::map<std::string, std::string>& rules() const { return rules_; }

 private:
  const std::vector<std::string> rule_files_;
  const std::vector<std::string> pipelines_;
  const RuleTestOptions& options_;
  const EnrichmentMaker& make_enrichment_;
  std::map<std::string, std::string> rules_;
};

// Patterns of a test file are relative to its folder.
std::vector<std::string> patterns_of(const std::string& file, const YamlNode& document, std::string_view key) {
  std::vector<std::string> patterns;
  const YamlNode* rules = document.find(key);
  if (rules == nullptr) return patterns;
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (rules->is_scalar()) patterns.push_back((folder / rules->text).string());
  for (const YamlNode& pattern : rules->items) patterns.push_back((folder / pattern.text).string());
  return patterns;
}

void run_document(const std::string& file, const YamlNode& document, const RuleTestOptions& options,
                  const EnrichmentMaker& make_enrichment, Diagnostics& diagnostics, RuleTestReport& report,
                  std::map<std::string, std::string>& rules, std::set<std::string>& tested) {
  RuleFaults faults(file, diagnostics);
  const YamlNode* tests = document.find("tests");
  if (tests == nullptr || !tests->is_list()) {
    faults.error(fault_number::missing_key, document, "a file of tests needs a list of tests");
    ++report.skipped;
    return;
  }
  std::vector<std::string> pipelines = find_rule_files(patterns_of(file, document, "pipelines"), diagnostics);
  pipelines.insert(pipelines.begin(), options.pipelines.begin(), options.pipelines.end());
  FileRun run(find_rule_files(patterns_of(file, document, "rules"), diagnostics), std::move(pipelines), options,
              make_enrichment);
  TestReader reader(options, faults);
  bool first = true;
  for (const YamlNode& node : tests->items) {
    const auto test = reader.read(node);
    if (!test) {
      ++report.skipped;
      continue;
    }
    ++report.tests;
    Diagnostics again;  // the rules' faults are told once
    const std::vector<Alert> alerts = run.run(*test, first ? diagnostics : again);
    first = false;
    for (const Alert& alert : alerts) tested.insert(alert.rule_id);
    auto differences = compare(*test, alerts);
    if (!differences.empty()) report.failures.push_back({file, test->name, std::move(differences)});
  }
  rules.insert(run.rules().begin(), run.rules().end());
}

}  // namespace

RuleTestReport run_rule_tests(const std::vector<std::string>& files, const RuleTestOptions& options,
                              const EnrichmentMaker& make_enrichment, Diagnostics& diagnostics) {
  RuleTestReport report;
  std::map<std::string, std::string> rules;
  std::set<std::string> tested;
  std::vector<std::string> rule_files;
  for (const std::string& file : files) {
    const auto text = read_file(file, options.loader.file_bytes_max);
    if (!text.ok()) {
      diagnostics.add({Severity::error, fault_number::unreadable, file, 0, 0, 1, text.error().message, ""});
      ++report.skipped;
      continue;
    }
    diagnostics.add_source(file, *text);
    const RuleDocuments read = read_rule_documents(file, *text, options.loader.yaml, diagnostics);
    report.skipped += read.rejected;
    bool holds_rules = false;
    for (const YamlNode& document : read.documents) {
      if (document.is_map() && document.find("tests") == nullptr && document.find("rules") == nullptr) {
        holds_rules = true;  // of rules beside tests it is told at the end which none of them exercises
        continue;
      }
      run_document(file, document, options, make_enrichment, diagnostics, report, rules, tested);
    }
    if (holds_rules) rule_files.push_back(file);
  }
  add_rules(rule_files, options, rules);
  for (const auto& [id, text] : rules) {
    if (!tested.contains(id)) report.untested.push_back(text);
  }
  return report;
}

}  // namespace tapewatch

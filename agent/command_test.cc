// SPDX-License-Identifier: Apache-2.0
// `tapewatch test` and `tapewatch rules`: rules tried on the lines of their tests, listed, shown and explained.
#include <algorithm>

#include "agent_options.h"
#include "base/files.h"
#include "base/json_writer.h"
#include "commands.h"
#include "detect/rule_explain.h"
#include "detect/rule_tests.h"

namespace tapewatch {
namespace {

constexpr std::size_t rule_file_bytes_max = 8 << 20;

// What stands before the detector in a running agent, so that a test's line means what it means there.
struct Enrichment {
  AgentMetrics metrics{TAPEWATCH_VERSION};
  Masker masker;
  Enricher enricher;
  const bool masks;
  Enrichment(const Config& config, const Surroundings& around, FieldTable& fields)
      : masker(mask_options(config.mask), metrics.masked_fields),
        enricher(enricher_options(config, around), fields, masker),
        masks(config.mask.enabled) {}
};

EnrichmentMaker enrichment_of(const Config& config, const Surroundings& around) {
  return [&config, &around](FieldTable& fields) {
    auto enrichment = std::make_shared<Enrichment>(config, around, fields);
    return [enrichment](Event& event) {
      enrichment->enricher.enrich(event, hash128(event.line().text, event.line().offset));
      if (enrichment->masks) enrichment->masker.mask(event);
    };
  };
}

// Without a configuration: the defaults, and what stands on the command line.
std::optional<Config> config_or_default(const Arguments& arguments, Console& console) {
  if (arguments.has("config")) return load_for_command(arguments, console);
  return Config{};
}

void print_failures(const RuleTestReport& report, Console& console) {
  for (const RuleTestReport::Failure& failure : report.failures) {
    console.print("FAILED " + terminal_safe(failure.file + ": " + failure.test) + "\n");
    for (const std::string& difference : failure.differences) console.print("  " + terminal_safe(difference) + "\n");
  }
  for (const std::string& rule : report.untested) console.print("untested " + terminal_safe(rule) + "\n");
}

std::string head_line(const RuleSummary& rule) {
  std::string text = rule.level;
  text.resize(std::max<std::size_t>(14, text.size() + 1), ' ');
  text += rule.kind;
  text.resize(std::max<std::size_t>(30, text.size() + 1), ' ');
  return text + (rule.name.empty() ? rule.id : rule.name) + "  " + rule.title +
         (rule.applies ? "" : "  (sees no event: nothing maps its log source)");
}

void print_list(const std::vector<RuleSummary>& rules, bool json, Console& console) {
  for (const RuleSummary& rule : rules) {
    std::string text;
    if (json) {
      append_rule_json(text, rule);
    } else {
      text = terminal_safe(head_line(rule));
    }
    console.print(text + "\n");
  }
}

// The document as it stands in its file, from the line that begins it to the next "---".
int show(const RuleSummary& rule, Console& console) {
  const auto text = read_file(rule.file, rule_file_bytes_max);
  if (!text.ok()) return fail(console, text.error().message);
  std::size_t begin = 0;
  for (int line = 1; line < rule.line && begin < text->size(); ++line) begin = text->find('\n', begin) + 1;
  const std::size_t end = text->find("\n---", begin);
  std::string shown = text->substr(begin, end == std::string::npos ? end : end - begin);
  while (shown.ends_with('\n')) shown.pop_back();
  console.print("# " + terminal_safe(rule.file) + ":" + std::to_string(rule.line) + "\n");
  for (std::size_t at = 0; at < shown.size();) {
    const std::size_t stop = std::min(shown.find('\n', at), shown.size());
    console.print(terminal_safe(std::string_view(shown).substr(at, stop - at)) + "\n");
    at = stop + 1;
  }
  return exit_good;
}

}  // namespace

int test_command(const Arguments& arguments, Console& console) {
  std::optional<Config> config = config_or_default(arguments, console);
  if (!config) return exit_bad_config;
  if (arguments.has("pipeline")) config->rules.pipelines = arguments.values("pipeline");
  std::vector<std::string> patterns = arguments.words();
  if (patterns.empty()) patterns.emplace_back("rules");
  Diagnostics diagnostics;
  const std::vector<std::string> files = find_rule_files(patterns, diagnostics);
  RuleTestOptions options;
  options.pipelines = find_rule_files(config->rules.pipelines, diagnostics);
  const RuleTestReport report = run_rule_tests(files, options, enrichment_of(*config, console.around), diagnostics);
  console.notice(diagnostics.render(console.err_colour));
  print_failures(report, console);
  console.notice("tapewatch: " + std::to_string(report.tests) + " tests, " + std::to_string(report.failures.size()) +
                 " failed, " + std::to_string(report.skipped) + " with faults, " +
                 std::to_string(report.untested.size()) + " rules untested\n");
  if (report.tests == 0 && report.skipped == 0) return fail(console, "no test there");
  return report.good() && !diagnostics.has_errors() ? exit_good : exit_failed;
}

int rules_command(const Arguments& arguments, Console& console) {
  std::optional<Config> config = config_or_default(arguments, console);
  if (!config) return exit_bad_config;
  if (arguments.has("rules")) config->rules.include = arguments.values("rules");
  if (arguments.has("pipeline")) config->rules.pipelines = arguments.values("pipeline");
  if (config->rules.include.empty()) config->rules.include.emplace_back("rules");
  Diagnostics diagnostics;
  FieldTable fields;
  const Enrichment enrichment(*config, console.around, fields);  // its aliases give names their meaning
  RuleLoader loader(fields, RuleLoader::Options{}, diagnostics);
  for (const std::string& file : find_rule_files(config->rules.pipelines, diagnostics)) loader.add_pipeline_file(file);
  for (const std::string& file : find_rule_files(config->rules.include, diagnostics)) loader.add_file(file);
  const RuleSet rules = loader.finish();
  console.notice(diagnostics.render(console.err_colour));
  const std::vector<RuleSummary> all = summaries(rules);

  const std::string& verb = arguments.words()[0];
  if (verb == "list") {
    print_list(all, arguments.has("json"), console);
    return diagnostics.has_errors() ? exit_bad_config : exit_good;
  }
  if (arguments.words().size() < 2) {
    console.notice("tapewatch: rules " + verb + " needs the id, name or title of a rule\n");
    return exit_usage;
  }
  const std::string& wanted = arguments.words()[1];
  const auto is_wanted = [&](const RuleSummary& r) { return r.id == wanted || r.name == wanted || r.title == wanted; };
  const auto found = std::find_if(all.begin(), all.end(), is_wanted);
  if (found == all.end()) {
    std::vector<std::string_view> names;
    for (const RuleSummary& rule : all) names.emplace_back(rule.name.empty() ? rule.id : rule.name);
    const std::string_view near = nearest(wanted, names);
    return fail(console, "no rule has the id, name or title \"" + wanted + "\"" +
                             (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
  }
  if (verb == "show") return show(*found, console);
  std::string text;
  append_explanation(text, rules, found->index, fields);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    console.print(terminal_safe(std::string_view(text).substr(at, stop - at)) + "\n");
    at = stop + 1;
  }
  return exit_good;
}

}  // namespace tapewatch

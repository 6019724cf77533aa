// SPDX-License-Identifier: Apache-2.0
// What rules cost: the parser alone, then parser and detector, over the same lines in memory, in turn; alerts are
// written as JSON. tests/bench/rules makes rules and events for it.
//   bench_rules RULES... -- CORPUS [LINES]        RULES: files, folders or globs; those in `pipelines` are pipelines
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/timestamp.h"
#include "detect/detector.h"
#include "detect/rule_loader.h"
#include "event/parser.h"

namespace tapewatch {
namespace {

constexpr int rounds = 7;
constexpr std::size_t bytes_max = std::size_t{256} << 20;

// Of this thread's processor time: what other programs do costs it nothing but cache.
double seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Detector::Options options() {
  Detector::Options options;
  options.window.groups_max = 2'000'000;
  options.flows.flows_max = 2'000'000;
  return options;
}

std::vector<std::string_view> split(std::string_view text, std::size_t lines_max) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < lines_max) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The names that a schema would give to the corpus' fields.
void add_aliases(FieldTable& fields) {
  for (const auto& [source, path] : std::vector<std::pair<const char*, const char*>>{{"timestamp", "@timestamp"},
                                                                                     {"level", "log.level"},
                                                                                     {"logger", "log.logger"},
                                                                                     {"event", "event.action"},
                                                                                     {"user_id", "user.id"},
                                                                                     {"order_id", "order.id"}}) {
    fields.alias(source, fields.add(path));
  }
}

struct Totals {
  double ns_a_line = 1e18;
  std::uint64_t alerts = 0;
  Detector::Counters counters;
};

RuleSet load(const std::vector<std::string>& files, FieldTable& fields, Diagnostics& diagnostics) {
  RuleLoader loader(fields, RuleLoader::Options(), diagnostics);
  const auto is_pipeline = [](const std::string& file) { return file.find("pipelines/") != std::string::npos; };
  for (const std::string& file : files) {
    if (is_pipeline(file)) loader.add_pipeline_file(file);
  }
  for (const std::string& file : files) {
    if (!is_pipeline(file)) loader.add_file(file);
  }
  return loader.finish();
}

// Without `files` the parser alone. Every round has a detector of its own: time does not run backwards.
Totals run(const std::vector<std::string_view>& lines, FieldTable& fields, const std::vector<std::string>& files) {
  const FieldId time = fields.find("@timestamp");
  Parser parser(fields, nullptr);
  SourceFile source;
  std::vector<Alert> alerts;
  std::string written;
  Totals totals;
  for (int round = 0; round < rounds; ++round) {
    totals.alerts = 0;
    std::unique_ptr<Detector> detector;
    Diagnostics diagnostics;
    if (!files.empty()) detector = std::make_unique<Detector>(load(files, fields, diagnostics), options());
    const double begin = seconds();
    for (const std::string_view text : lines) {
      Line line;
      line.text = text;
      Event& event = parser.parse(line, source, 0);
      event.time_ns = parse_rfc3339(event.field(time).raw).value_or(0);
      if (!detector) continue;
      detector->see(event, {}, alerts);
      totals.alerts += alerts.size();
      for (const Alert& alert : alerts) append_alert_document(written, alert);
      written.clear();
      alerts.clear();
    }
    totals.ns_a_line = std::min(totals.ns_a_line, (seconds() - begin) * 1e9 / static_cast<double>(lines.size()));
    if (detector) totals.counters = detector->counters();
  }
  return totals;
}

int bench(const std::vector<std::string>& patterns, const std::string& corpus, std::size_t lines_max) {
  const auto text = read_file(corpus, bytes_max);
  if (!text.ok()) {
    std::fprintf(stderr, "%s\n", text.error().message.c_str());
    return 1;
  }
  const std::vector<std::string_view> lines = split(*text, lines_max);
  FieldTable plain;
  add_aliases(plain);
  const Totals parse = run(lines, plain, {});

  const double begin = seconds();
  FieldTable fields;
  add_aliases(fields);
  Diagnostics diagnostics;
  const std::vector<std::string> files = find_rule_files(patterns, diagnostics);
  RuleSet rules = load(files, fields, diagnostics);
  std::fputs(diagnostics.render(false).c_str(), stderr);
  const std::size_t count = rules.size();
  { const Detector compiled(std::move(rules), options()); }
  const double loaded = seconds() - begin;
  const Totals slots = run(lines, fields, {});
  const Totals all = run(lines, fields, files);
  const Detector::Counters& counters = all.counters;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("lines %zu  rules %zu  load %.3f s  fields %zu  peak less the corpus %ld MiB\n", lines.size(), count,
              loaded, fields.size(), usage.ru_maxrss / 1024 - static_cast<long>(text->size() >> 20));
  std::printf("parse %.0f ns  parse with the rules' fields %.0f ns  with rules %.0f ns  rules alone %.0f ns a line\n",
              parse.ns_a_line, slots.ns_a_line, all.ns_a_line, all.ns_a_line - parse.ns_a_line);
  std::printf("groups %llu\n", static_cast<unsigned long long>(counters.groups + counters.flows));
  std::printf("woken %.3f  matched %.4f rules a line  alerts %llu a round\n",
              static_cast<double>(counters.evaluations) / static_cast<double>(counters.events),
              static_cast<double>(counters.matches) / static_cast<double>(counters.events),
              static_cast<unsigned long long>(all.alerts));
  return 0;
}

}  // namespace
}  // namespace tapewatch

int main(int argc, char** argv) {
  std::vector<std::string> rules;
  int at = 1;
  for (; at < argc && std::string_view(argv[at]) != "--"; ++at) rules.emplace_back(argv[at]);
  if (rules.empty() || at + 1 >= argc) {
    std::fputs("usage: bench_rules RULES... -- CORPUS [LINES]\n", stderr);
    return 2;
  }
  const std::size_t lines = at + 2 < argc ? std::strtoull(argv[at + 2], nullptr, 10) : 1'000'000;
  return tapewatch::bench(rules, argv[at + 1], lines);
}

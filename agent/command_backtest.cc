// SPDX-License-Identifier: Apache-2.0
// `tapewatch backtest`: the rules over old files, through the same stages as live.
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <fstream>

#include "base/json_writer.h"
#include "base/timestamp.h"
#include "commands.h"
#include "detect/backtest.h"
#include "detect/rule_loader.h"
#include "packed_file.h"
#include "stages.h"

namespace tapewatch {
namespace {

using Steady = std::chrono::steady_clock;

std::uint64_t bytes_of(const std::vector<std::string>& files) {
  std::uint64_t bytes = 0;
  for (const std::string& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) bytes += static_cast<std::uint64_t>(status.st_size);
  }
  return bytes;
}

std::string progress_line(const BacktestReport& report, std::uint64_t bytes_in_all, double seconds) {
  const auto mib = static_cast<double>(report.bytes) / (1 << 20);
  const double rate = seconds > 0 ? static_cast<double>(report.bytes) / seconds : 0;
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(), "backtest: %.0f MiB, %llu lines, %llu alerts, %.0f lines/s, %.0f MiB/s", mib,
                static_cast<unsigned long long>(report.lines), static_cast<unsigned long long>(report.alerts),
                seconds > 0 ? static_cast<double>(report.lines) / seconds : 0.0, rate / (1 << 20));
  std::string line = text.data();
  if (bytes_in_all > report.file_bytes && report.file_bytes > 0) {
    const double left =
        static_cast<double>(bytes_in_all - report.file_bytes) * seconds / static_cast<double>(report.file_bytes);
    line += ", " + std::to_string(static_cast<std::uint64_t>(left) + 1) + " s left";
  }
  return line;
}

// Without a configuration: the defaults, and the rules of the command line.
std::optional<Config> backtest_config(const Arguments& arguments, Console& console) {
  std::optional<Config> config = arguments.has("config") ? load_for_command(arguments, console) : Config{};
  if (!config) return config;
  if (arguments.has("rules")) config->rules.include = arguments.values("rules");
  if (arguments.has("pipeline")) config->rules.pipelines = arguments.values("pipeline");
  return config;
}

bool write_load_report(const std::string& path, const std::vector<RuleLoader::Report>& reports) {
  std::ofstream out(path);
  for (const RuleLoader::Report& report : reports) {
    const bool applies = report.loaded && report.reason.empty();
    std::string line;
    JsonObject object(line);
    object.add("file", std::string_view(report.file));
    object.add("line", static_cast<std::int64_t>(report.line));
    object.add("id", std::string_view(report.id));
    object.add("title", std::string_view(report.title));
    object.add("status", std::string_view(!report.loaded ? "rejected" : applies ? "loaded" : "unmapped"));
    if (!report.reason.empty()) object.add("reason", std::string_view(report.reason));
    object.end();
    out << line << "\n";
  }
  out.flush();
  return out.good();
}

void print_step(const Window::Step& step, Console& console) {
  std::string line;
  JsonObject object(line);
  object.add("rule", std::string_view(step.rule.head.id));
  object.add("@timestamp", std::string_view(format_rfc3339(step.begin_ns)));
  object.key("group");
  JsonObject group(line);
  for (const auto& [field, value] : step.group) group.add(field, std::string_view(value));
  group.end();
  const Surprise::Verdict& verdict = step.verdict;
  add_measure(object, "", {step.value, verdict.expected, verdict.lower, verdict.upper, verdict.score});
  object.add("alarm", verdict.alarm);
  object.end();
  console.print(line + "\n");
}

// One set of rules over the files.
class BacktestRun final {
 public:
  BacktestRun(const Config& config, Console& console, bool scores = false, bool resolved = false)
      : metrics_(TAPEWATCH_VERSION), console_(console) {
    Diagnostics diagnostics;
    Stages::Outputs outputs;
    outputs.tell_ends = resolved;
    if (scores) outputs.step = [&console](const Window::Step& step) { print_step(step, console); };
    stages_ = Stages::open(config, metrics_, diagnostics, std::move(outputs));
    console.notice(diagnostics.render(console.err_colour));
    good_ = !diagnostics.has_errors() || stages_->detector()->rules().size() > 0;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] const std::vector<RuleLoader::Report>& reports() const { return stages_->rule_reports(); }

  // False when a file could not be read, which was told.
  bool run(const std::vector<std::string>& files, const BacktestEmit& emit) {
    Stages& parts = *stages_;
    const auto start = Steady::now();
    const std::uint64_t bytes_in_all = bytes_of(files);
    auto told = start;
    const auto enrich = [&](Event& event) {
      parts.pipeline().prepare(event, hash128(event.line().text, event.line().offset));
    };
    const auto seconds = [&] { return std::chrono::duration<double>(Steady::now() - start).count(); };
    const auto progress = [&](const BacktestReport& report) {
      if (Steady::now() - told < std::chrono::seconds(1)) return;
      told = Steady::now();
      console_.notice(progress_line(report, bytes_in_all, seconds()) + "\n");
    };
    BacktestOptions options;
    options.key_policy = parts.key_policy();
    options.open = open_packed;
    const Result<BacktestReport> report =
        backtest(files, parts.fields(), *parts.detector(), options, enrich, emit, progress);
    if (!report.ok()) {
      fail(console_, report.error().message);
      return false;
    }
    console_.notice(progress_line(*report, 0, seconds()) + "\n");
    return true;
  }

 private:
  AgentMetrics metrics_;
  std::unique_ptr<Stages> stages_;
  Console& console_;
  bool good_ = false;
};

int diff_rules(Config config, const Arguments& arguments, BacktestRun& rules, Console& console) {
  config.rules.include = arguments.values("diff");
  BacktestRun others(config, console);
  if (!others.good()) return exit_bad_config;
  BacktestDiff diff;
  bool fits = true;
  if (!others.run(arguments.words(), [&](const BacktestAlert& alert) { fits = fits && diff.before(alert); })) {
    return exit_failed;
  }
  if (!fits) return fail(console, "the other rules give too many alerts to compare");
  const auto tell = [&](const BacktestAlert& alert) {
    const std::string line = diff.after(alert);
    if (!line.empty()) console.print(line + "\n");
  };
  if (!rules.run(arguments.words(), tell)) return exit_failed;
  for (const std::string& line : diff.removed()) console.print(line + "\n");
  return exit_good;
}

}  // namespace

int backtest_command(const Arguments& arguments, Console& console) {
  const std::optional<Config> config = backtest_config(arguments, console);
  if (!config) return exit_bad_config;
  if (config->rules.include.empty()) {
    console.notice("tapewatch: backtest needs rules: -r PATH, or a configuration that names some\n");
    return exit_usage;
  }
  const bool resolved = arguments.has("resolved") && !arguments.has("diff");
  BacktestRun rules(*config, console, arguments.has("scores"), resolved);
  const std::string load_report = arguments.value("load-report");
  if (!load_report.empty() && !write_load_report(load_report, rules.reports())) {
    return fail(console, "writing " + load_report + " failed");
  }
  if (!rules.good()) return exit_bad_config;
  if (arguments.has("diff")) return diff_rules(*config, arguments, rules, console);
  const auto print = [&](const BacktestAlert& alert) { console.print(alert.json + "\n"); };
  return rules.run(arguments.words(), print) ? exit_good : exit_failed;
}

}  // namespace tapewatch

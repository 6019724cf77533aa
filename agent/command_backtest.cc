// SPDX-License-Identifier: Apache-2.0
// `tapewatch backtest`: the rules over old files, through the same stages as live.
#include <array>
#include <chrono>

#include "commands.h"
#include "detect/backtest.h"
#include "detect/rule_loader.h"
#include "stages.h"

namespace tapewatch {
namespace {

using Steady = std::chrono::steady_clock;

std::string progress_line(const BacktestReport& report, double seconds) {
  const auto mib = static_cast<double>(report.bytes) / (1 << 20);
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "backtest: %.0f MiB, %llu lines, %llu alerts, %.0f MiB/s", mib,
                static_cast<unsigned long long>(report.lines), static_cast<unsigned long long>(report.alerts),
                seconds > 0 ? mib / seconds : 0.0);
  return text.data();
}

// Without a configuration: the defaults, and the rules of the command line.
std::optional<Config> backtest_config(const Arguments& arguments, Console& console) {
  if (arguments.has("config")) return load_for_command(arguments, console);
  return Config{};
}

}  // namespace

int backtest_command(const Arguments& arguments, Console& console) {
  std::optional<Config> config = backtest_config(arguments, console);
  if (!config) return exit_bad_config;
  if (arguments.has("rules")) config->rules.include = arguments.values("rules");
  if (arguments.has("pipeline")) config->rules.pipelines = arguments.values("pipeline");
  if (config->rules.include.empty()) {
    console.notice("tapewatch: backtest needs rules: -r PATH, or a configuration that names some\n");
    return exit_usage;
  }
  Diagnostics diagnostics;
  AgentMetrics metrics(TAPEWATCH_VERSION);
  const std::unique_ptr<Stages> stages = Stages::open(*config, metrics, diagnostics, {});
  console.notice(diagnostics.render(console.err_colour));
  if (diagnostics.has_errors() && stages->detector()->rules().size() == 0) return exit_bad_config;

  Stages& parts = *stages;
  const auto start = Steady::now();
  auto told = start;
  const auto enrich = [&](Event& event) {
    parts.pipeline().prepare(event, hash128(event.line().text, event.line().offset));
  };
  const auto emit = [&](const std::string& json) { console.print(json + "\n"); };
  const auto progress = [&](const BacktestReport& report) {
    if (Steady::now() - told < std::chrono::seconds(1)) return;
    told = Steady::now();
    console.notice(progress_line(report, std::chrono::duration<double>(told - start).count()) + "\n");
  };
  BacktestOptions options;
  options.key_policy = parts.key_policy();
  const Result<BacktestReport> report =
      backtest(arguments.words(), parts.fields(), *parts.detector(), options, enrich, emit, progress);
  if (!report.ok()) return fail(console, report.error().message);
  console.notice(progress_line(*report, std::chrono::duration<double>(Steady::now() - start).count()) + "\n");
  return exit_good;
}

}  // namespace tapewatch

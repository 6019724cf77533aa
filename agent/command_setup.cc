// SPDX-License-Identifier: Apache-2.0
// `tapewatch setup`: index templates: print them, compare them with a live engine, put them there.
#include "agent_options.h"
#include "commands.h"
#include "loop/http_client.h"
#include "loop/loop.h"

namespace tapewatch {
namespace {

int ask_engine(const Config& config, SetupMode mode, Console& console) {
  const SystemClock clock;
  Result<std::unique_ptr<Loop>> loop = Loop::open(clock);
  if (!loop.ok()) return fail(console, loop.error().message);
  Result<std::unique_ptr<HttpClient>> http = HttpClient::open(**loop, {});
  if (!http.ok()) return fail(console, http.error().message);
  Setup setup(setup_options(*config.elastic), **http);
  std::optional<Result<SetupReport>> report;
  setup.run(mode, [&](Result<SetupReport> result) {
    report = std::move(result);
    (*loop)->stop();
  });
  (*loop)->run();
  if (!report->ok()) return fail(console, report->error().message);
  console.print(print_report(report->value()));
  return mode == SetupMode::apply || report->value().same() ? exit_good : exit_failed;
}

}  // namespace

int setup_command(const Arguments& arguments, Console& console) {
  const std::string verb = arguments.words().empty() ? "print" : arguments.words()[0];
  if (verb == "print") {
    console.print(print_templates(Engine{}, TemplateOptions{}));
    return exit_good;
  }
  const std::optional<Config> config = load_for_command(arguments, console);
  if (!config) return exit_bad_config;
  if (!config->elastic) return fail(console, "the configuration has no outputs.elasticsearch");
  return ask_engine(*config, verb == "apply" ? SetupMode::apply : SetupMode::diff, console);
}

}  // namespace tapewatch

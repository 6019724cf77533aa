// SPDX-License-Identifier: Apache-2.0
// `tapewatch run`: one agent after the other in one process, until it is told to end.
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "agent.h"
#include "base/files.h"
#include "commands.h"
#include "file_limit.h"
#include "notify.h"
#include "run.h"
#include "stages.h"

namespace tapewatch {
namespace {

// Bodies and blocks of some megabytes come and go all the time: kept in the heap they are not paid for in page faults.
// REQUIRES: no other thread yet.
void keep_large_buffers() {
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);  // NOLINT(concurrency-mt-unsafe)
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);  // NOLINT(concurrency-mt-unsafe)
  ::mallopt(M_ARENA_MAX, 2);              // NOLINT(concurrency-mt-unsafe)
}

// Between two agents nobody handles signals: they wait until the next one does. The threads that an agent starts
// meanwhile leave them to this one.
class HeldSignals final {
 public:
  HeldSignals() {
    ::sigemptyset(&set_);
    for (const int number : {SIGHUP, SIGINT, SIGTERM}) ::sigaddset(&set_, number);
    hold();
  }
  ~HeldSignals() { release(); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  void hold() { ::pthread_sigmask(SIG_BLOCK, &set_, nullptr); }
  void release() { ::pthread_sigmask(SIG_UNBLOCK, &set_, nullptr); }

 private:
  sigset_t set_{};
};

int failed(Log& log, Notify& notify, const char* what, const Error& error) {
  notify.status(std::string(what) + ": " + error.message);
  log.error(what, {{"reason", error.message}, {"code", static_cast<int>(error.code)}});
  return exit_failed;
}

// A configuration and rules without a fault, or what is wrong with them as one text.
Result<Config> load_sound(const RunOptions& options, const Surroundings& around) {
  Diagnostics diagnostics;
  std::optional<Config> config = load_config(options.config_file, around, diagnostics);
  if (config) check_rules(*config, diagnostics);
  if (diagnostics.has_errors()) return Error{Code::invalid, diagnostics.render(false)};
  return std::move(*config);
}

bool rules_sound(const Config& config, Console& console) {
  Diagnostics diagnostics;
  check_rules(config, diagnostics);
  if (diagnostics.has_errors()) console.notice(diagnostics.render(console.err_colour));
  return !diagnostics.has_errors();
}

}  // namespace

void check_rules(const Config& config, Diagnostics& diagnostics) {
  AgentMetrics metrics(TAPEWATCH_VERSION);
  (void)Stages::open(config, metrics, diagnostics, {});
}

int run_agents(Config config, const RunOptions& options, Console& console) {
  keep_large_buffers();
  const SystemClock clock;
  JsonLog log(2, clock, config.service.log_level);
  Notify notify(notify_options(console.around, ::getpid()), clock, log);
  if (Status made = make_folders(config.state_dir); !made.ok())
    return failed(log, notify, "no state folder", made.error());
  const Result<Fd> lock = lock_file(config.state_dir + "/lock");
  if (!lock.ok()) return failed(log, notify, "the state folder is in use", lock.error());

  std::optional<Config> next;
  Agent::Options agent_options;
  agent_options.started_ns = clock.wall_ns();
  agent_options.once = options.once;
  agent_options.notify = &notify;
  agent_options.listening = options.listening;
  agent_options.alert = options.alert;
  agent_options.reload = [&]() -> Status {
    Result<Config> loaded = load_sound(options, console.around);
    if (!loaded.ok()) return std::move(loaded).error();
    if (loaded->state_dir != config.state_dir)
      return Error{Code::invalid, "state_dir cannot change while the agent runs"};
    next = std::move(*loaded);
    return success();
  };
  HeldSignals signals;
  for (;;) {
    raise_file_limit(config, log);
    Diagnostics diagnostics;
    Result<std::unique_ptr<Agent>> agent = Agent::open(config, diagnostics, clock, log, agent_options);
    if (!diagnostics.all().empty()) console.notice(diagnostics.render(console.err_colour));
    if (!agent.ok()) return failed(log, notify, "the agent cannot start", agent.error());
    log.info("running", {{"version", TAPEWATCH_VERSION}, {"state_dir", config.state_dir}});
    notify.ready();
    signals.release();
    const Agent::Ending ending = (*agent)->run();
    if (ending != Agent::Ending::reload) return ending == Agent::Ending::finished ? exit_good : exit_failed;
    signals.hold();
    notify.feed();
    config = std::move(*next);
  }
}

int run_command(const Arguments& arguments, Console& console) {
  std::optional<Config> config = load_for_command(arguments, console);
  if (!config) return exit_bad_config;
  if (arguments.has("strict") && !rules_sound(*config, console)) return exit_bad_config;
  RunOptions options;
  options.config_file = arguments.value("config", default_config_file);
  options.once = arguments.has("once");
  return run_agents(std::move(*config), options, console);
}

}  // namespace tapewatch

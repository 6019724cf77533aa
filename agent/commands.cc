// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <sys/stat.h>

#include <algorithm>

#include "config_values.h"

namespace tapewatch {
namespace {

constexpr Flag config_flag{"config", 'c', "FILE", "the configuration (config/tapewatch.yaml)"};
constexpr Flag pipeline_flag{"pipeline", 'p', "PATH", "a file that maps log sources; may be repeated"};
constexpr Flag url_flag{"url", 0, "URL", "ask this agent instead of the one of the configuration"};
constexpr Flag json_flag{"json", 0, "", "one JSON object a line"};
constexpr Flag from_flag{"from", 0, "TIME", "not older: 15m, 2h, 7d or 2026-01-05T09:00:00Z"};
constexpr Flag to_flag{"to", 0, "TIME", "not younger"};
constexpr std::string_view query_help =
    "A query is words (all must occur), \"whole phrases\", and fields: log.level:ERROR order.id:ORD-7 user.id:t*.";

std::vector<Command> agent_commands() {
  return {
      {"run",
       "",
       "run the agent until SIGTERM",
       "SIGTERM drains within limits.shutdown_timeout, a second one ends at once, SIGHUP reads the configuration "
       "anew.\n"
       "The agent's own log goes to stderr as JSON lines.",
       {config_flag,
        {"once", 0, "", "read every input to its end, deliver, wait for every acknowledgement, exit 0"},
        {"strict", 0, "", "do not start without the rules that have faults, but exit 78, as validate would"}},
       "tapewatch run -c tapewatch.yaml\ntapewatch run -c tapewatch.yaml --once",
       0,
       0,
       {},
       run_command},
      {"demo",
       "",
       "watch a made-up trading application, with no configuration",
       "Everything stays on this machine, in a temporary folder that is removed at the end. Ctrl-C ends it.",
       {{"rate", 0, "N", "log lines a second (200)"},
        {"seed", 0, "N", "same seed, same events (42)"},
        {"address", 0, "HOST:PORT", "of the page and API (127.0.0.1:9600, or any free port)"},
        {"for", 0, "TIME", "end by itself, as 10s"},
        {"write", 0, "FILE", "only the application: write its log to this file, for an agent elsewhere"}},
       "tapewatch demo\ntapewatch demo --rate 1000 --for 30s\ntapewatch demo --write /var/log/trading/app.log",
       0,
       0,
       {},
       demo_command},
      {"init",
       "LOGFILE",
       "write a configuration, guessed from a sample of your log",
       "Each guess is explained in a comment. Without --output it goes to stdout.",
       {{"output", 'o', "FILE", "write this file; one that exists is not touched"}},
       "tapewatch init /var/log/trading/app.log > tapewatch.yaml\ntapewatch init -o tapewatch.yaml app.log",
       1,
       1,
       {},
       init_command},
      {"validate",
       "[FILE]",
       "report every fault of a configuration and its rules",
       "Exits with 78 when there is a fault. What passes starts.",
       {config_flag,
        {"format", 0, "text|json", "json: one object a line"},
        {"deny-warnings", 0, "", "warnings count as faults"}},
       "tapewatch validate -c tapewatch.yaml\ntapewatch validate tapewatch.yaml --format json --deny-warnings",
       0,
       1,
       {},
       validate_command},
  };
}

std::vector<Command> rule_commands() {
  return {
      {"backtest",
       "FILE...",
       "what the rules would have said about old log files",
       "Evaluates in event time, as the agent does. Alerts go to stdout, progress to stderr.",
       {{"rules", 'r', "PATH", "a rule file or folder; may be repeated"},
        pipeline_flag,
        config_flag,
        json_flag,
        {"diff", 0, "PATH", "other rules: tell only the alerts that one of the two gives"},
        {"scores", 0, "", "every step of the rules that learn, and how surprising it was, as well"},
        {"resolved", 0, "", "print the ends of alerts too, with \"state\":\"resolved\""},
        {"load-report", 0, "FILE", "one JSON object a rule: loaded, unmapped or rejected, and why"}},
       "tapewatch backtest -r rules/alerts app.log\ntapewatch backtest -r rules --diff rules.old app.log app.log.1",
       1,
       10'000,
       {},
       backtest_command},
      {"test",
       "[PATH...]",
       "run the tests of rules",
       "PATH is a file of tests, or a folder with some (rules). What differs goes to stdout, and the rules that no "
       "test\n"
       "expects an alert of. Exits with 1 when a test fails.",
       {pipeline_flag, config_flag},
       "tapewatch test\ntapewatch test rules/tests/orders.yaml",
       0,
       10'000,
       {},
       test_command},
      {"rules",
       "list|show|explain [RULE]",
       "the rules as they were understood",
       "show prints the document, explain says in words when it alerts and what wakes it. RULE is an id, name or "
       "title.",
       {{"rules", 'r', "PATH", "a rule file or folder (rules); may be repeated"},
        pipeline_flag,
        config_flag,
        json_flag},
       "tapewatch rules list\ntapewatch rules show brute_force_login\ntapewatch rules explain brute_force_login -r "
       "rules",
       1,
       2,
       {"list", "show", "explain"},
       rules_command},
  };
}

std::vector<Command> query_commands() {
  return {
      {"search",
       "QUERY",
       "find events in the store of a running agent",
       query_help,
       {config_flag,
        url_flag,
        json_flag,
        from_flag,
        to_flag,
        {"limit", 'n', "N", "events at most (100); values at most (10)"},
        {"top", 0, "FIELD", "the most frequent values of this field instead of the events"},
        {"histogram", 0, "", "how many events over time instead of the events; the last hour unless --from says else"}},
       "tapewatch search 'log.level:ERROR gateway'\ntapewatch search --from 15m 'order.id:ORD-42' --json\n"
       "tapewatch search --top event.action 'log.level:ERROR'\ntapewatch search --histogram --from 15m order-rejected",
       0,
       100,
       {},
       search_command},
      {"trace",
       "ID",
       "one request, order or trade from end to end",
       "ID is a correlation id, a trace id, or an order, trade or session id.",
       {config_flag, url_flag, json_flag},
       "tapewatch trace ORD-20260105-000042\ntapewatch trace 4bf92f3577b34da6a3ce929d0e0e4736 --json",
       1,
       1,
       {},
       trace_command},
      {"tail",
       "[QUERY|FILE]",
       "follow events as they pass, or a log file without any agent",
       query_help,
       {config_flag, url_flag, json_flag, {"lines", 'n', "N", "of a FILE, begin this many lines before its end (10)"}},
       "tapewatch tail\ntapewatch tail 'log.level:ERROR'\ntapewatch tail /var/log/trading/app.log",
       0,
       100,
       {},
       tail_command},
      {"top",
       "",
       "the figures of a running agent, once a second",
       "",
       {config_flag, url_flag, json_flag, {"once", 0, "", "print them once"}},
       "tapewatch top\ntapewatch top --once --json",
       0,
       0,
       {},
       top_command},
      {"health",
       "",
       "whether a running agent is well, for health checks",
       "Exits with 0 when it is alive, with 1 when it is not or nobody answers.",
       {config_flag, url_flag, {"ready", 0, "", "ready, not only alive"}},
       "tapewatch health\ntapewatch health --ready -c tapewatch.yaml",
       0,
       0,
       {},
       health_command},
  };
}

std::vector<Command> care_commands() {
  return {
      {"setup",
       "print|diff|apply",
       "the index templates that Elasticsearch needs",
       "print shows them, diff compares them with the server's, apply installs them.",
       {config_flag},
       "tapewatch setup print\ntapewatch setup diff -c tapewatch.yaml\ntapewatch setup apply -c tapewatch.yaml",
       1,
       1,
       {"print", "diff", "apply"},
       setup_command},
      {"dlq",
       "list|show|replay|drop [KEY...]",
       "documents that Elasticsearch refused for good",
       "list prints a line each, with the key; show and drop take keys (drop --all: every one). replay sends them\n"
       "again, with the same ids; what is accepted is removed.",
       {config_flag, json_flag, {"limit", 'n', "N", "documents at most"}, {"all", 0, "", "of drop: every document"}},
       "tapewatch dlq list\ntapewatch dlq list --json | jq .reason\ntapewatch dlq show 17\ntapewatch dlq replay\n"
       "tapewatch dlq drop 17 18",
       1,
       1'000,
       {"list", "show", "replay", "drop"},
       dlq_command},
      {"state",
       "show|check",
       "what the agent remembers of each file",
       "check also compares it with the files themselves.",
       {config_flag, json_flag},
       "tapewatch state show\ntapewatch state check -c tapewatch.yaml",
       1,
       1,
       {"show", "check"},
       state_command},
      {"explain",
       "[CODE]",
       "what an error code means and how to mend it",
       "Without CODE: the list of all.",
       {},
       "tapewatch explain TW0123\ntapewatch explain",
       0,
       1,
       {},
       explain_command},
      {"version",
       "",
       "the version",
       "",
       {{"libs", 0, "", "also of the libraries it was built with"}},
       "tapewatch version\ntapewatch version --libs",
       0,
       0,
       {},
       version_command},
  };
}

std::string overview() {
  std::string out =
      "tapewatch: a log agent beside a trading application\n\n"
      "usage: tapewatch COMMAND [ARGUMENTS]\n\n";
  for (const Command& command : all_commands()) {
    std::string left = "  " + std::string(command.name) + " " + std::string(command.words);
    left.resize(std::max<std::size_t>(left.size() + 2, 26), ' ');
    out += left + std::string(command.summary) + "\n";
  }
  out +=
      "  help [COMMAND]          flags and examples of a command\n\n"
      "exit codes: 0 good, 1 failed, 2 usage, 78 bad configuration\n\n"
      "examples:\n  tapewatch demo\n  tapewatch init app.log > tapewatch.yaml && tapewatch run -c tapewatch.yaml\n";
  return out;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : all_commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

int unknown_command(const std::string& name, Console& console) {
  std::vector<std::string_view> known = {"help"};
  for (const Command& command : all_commands()) known.push_back(command.name);
  const std::string_view near = nearest(name, known);
  console.notice("tapewatch: unknown command \"" + terminal_safe(name) + "\"" +
                 (near.empty() ? "" : "; did you mean " + std::string(near) + "?") + "\ntry: tapewatch help\n");
  return exit_usage;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

}  // namespace

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands = [] {
    std::vector<Command> all = agent_commands();
    for (const auto& group : {rule_commands(), query_commands(), care_commands()})
      all.insert(all.end(), group.begin(), group.end());
    return all;
  }();
  return commands;
}

int run_command_line(const std::vector<std::string>& given, Console& console) {
  if (given.empty()) {
    console.notice(overview());
    return exit_usage;
  }
  std::string name = given[0];
  std::vector<std::string> rest(given.begin() + 1, given.end());
  if (name == "help" || name == "--help" || name == "-h") {
    if (rest.empty()) {
      console.print(overview());
      return exit_good;
    }
    name = rest[0];
    rest = {"--help"};
  }
  if (name == "--version") name = "version";
  const Command* command = find_command(name);
  if (command == nullptr) return unknown_command(name, console);
  auto arguments = parse_arguments(*command, rest);
  if (!arguments) {
    console.notice("tapewatch: " + terminal_safe(arguments.error().message) + "\ntry: tapewatch help " + name + "\n");
    return exit_usage;
  }
  if (arguments->has("help")) {
    console.print(help_text(*command));
    return exit_good;
  }
  return command->run(*arguments, console);
}

std::optional<Config> load_for_command(const Arguments& arguments, Console& console) {
  Diagnostics diagnostics;
  auto config = load_config(arguments.value("config", default_config_file), console.around, diagnostics);
  console.notice(diagnostics.render(console.err_colour));
  return config;
}

std::optional<ApiAddress> agent_address(const Arguments& arguments, Console& console, int& exit_code) {
  if (arguments.has("url")) {
    auto address = parse_api_url(arguments.value("url"));
    if (address) return std::move(address).value();
    console.notice("tapewatch: " + terminal_safe(address.error().message) + "\n");
    exit_code = exit_usage;
    return std::nullopt;
  }
  if (!arguments.has("config") && !exists(std::string(default_config_file))) return ApiAddress{"127.0.0.1", 9600, ""};
  const auto config = load_for_command(arguments, console);
  exit_code = exit_bad_config;
  if (!config) return std::nullopt;
  exit_code = exit_failed;
  if (!config->http.enabled) {
    fail(console, "http is switched off in the configuration");
    return std::nullopt;
  }
  if (config->http.port == 0) {
    fail(console, "http.address takes any free port; name the agent with --url (its log line \"listening\" tells it)");
    return std::nullopt;
  }
  std::string host = config->http.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return ApiAddress{host, config->http.port, config->http.token.reveal()};
}

int fail(Console& console, std::string_view message) {
  console.notice("tapewatch: " + terminal_safe(message) + "\n");
  return exit_failed;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// `tapewatch demo`.
#include <charconv>

#include "commands.h"
#include "config_values.h"
#include "demo.h"
#include "run.h"

namespace tapewatch {
namespace {

template <typename N>
bool read_number(const Arguments& arguments, std::string_view flag, N least, N most, N& out) {
  if (!arguments.has(flag)) return true;
  const std::string text = arguments.value(flag);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= least && out <= most;
}

int usage(Console& console, std::string_view message) {
  console.notice("tapewatch: " + std::string(message) + "\ntry: tapewatch help demo\n");
  return exit_usage;
}

}  // namespace

int demo_command(const Arguments& arguments, Console& console) {
  DemoOptions options;
  if (!read_number(arguments, "rate", 1, 100'000, options.lines_per_second)) {
    return usage(console, "--rate is a number from 1 to 100000");
  }
  if (!read_number<std::uint64_t>(arguments, "seed", 0, UINT64_MAX, options.seed)) {
    return usage(console, "--seed is a number");
  }
  options.address = arguments.value("address", options.address);
  std::string host;
  std::uint16_t port = 0;
  if (!parse_address(options.address, host, port) || !is_loopback(host)) {
    return usage(console, "--address is host:port on this machine, as 127.0.0.1:9600");
  }
  if (arguments.has("for")) {
    ValueFault fault;
    const auto duration = parse_duration(arguments.value("for"), fault);
    if (!duration) return usage(console, "--for is a duration, as 10s");
    options.duration = *duration;
  }
  if (arguments.has("write")) return write_demo_log(options, arguments.value("write"), console);
  return run_demo(
      options, console,
      [&](const Config& config, const std::string& file, const std::function<void(const std::string&)>& listening) {
        RunOptions run;
        run.config_file = file;
        run.listening = listening;
        return run_agents(config, run, console);
      });
}

}  // namespace tapewatch

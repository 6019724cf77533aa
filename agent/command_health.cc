// SPDX-License-Identifier: Apache-2.0
// `tapewatch health`: what a container's health check asks, so that the image needs neither a shell nor curl.
#include "cli_http.h"
#include "commands.h"

namespace tapewatch {

int health_command(const Arguments& arguments, Console& console) {
  int exit_code = exit_failed;
  const auto address = agent_address(arguments, console, exit_code);
  if (!address) return exit_code;
  ApiLimits limits;
  limits.timeout = std::chrono::seconds(3);
  const auto reply = api_get(*address, arguments.has("ready") ? "/readyz" : "/livez", limits);
  if (!reply) return fail(console, reply.error().message);
  console.print(terminal_safe(reply->body.substr(0, reply->body.find('\n'))) + "\n");
  return reply->status == 200 ? exit_good : exit_failed;
}

}  // namespace tapewatch

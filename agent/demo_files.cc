// SPDX-License-Identifier: Apache-2.0
#include "demo_files.h"

#include "base/json_writer.h"

namespace tapewatch {
namespace {

constexpr std::string_view rules = R"(title: Login failed
id: 6f1c1b52-6a0e-4f0a-9d0c-0d3f5f6f0a01
name: login_failed
status: experimental
level: low
detection:
  selection:
    event.action: user-login
    event.outcome: failure
  condition: selection
---
title: Many failed logins from one address
id: 6f1c1b52-6a0e-4f0a-9d0c-0d3f5f6f0a02
status: experimental
level: high
correlation:
  type: event_count
  rules: [login_failed]
  group-by: [source.ip]
  timespan: 1m
  condition: {gte: 10}
---
title: Permission changed to override risk limits
id: 6f1c1b52-6a0e-4f0a-9d0c-0d3f5f6f0a03
status: experimental
level: medium
detection:
  selection:
    event.action: permission-changed
    user.roles|contains: risk-override
  condition: selection
---
title: Large data export
id: 6f1c1b52-6a0e-4f0a-9d0c-0d3f5f6f0a04
status: experimental
level: medium
detection:
  selection:
    event.action: data-exported
    export.rows|gte: 380000
  condition: selection
)";

}  // namespace

std::string demo_configuration(const std::string& folder, const std::string& address) {
  return "service: {name: demo-oms, instance: demo, environment: demo, log_level: warning}\n"
         "inputs:\n  - name: demo\n    include: [" +
         json_string(folder + "/log/*.log") +
         "]\n    scan_interval: 200ms\n"
         "rules: {include: [" +
         json_string(folder + "/rules/*.yaml") +
         "]}\n"
         "metrics: {include: [" +
         json_string(folder + "/metrics/trading.yaml") +
         "], processes: [{name: demo-oms, pid_file: " + json_string(folder + "/app.pid") +
         "}]}\n"
         "store: {enabled: true, retention: {size: 256MiB}, flush_interval: 200ms}\n"
         "http: {address: " +
         json_string(address) +
         "}\n"
         "limits: {shutdown_timeout: 3s}\n"
         "state_dir: " +
         json_string(folder + "/state") + "\n";
}

std::string_view demo_rules() { return rules; }

}  // namespace tapewatch

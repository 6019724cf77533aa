// SPDX-License-Identifier: Apache-2.0
#pragma once
// The files that the demo writes into its temporary folder: a configuration, a few rules, and metrics. Thread: any.

#include <string>
#include <string_view>

namespace tapewatch {

// `folder` is absolute; the log stands in folder/log/app.log, the rules in folder/rules, the metrics in
// folder/metrics.
[[nodiscard]] std::string demo_configuration(const std::string& folder, const std::string& address);
[[nodiscard]] std::string_view demo_rules();
// What ships as config/metrics/trading.yaml.
[[nodiscard]] std::string_view demo_metrics();

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The files that the demo writes into its temporary folder: a configuration and a few rules. Thread: any.

#include <string>
#include <string_view>

namespace tapewatch {

// `folder` is absolute; the log stands in folder/log/app.log, the rules in folder/rules.
[[nodiscard]] std::string demo_configuration(const std::string& folder, const std::string& address);
[[nodiscard]] std::string_view demo_rules();

}  // namespace tapewatch

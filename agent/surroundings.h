// SPDX-License-Identifier: Apache-2.0
#pragma once
// Surroundings: what a configuration takes from the process and its machine, so that tests can give it another. The
// only place that reads the environment. Thread: any.

#include <functional>
#include <optional>
#include <string>

namespace tapewatch {

struct Surroundings {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::string host_name;
  std::string folder;        // the current folder, absolute
  std::string pod_labels{};  // lines of name="value", as the downward API writes them to a file
};
[[nodiscard]] Surroundings process_surroundings();

}  // namespace tapewatch

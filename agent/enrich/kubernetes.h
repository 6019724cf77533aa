// SPDX-License-Identifier: Apache-2.0
#pragma once
// What Kubernetes tells a container about its pod (the downward API), as fields. Nothing here reads the environment or
// a file: the caller does. Thread: any.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapewatch {

// `variable` gives the value of an environment variable: K8S_NAMESPACE, POD_NAME, NODE_NAME, POD_UID, CONTAINER_NAME.
// `labels` is the text of /etc/podinfo/labels (lines of name="value"). Dots in a label's name become '_', because a dot
// would make an object of it.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> kubernetes_fields(
    const std::function<std::optional<std::string>(std::string_view name)>& variable, std::string_view labels);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "enrich/kubernetes.h"

#include <algorithm>

namespace tapewatch {
namespace {

constexpr std::size_t labels_max = 64;

// The text of a Go string literal: the downward API quotes values so.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> kubernetes_fields(
    const std::function<std::optional<std::string>(std::string_view name)>& variable, std::string_view labels) {
  std::vector<std::pair<std::string, std::string>> fields;
  const std::pair<std::string_view, std::string_view> names[] = {{"K8S_NAMESPACE", "kubernetes.namespace"},
                                                                 {"POD_NAME", "kubernetes.pod.name"},
                                                                 {"POD_UID", "kubernetes.pod.uid"},
                                                                 {"NODE_NAME", "kubernetes.node.name"},
                                                                 {"CONTAINER_NAME", "kubernetes.container.name"}};
  for (const auto& [name, field] : names) {
    if (const auto value = variable(name); value && !value->empty()) fields.emplace_back(field, *value);
  }
  const std::size_t limit = fields.size() + labels_max;
  while (!labels.empty() && fields.size() < limit) {
    const std::size_t end = std::min(labels.find('\n'), labels.size());
    const std::string_view line = labels.substr(0, end);
    labels.remove_prefix(std::min(end + 1, labels.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    std::string name(line.substr(0, equals));
    std::replace(name.begin(), name.end(), '.', '_');
    fields.emplace_back("kubernetes.labels." + name, unquoted(line.substr(equals + 1)));
  }
  return fields;
}

}  // namespace tapewatch

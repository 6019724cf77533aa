// SPDX-License-Identifier: Apache-2.0
#include "enrich/kubernetes.h"

#include <gtest/gtest.h>

#include <map>

namespace tapewatch {
namespace {

TEST(Kubernetes, FieldsOfTheDownwardApi) {
  const std::map<std::string_view, std::string> environment = {
      {"K8S_NAMESPACE", "trading"}, {"POD_NAME", "oms-0"}, {"NODE_NAME", ""}};
  const auto variable = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"kubernetes.namespace", "trading"},
      {"kubernetes.pod.name", "oms-0"},
      {"kubernetes.labels.app_kubernetes_io/name", "oms"},
      {"kubernetes.labels.note", "a\"b"},
  };
  EXPECT_EQ(kubernetes_fields(variable, "app.kubernetes.io/name=\"oms\"\nnote=\"a\\\"b\"\n\n=x\nbroken"), expected);
  EXPECT_TRUE(kubernetes_fields([](std::string_view) { return std::nullopt; }, "").empty());
}

}  // namespace
}  // namespace tapewatch

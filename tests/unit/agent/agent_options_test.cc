// SPDX-License-Identifier: Apache-2.0
#include "agent_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace tapewatch {
namespace {

using testing::Contains;
using testing::Not;
using testing::Pair;

Surroundings pod(std::map<std::string, std::string> environment) {
  Surroundings around;
  around.environment = [environment = std::move(environment)](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  around.host_name = "trade-host-01";
  around.pod_labels = "app=\"oms\"\n";
  return around;
}

TEST(EnricherOptions, TakeWhatKubernetesSaysOfThePod) {
  Config config;
  const std::map<std::string, std::string> names = {{"K8S_NAMESPACE", "trading"}, {"POD_NAME", "oms-0"}};
  std::map<std::string, std::string> inside = names;
  inside["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
  const auto namespace_field = Contains(Pair("kubernetes.namespace", "trading"));

  EXPECT_THAT(enricher_options(config, pod(inside)).fields, namespace_field);
  EXPECT_THAT(enricher_options(config, pod(inside)).fields, Contains(Pair("kubernetes.pod.name", "oms-0")));
  EXPECT_THAT(enricher_options(config, pod(inside)).fields, Contains(Pair("kubernetes.labels.app", "oms")));
  EXPECT_THAT(enricher_options(config, pod(names)).fields, Not(namespace_field)) << "auto: this is no pod";
  config.enrich.kubernetes = Toggle::on;
  EXPECT_THAT(enricher_options(config, pod(names)).fields, namespace_field);
  config.enrich.kubernetes = Toggle::off;
  EXPECT_THAT(enricher_options(config, pod(inside)).fields, Not(namespace_field));
}

TEST(EnricherOptions, NameServiceAndHostUnlessTheSchemaIsNone) {
  Config config;
  config.service.version = "1.2.3";
  const auto version = Contains(Pair("service.version", "1.2.3"));
  EXPECT_THAT(enricher_options(config, pod({})).fields, version);
  EXPECT_THAT(enricher_options(config, pod({})).fields, Contains(Pair("host.name", "trade-host-01")));
  config.parse.schema = "none";
  config.enrich.host = false;
  EXPECT_THAT(enricher_options(config, pod({})).fields, Not(version));
  EXPECT_THAT(enricher_options(config, pod({})).fields, Not(Contains(Pair("host.name", "trade-host-01"))));
}

TEST(TemplateOptions, AreForTheStreamsOfTheConfiguration) {
  ElasticConfig elastic;
  elastic.data_stream = "logs-tapewatch.app-prod";
  elastic.retention_app = std::chrono::hours(24 * 30);
  EXPECT_EQ(template_options(elastic).app.pattern, "logs-tapewatch.app-*");
  EXPECT_EQ(template_options(elastic).app.retention, "30d");
  EXPECT_EQ(template_options(elastic).alerts.retention, "");
  elastic.data_stream = "logs-desk-prod";
  EXPECT_EQ(template_options(elastic).app.pattern, "logs-desk-prod");
  elastic.data_stream.clear();
  for (const auto& [index, pattern] : {std::pair("trading-%Y.%m", "trading-*"), std::pair("trading", "trading")}) {
    elastic.index = index;
    EXPECT_EQ(template_options(elastic).app.pattern, pattern);
    EXPECT_FALSE(template_options(elastic).app.data_stream);
  }
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// From the one Config to each module's own Options: pure functions, so that a test can hold every default against the
// documentation. Thread: any.

#include "config.h"
#include "detect/detector.h"
#include "enrich/enricher.h"
#include "enrich/masker.h"
#include "http/front_door.h"
#include "metrics/host.h"
#include "metrics_scraper.h"
#include "sinks/alert_sink.h"
#include "sinks/alertmanager_sink.h"
#include "sinks/bulk_builder.h"
#include "sinks/elastic_options.h"
#include "sinks/setup.h"
#include "tail/tail_options.h"
#include "tapewatch/dead_letters.h"
#include "tapewatch/log_store.h"

namespace tapewatch {

// The fields that every event gets are made from the service, the host and, in a pod, the downward API of Kubernetes.
[[nodiscard]] EnricherOptions enricher_options(const Config& config, const Surroundings& around);
// More than the file of correlation links can grow to.
[[nodiscard]] std::uint64_t link_bytes_max(const Config& config);
[[nodiscard]] MaskOptions mask_options(const MaskConfig& mask);
[[nodiscard]] std::vector<InputOptions> input_options(const Config& config);
[[nodiscard]] TailOptions tail_options(const Config& config, std::size_t sinks);
[[nodiscard]] BulkBuilderOptions bulk_options(const ElasticConfig& elastic);
[[nodiscard]] ElasticOptions elastic_options(const ElasticConfig& elastic);
[[nodiscard]] TlsOptions tls_options(const SslConfig& ssl);
// Value of the Authorization header, "" for none.
[[nodiscard]] std::string authorization(const ElasticConfig& elastic);
// The same from what the secrets' files hold now.
[[nodiscard]] Result<std::string> authorization_now(const ElasticConfig& elastic);
[[nodiscard]] LogStore::Options store_options(const Config& config);
[[nodiscard]] DeadLetters::Options dead_letter_options(const Config& config);
[[nodiscard]] AlertSinkOptions alert_options(const Config& config);
[[nodiscard]] AlertmanagerOptions alertmanager_options(const Config& config);
[[nodiscard]] HttpOptions http_options(const HttpConfig& http);
[[nodiscard]] HostOptions host_options(const MetricsConfig& metrics);
[[nodiscard]] std::vector<AppOptions> app_options(const MetricsConfig& metrics);
[[nodiscard]] ScrapeOptions scrape_options(const ScrapeConfig& scrape);
// The templates are for the streams, or the index, that the configuration names.
[[nodiscard]] TemplateOptions template_options(const ElasticConfig& elastic);
[[nodiscard]] SetupOptions setup_options(const ElasticConfig& elastic);

}  // namespace tapewatch

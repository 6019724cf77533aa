// SPDX-License-Identifier: Apache-2.0
#include "agent_options.h"

#include "config_values.h"
#include "enrich/kubernetes.h"

namespace tapewatch {
namespace {

void add_if_set(StaticFields::Fields& fields, std::string_view name, const std::string& value) {
  if (!value.empty()) fields.emplace_back(name, value);
}

}  // namespace

EnricherOptions enricher_options(const Config& config, const Surroundings& around) {
  EnricherOptions options;
  options.schema = config.parse.schema;
  options.file = config.enrich.file;
  options.correlation.enabled = config.enrich.correlation.enabled;
  options.correlation.keys = config.enrich.correlation.keys;
  options.correlation.ttl = config.enrich.correlation.ttl;
  options.correlation.entries_max = config.enrich.correlation.entries_max;
  if (config.parse.schema == "none") {
    options.ecs_version.clear();
  } else {
    add_if_set(options.fields, "service.name", config.service.name);
    add_if_set(options.fields, "service.version", config.service.version);
    add_if_set(options.fields, "service.environment", config.service.environment);
  }
  if (config.enrich.host) add_if_set(options.fields, "host.name", around.host_name);
  const bool pod = around.environment("KUBERNETES_SERVICE_HOST").has_value();
  if (config.enrich.kubernetes == Toggle::on || (config.enrich.kubernetes == Toggle::automatic && pod)) {
    const auto variable = [&](std::string_view name) { return around.environment(std::string(name)); };
    for (auto& field : kubernetes_fields(variable, around.pod_labels)) options.fields.push_back(std::move(field));
  }
  for (const auto& field : config.enrich.fields) options.fields.push_back(field);
  return options;
}

// Everything, twice as much before the file is begun anew, and what one batch brings.
std::uint64_t link_bytes_max(const Config& config) {
  return std::max<std::uint64_t>(64 * mib, 4 * config.enrich.correlation.entries_max * LinkTable::saved_bytes_max);
}

MaskOptions mask_options(const MaskConfig& mask) {
  MaskOptions options;
  options.enabled = mask.enabled;
  options.keys = mask.keys;
  options.allow = mask.allow;
  options.cards = mask.cards;
  options.emails = mask.emails;
  options.tokens = mask.tokens;
  switch (mask.action) {
    case MaskAction::drop:
      options.action = MaskOptions::Action::drop;
      break;
    case MaskAction::fixed:
      options.action = MaskOptions::Action::fixed;
      break;
    case MaskAction::hmac:
      options.action = MaskOptions::Action::hmac;
      break;
  }
  options.hmac_key = mask.hmac_key.reveal();
  return options;
}

std::vector<InputOptions> input_options(const Config& config) {
  std::vector<InputOptions> inputs;
  for (const InputConfig& from : config.inputs) {
    InputOptions input;
    input.name = from.name;
    input.include = from.include;
    input.exclude = from.exclude;
    input.start_at_end = from.start_at == StartAt::end;
    input.ignore_older = from.ignore_older;
    input.line_bytes_max = from.max_line_bytes;
    input.rotate_wait = from.rotate_wait;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

TailOptions tail_options(const Config& config, std::size_t sinks) {
  TailOptions options;
  options.state_folder = config.state_dir;
  options.sinks = sinks;
  options.read_block_bytes = config.limits.read_block_bytes;
  options.files_open_max = config.limits.files_open_max;
  options.checkpoint_interval = config.limits.checkpoint_interval;
  for (const InputConfig& input : config.inputs) {
    options.scan_interval = std::min<std::chrono::nanoseconds>(options.scan_interval, input.scan_interval);
  }
  return options;
}

BulkBuilderOptions bulk_options(const ElasticConfig& elastic) {
  BulkBuilderOptions options;
  options.data_stream = elastic.data_stream;
  options.index = elastic.index;
  options.bytes_max = elastic.bulk_max_size;
  options.events_max = elastic.bulk_max_events;
  options.age_ns_max = std::chrono::nanoseconds(elastic.bulk_max_age).count();
  options.gzip = elastic.compression == Compression::gzip;
  return options;
}

TlsOptions tls_options(const SslConfig& ssl) {
  TlsOptions options;
  options.ca_file = ssl.certificate_authorities;
  options.certificate_file = ssl.certificate;
  options.key_file = ssl.key;
  options.insecure = ssl.verification == Verification::none;
  return options;
}

std::string authorization(const ElasticConfig& elastic) {
  if (!elastic.api_key.empty()) return "ApiKey " + elastic.api_key.reveal();
  if (!elastic.username.empty()) return basic_authorization(elastic.username, elastic.password.reveal());
  return "";
}

Result<std::string> authorization_now(const ElasticConfig& elastic) {
  ElasticConfig now = elastic;
  for (Secret* const secret : {&now.api_key, &now.password}) {
    Result<Secret> read = read_again(*secret);
    if (!read) return std::move(read).error();
    *secret = std::move(read).value();
  }
  return authorization(now);
}

ElasticOptions elastic_options(const ElasticConfig& elastic) {
  ElasticOptions options;
  options.hosts = elastic.hosts;
  options.index = elastic.index.empty() ? elastic.data_stream : "";
  if (elastic.compression == Compression::gzip) options.gzip_level = 1;
  options.tls = tls_options(elastic.ssl);
  options.backoff.init = elastic.backoff_init;
  options.backoff.max = elastic.backoff_max;
  options.concurrency_max = static_cast<int>(elastic.concurrency_max);
  options.request_timeout = elastic.timeout;
  return options;
}

LogStore::Options store_options(const Config& config) {
  LogStore::Options options;
  options.folder = config.store.path;
  options.retention_bytes = static_cast<std::int64_t>(config.store.retention_size);
  options.retention_age = std::chrono::duration_cast<std::chrono::seconds>(config.store.retention_age);
  options.flush_interval = config.store.flush_interval;
  return options;
}

DeadLetters::Options dead_letter_options(const Config& config) {
  DeadLetters::Options options;
  options.path = config.state_dir + "/dead-letters.db";
  if (config.elastic) options.bytes_max = static_cast<std::int64_t>(config.elastic->dead_letters_max_size);
  return options;
}

AlertSinkOptions alert_options(const Config& config) {
  const WebhookConfig& webhook = config.alerts.webhook;
  AlertSinkOptions options;
  options.taken_file = config.state_dir + "/webhook.taken";
  options.url = webhook.url;
  options.hmac_key = webhook.secret.reveal();
  options.request_timeout = webhook.timeout;
  options.queue_count_max = webhook.queue_max;
  return options;
}

AlertmanagerOptions alertmanager_options(const Config& config) {
  const AlertmanagerConfig& wanted = config.alerts.alertmanager;
  AlertmanagerOptions options;
  options.urls = wanted.urls;
  options.service = config.service.name;
  options.instance = config.service.instance;
  options.state_file = config.state_dir + "/alertmanager.state";
  options.request_timeout = wanted.timeout;
  options.alerts_max = wanted.alerts_max;
  if (!wanted.username.empty()) {
    options.headers.push_back("Authorization: " + basic_authorization(wanted.username, wanted.password.reveal()));
  }
  return options;
}

HttpOptions http_options(const HttpConfig& http) {
  HttpOptions options;
  options.address = http.host;
  options.port = http.port;
  options.token = http.token.reveal();
  options.allowed_hosts = http.allowed_hosts;
  return options;
}

HostOptions host_options(const MetricsConfig& metrics) {
  HostOptions options;
  options.root = metrics.host_root;
  return options;
}

std::vector<AppOptions> app_options(const MetricsConfig& metrics) {
  std::vector<AppOptions> apps;
  for (const ProcessConfig& from : metrics.processes)
    apps.push_back({from.name, from.pid_file, from.process, from.cgroup});
  return apps;
}

ScrapeOptions scrape_options(const ScrapeConfig& scrape) {
  ScrapeOptions options;
  options.name = scrape.name;
  options.url = scrape.url;
  options.token = scrape.token.reveal();
  options.interval = scrape.interval;
  options.timeout = scrape.timeout;
  options.bytes_max = scrape.max_size;
  options.limits.samples_max = scrape.samples_max;
  return options;
}

// A stream of ours belongs to its family (any namespace); another name stands for itself.
static StreamOptions stream_options(const std::string& name, StreamOptions family, milliseconds retention) {
  const std::string_view stem = std::string_view(family.pattern).substr(0, family.pattern.size() - 1);
  if (!name.starts_with(stem)) family.pattern = name;
  if (retention.count() > 0) family.retention = format_duration(retention);
  return family;
}

TemplateOptions template_options(const ElasticConfig& elastic) {
  TemplateOptions options;
  options.app = stream_options(elastic.data_stream, options.app, elastic.retention_app);
  options.alerts = stream_options(elastic.alerts_data_stream, options.alerts, elastic.retention_alerts);
  if (!elastic.index.empty()) {
    options.app.data_stream = false;
    options.app.pattern = elastic.index.substr(0, elastic.index.find('%'));
    if (options.app.pattern != elastic.index) options.app.pattern += '*';
  }
  return options;
}

SetupOptions setup_options(const ElasticConfig& elastic) {
  SetupOptions options;
  options.hosts = elastic.hosts;
  options.authorization = authorization(elastic);
  options.tls = tls_options(elastic.ssl);
  options.templates = template_options(elastic);
  return options;
}

}  // namespace tapewatch

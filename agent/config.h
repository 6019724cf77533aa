// SPDX-License-Identifier: Apache-2.0
#pragma once
// Config: everything a person can set, as plain structs with the defaults of config/README.md. Made only by
// load_config(), which checks all of it; after loading nothing remembers files or lines, but for the conditions of
// metrics, which are read like those of rules once the fields are known. Each module has its own
// Options; the agent fills them from here, so that no module reads YAML, the environment or flags.
// Thread: any (values).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/log.h"
#include "base/yaml.h"
#include "secret.h"
#include "surroundings.h"

namespace tapewatch {

using std::chrono::milliseconds;

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;
inline constexpr std::uint64_t gib = 1024 * mib;

struct ServiceConfig {
  std::string name = "tapewatch-app";
  std::string instance;  // the host's name
  std::string environment;
  std::string version;
  LogLevel log_level = LogLevel::info;
};

enum class StartAt : std::uint8_t { beginning, end };

struct InputConfig {
  std::string name;  // "input1", "input2" ...
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  StartAt start_at = StartAt::beginning;
  milliseconds ignore_older{0};  // 0: never
  std::uint64_t max_line_bytes = mib;
  milliseconds rotate_wait{5'000};
  milliseconds scan_interval{1'000};
  bool watch = true;
};

struct ParseConfig {
  std::string schema = "auto";  // one of schema_names()
};

enum class Toggle : std::uint8_t { automatic, on, off };

struct CorrelationConfig {
  bool enabled = true;
  std::vector<std::string> keys = {"order.id", "trade.id", "session.id"};
  milliseconds ttl{900'000};
  std::uint64_t entries_max = 100'000;
};

struct EnrichConfig {
  std::vector<std::pair<std::string, std::string>> fields;  // dotted name, value: added to every event
  bool host = true;                                         // host.name
  bool file = true;                                         // log.file.path and log.offset
  Toggle kubernetes = Toggle::automatic;
  CorrelationConfig correlation;
};

enum class MaskAction : std::uint8_t { drop, fixed, hmac };

struct MaskConfig {
  bool enabled = true;
  std::vector<std::string> keys;
  std::vector<std::string> allow;
  bool cards = true;
  bool emails = true;
  bool tokens = true;
  MaskAction action = MaskAction::fixed;
  Secret hmac_key;
};

struct RulesConfig {
  std::vector<std::string> include;    // absolute globs
  std::vector<std::string> pipelines;  // the same: what log sources mean
};

struct WebhookConfig {
  std::string url;  // "": no webhook
  Secret secret;
  milliseconds timeout{10'000};
  std::uint64_t queue_max = 1'000;
};

struct AlertmanagerConfig {
  std::vector<std::string> urls;  // empty: none
  std::string username;
  Secret password;
  milliseconds timeout{10'000};
  std::uint64_t alerts_max = 10'000;
};

struct AlertsConfig {
  WebhookConfig webhook;
  AlertmanagerConfig alertmanager;
};

enum class Verification : std::uint8_t { full, none };
enum class Compression : std::uint8_t { none, gzip };

struct SslConfig {
  std::string certificate_authorities;
  std::string certificate;
  std::string key;
  Verification verification = Verification::full;
};

struct ElasticConfig {
  std::vector<std::string> hosts;
  std::string data_stream;  // exactly one of data_stream and index is set
  std::string index;        // may hold %Y %m %d %H, filled from the event's time
  std::string alerts_data_stream = "logs-tapewatch.alerts-default";
  std::string username;
  Secret password;
  Secret api_key;
  SslConfig ssl;
  std::uint64_t bulk_max_size = 2 * mib;
  std::uint64_t bulk_max_events = 50'000;
  milliseconds bulk_max_age{500};
  Compression compression = Compression::none;
  std::uint64_t concurrency_max = 4;
  milliseconds backoff_init{1'000};
  milliseconds backoff_max{60'000};
  milliseconds timeout{60'000};
  std::uint64_t dead_letters_max_size = 256 * mib;
  milliseconds retention_app{0};  // 0: for ever
  milliseconds retention_alerts{0};
};

struct StoreConfig {
  bool enabled = false;  // true when there is no Elasticsearch output
  std::string path;      // <state_dir>/store
  std::uint64_t retention_size = 2 * gib;
  milliseconds retention_age{7LL * 24 * 3'600'000};
  milliseconds flush_interval{500};
};

struct HttpConfig {
  bool enabled = true;
  std::string host = "127.0.0.1";
  std::uint16_t port = 9600;  // 0: any free port
  Secret token;
  std::vector<std::string> allowed_hosts;
};

// A metric derived from lines.
struct LogMetricConfig {
  enum class Type : std::uint8_t { counter, gauge, histogram };
  enum class Form : std::uint8_t { plain, lower, route, status_class };
  struct Label {
    std::string name;
    std::string field;
    Form form = Form::plain;
  };
  std::string name;
  std::string help;
  Type type = Type::counter;
  std::string value;  // the field that is added, set or observed; "": a counter adds 1
  double scale = 1;   // from the field's unit to that of the name
  std::vector<Label> labels;
  std::vector<double> buckets;
  std::uint64_t series_max = 200;
  milliseconds expire_after{3'600'000};  // 0: never
  bool exemplars = true;
  // Which lines: a search, or a whole detection with its condition; null: those that have the field.
  YamlNode condition;
  bool is_detection = false;
  std::string file;  // in which it stands
  // What is measured is the time from a line that meets `since` to the next one of the metric with the same `key`.
  YamlNode since;  // a search; null: `value` is measured
  std::string since_file;
  std::string key;
  milliseconds window{3'600'000};
  std::uint64_t pairs_max = 10'000;
};

// The application's own processes: exactly one of the three ways to find them.
struct ProcessConfig {
  std::string name;
  std::string pid_file;
  std::string process;
  std::string cgroup;
};

// The application's own /metrics, fetched and served with ours.
struct ScrapeConfig {
  std::string name;
  std::string url;
  Secret token;
  milliseconds interval{15'000};
  milliseconds timeout{5'000};
  std::uint64_t max_size = mib;
  std::uint64_t samples_max = 20'000;
};

struct MetricsConfig {
  std::vector<LogMetricConfig> from_logs;
  bool host = true;
  std::string host_root = "/";
  std::vector<ProcessConfig> processes;
  std::vector<ScrapeConfig> scrape;
};

struct LimitsConfig {
  std::uint64_t in_flight_bytes = 16 * mib;
  milliseconds shutdown_timeout{8'000};
  bool stop_at_end = false;
  milliseconds checkpoint_interval{500};
  std::uint64_t rule_state_bytes = 256 * mib;
  std::uint64_t files_open_max = 1'000;
  std::uint64_t read_block_bytes = 256 * kib;
};

struct Config {
  ServiceConfig service;
  std::vector<InputConfig> inputs;
  ParseConfig parse;
  EnrichConfig enrich;
  MaskConfig mask;
  RulesConfig rules;
  AlertsConfig alerts;
  MetricsConfig metrics;
  std::optional<ElasticConfig> elastic;
  StoreConfig store;
  HttpConfig http;
  LimitsConfig limits;
  std::string state_dir;
};

// Reads `path` and, in name order, conf.d/*.yaml beside it, and adds every fault to `diagnostics`. nullopt exactly when
// that added an error.
[[nodiscard]] std::optional<Config> load_config(const std::string& path, const Surroundings& around,
                                                Diagnostics& diagnostics);

// The schema presets that parse.schema may name.
[[nodiscard]] const std::vector<std::string_view>& schema_names();

// What a fault's number means and how to mend it; "" for a number that is not a configuration fault.
[[nodiscard]] std::string_view explain_config_fault(int number);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <dirent.h>

#include <algorithm>

#include "config_check.h"
#include "config_metrics.h"
#include "config_reader.h"
#include "config_tree.h"

namespace tapewatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr DurationRange any_age{milliseconds(0), hours(24 * 36600)};
constexpr std::size_t alertmanagers_max = 32;

void read_service(ConfigSection s, ServiceConfig& out) {
  s.text("name", out.name);
  s.text("instance", out.instance);
  s.text("environment", out.environment);
  s.text("version", out.version);
  s.choice<LogLevel>("log_level", out.log_level,
                     {{"debug", LogLevel::debug},
                      {"info", LogLevel::info},
                      {"warning", LogLevel::warning},
                      {"error", LogLevel::error}});
  s.finish();
}

InputConfig read_input(ConfigSection s, std::size_t number) {
  InputConfig out;
  out.name = "input" + std::to_string(number);
  s.text("name", out.name);
  s.texts("include", out.include);
  s.texts("exclude", out.exclude);
  s.choice<StartAt>("start_at", out.start_at, {{"beginning", StartAt::beginning}, {"end", StartAt::end}});
  s.duration("ignore_older", out.ignore_older, any_age);
  s.size("max_line_bytes", out.max_line_bytes, {kib, 64 * mib});
  s.duration("rotate_wait", out.rotate_wait, {milliseconds(0), minutes(10)});
  s.duration("scan_interval", out.scan_interval, {milliseconds(50), minutes(10)});
  s.flag("watch", out.watch);
  if (s.present()) check_input(s, out);
  s.finish();
  return out;
}

void read_inputs(ConfigSection& top, bool whole, std::vector<InputConfig>& out) {
  for (ConfigSection& item : top.sections("inputs")) out.push_back(read_input(std::move(item), out.size() + 1));
  if (!top.has("inputs")) {
    if (whole) top.missing("inputs", "write inputs: [{include: [/var/log/trading/*.log]}]");
  } else if (top.is_empty_list("inputs")) {
    top.error(top.place_of("inputs"), 139, "inputs is empty", "write inputs: [{include: [/var/log/trading/*.log]}]");
  }
  check_input_names(top, out);
}

void read_enrich(ConfigSection s, EnrichConfig& out) {
  s.named_texts("fields", out.fields);
  s.flag("host", out.host);
  s.flag("file", out.file);
  s.choice<Toggle>("kubernetes", out.kubernetes,
                   {{"auto", Toggle::automatic}, {"on", Toggle::on}, {"off", Toggle::off}});
  ConfigSection c = s.section("correlation");
  c.flag("enabled", out.correlation.enabled);
  c.texts("keys", out.correlation.keys);
  c.duration("ttl", out.correlation.ttl, {seconds(1), hours(24 * 7)});
  c.count("entries_max", out.correlation.entries_max, {100, 10'000'000});
  c.finish();
  s.finish();
}

void read_mask(ConfigSection s, MaskConfig& out) {
  s.flag("enabled", out.enabled);
  s.texts("keys", out.keys);
  s.texts("allow", out.allow);
  std::vector<std::string> values = {"card", "email", "token"};
  s.texts("values", values);
  check_words(s, "values", values, {"card", "email", "token"});
  const auto on = [&](std::string_view word) { return std::find(values.begin(), values.end(), word) != values.end(); };
  out.cards = on("card");
  out.emails = on("email");
  out.tokens = on("token");
  s.choice<MaskAction>("action", out.action,
                       {{"drop", MaskAction::drop}, {"fixed", MaskAction::fixed}, {"hmac", MaskAction::hmac}});
  s.secret("hmac_key", out.hmac_key);
  if (out.action == MaskAction::hmac && !s.has("hmac_key")) {
    s.error(s.place_of_value("action"), 145, "mask.action hmac needs mask.hmac_key", "add hmac_key: {file: PATH}");
  }
  s.finish();
}

void read_alerts(ConfigSection s, AlertsConfig& out) {
  ConfigSection w = s.section("webhook");
  w.text("url", out.webhook.url);
  w.secret("secret", out.webhook.secret);
  w.duration("timeout", out.webhook.timeout, {milliseconds(100), minutes(5)});
  w.count("queue_max", out.webhook.queue_max, {1, 100'000});
  if (!out.webhook.url.empty()) check_url(w, "url", 0, out.webhook.url);
  w.finish();
  ConfigSection a = s.section("alertmanager");
  a.texts("urls", out.alertmanager.urls);
  a.text("username", out.alertmanager.username);
  a.secret("password", out.alertmanager.password);
  a.duration("timeout", out.alertmanager.timeout, {milliseconds(100), minutes(5)});
  a.count("alerts_max", out.alertmanager.alerts_max, {1, 100'000});
  for (std::size_t i = 0; i < out.alertmanager.urls.size(); ++i) check_url(a, "urls", i, out.alertmanager.urls[i]);
  if (out.alertmanager.urls.size() > alertmanagers_max) {
    a.error(a.place_of_value("urls"), 130, "at most " + std::to_string(alertmanagers_max) + " Alertmanagers");
  }
  a.finish();
  s.finish();
}

ElasticConfig read_elastic(ConfigSection s) {
  ElasticConfig out;
  s.texts("hosts", out.hosts);
  s.text("data_stream", out.data_stream);
  s.text("index", out.index);
  s.text("alerts_data_stream", out.alerts_data_stream);
  s.text("username", out.username);
  s.secret("password", out.password);
  s.secret("api_key", out.api_key);
  ConfigSection ssl = s.section("ssl");
  ssl.text("certificate_authorities", out.ssl.certificate_authorities);
  ssl.text("certificate", out.ssl.certificate);
  ssl.text("key", out.ssl.key);
  ssl.choice<Verification>("verification", out.ssl.verification,
                           {{"full", Verification::full}, {"none", Verification::none}});
  ssl.finish();
  s.size("bulk_max_size", out.bulk_max_size, {4 * kib, 100 * mib});
  s.count("bulk_max_events", out.bulk_max_events, {1, 1'000'000});
  s.duration("bulk_max_age", out.bulk_max_age, {milliseconds(1), minutes(1)});
  s.choice<Compression>("compression", out.compression, {{"none", Compression::none}, {"gzip", Compression::gzip}});
  ConfigSection concurrency = s.section("concurrency");
  concurrency.count("max", out.concurrency_max, {1, 64});
  concurrency.finish();
  ConfigSection backoff = s.section("backoff");
  backoff.duration("init", out.backoff_init, {milliseconds(10), minutes(10)});
  backoff.duration("max", out.backoff_max, {milliseconds(10), hours(1)});
  backoff.finish();
  s.duration("timeout", out.timeout, {milliseconds(100), minutes(30)});
  ConfigSection dead = s.section("dead_letters");
  dead.size("max_size", out.dead_letters_max_size, {mib, 1024 * gib});
  dead.finish();
  ConfigSection retention = s.section("retention");
  retention.duration("app", out.retention_app, {milliseconds(0), hours(24 * 36600)});
  retention.duration("alerts", out.retention_alerts, {milliseconds(0), hours(24 * 36600)});
  retention.finish();
  check_elastic(s, ssl, backoff, out);
  s.finish();
  return out;
}

void read_store(ConfigSection s, StoreConfig& out) {
  s.flag("enabled", out.enabled);
  s.text("path", out.path);
  check_absolute(s, "path", out.path);
  ConfigSection retention = s.section("retention");
  retention.size("size", out.retention_size, {16 * mib, 64 * 1024 * gib});
  retention.duration("age", out.retention_age, {minutes(1), hours(24 * 36600)});
  retention.finish();
  s.duration("flush_interval", out.flush_interval, {milliseconds(10), seconds(10)});
  s.finish();
}

void read_http(ConfigSection s, HttpConfig& out) {
  std::string address = "127.0.0.1:9600";
  s.flag("enabled", out.enabled);
  s.text("address", address);
  s.secret("token", out.token);
  s.texts("allowed_hosts", out.allowed_hosts);
  check_http(s, address, out);
  s.finish();
}

void read_limits(ConfigSection s, LimitsConfig& out) {
  s.size("in_flight_bytes", out.in_flight_bytes, {mib, 4 * gib});
  s.duration("shutdown_timeout", out.shutdown_timeout, {milliseconds(100), minutes(10)});
  s.flag("stop_at_end", out.stop_at_end);
  s.duration("checkpoint_interval", out.checkpoint_interval, {milliseconds(10), minutes(1)});
  s.size("rule_state_bytes", out.rule_state_bytes, {mib, 4 * gib});
  s.count("files_open_max", out.files_open_max, {1, 1'000'000});
  s.size("read_block_bytes", out.read_block_bytes, {4 * kib, 16 * mib});
  s.finish();
}

std::string default_state_dir(const Surroundings& around) {
  const auto variable = [&](const std::string& name) {
    return around.environment ? around.environment(name).value_or("") : std::string();
  };
  const std::string given = variable("STATE_DIRECTORY");  // systemd may list several, with colons
  if (!given.empty()) return given.substr(0, given.find(':'));
  if (const std::string state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/tapewatch";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.local/state/tapewatch";
  return "";
}

Config read_all(ConfigSection top, bool whole, const Surroundings& around, ConfigFaults& faults) {
  Config out;
  out.service.instance = around.host_name;
  read_service(top.section("service"), out.service);
  read_inputs(top, whole, out.inputs);
  ConfigSection parse = top.section("parse");
  parse.text("schema", out.parse.schema);
  check_words(parse, "schema", {out.parse.schema}, schema_names());
  parse.finish();
  read_enrich(top.section("enrich"), out.enrich);
  read_mask(top.section("mask"), out.mask);
  ConfigSection rules = top.section("rules");
  rules.texts("include", out.rules.include);
  rules.texts("pipelines", out.rules.pipelines);
  check_relative_patterns(rules, "include", out.rules.include);
  check_relative_patterns(rules, "pipelines", out.rules.pipelines);
  rules.finish();
  read_alerts(top.section("alerts"), out.alerts);
  read_metrics(top.section("metrics"), around, faults, out.metrics);
  ConfigSection outputs = top.section("outputs");
  ConfigSection elastic = outputs.section("elasticsearch");
  if (elastic.present()) out.elastic = read_elastic(std::move(elastic));
  if (outputs.is_null("elasticsearch")) {
    top.error(outputs.place_of("elasticsearch"), 139, "outputs.elasticsearch has no value",
              "give it hosts, or remove the key for the embedded store alone");
  }
  outputs.finish();
  out.store.enabled = !out.elastic;
  out.state_dir = default_state_dir(around);
  top.text("state_dir", out.state_dir);
  check_absolute(top, "state_dir", out.state_dir);
  if (out.state_dir.empty()) top.missing("state_dir", "there is no home folder to put it in");
  out.store.path = out.state_dir + "/store";
  ConfigSection store = top.section("store");
  read_store(store, out.store);
  if (!out.store.enabled && !out.elastic) {
    top.error(store.place_of("enabled"), 147, "nowhere to deliver to: the store is off and there is no output",
              "add outputs.elasticsearch or switch the store on");
  }
  read_http(top.section("http"), out.http);
  read_limits(top.section("limits"), out.limits);
  top.finish();
  return out;
}

// conf.d/*.yaml beside `path`, in name order.
std::vector<std::string> further_files(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = (slash == std::string::npos ? "" : path.substr(0, slash + 1)) + "conf.d";
  std::vector<std::string> out;
  DIR* dir = ::opendir(folder.c_str());
  if (dir == nullptr) return out;
  while (const dirent* entry = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    const std::string name = entry->d_name;
    if (name[0] != '.' && name.size() > 5 && name.substr(name.size() - 5) == ".yaml")
      out.push_back(folder + "/" + name);
  }
  ::closedir(dir);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::optional<Config> load_config(const std::string& path, const Surroundings& around, Diagnostics& diagnostics) {
  ConfigFaults faults(diagnostics);
  YamlNode root;
  root.kind = YamlNode::Kind::refused;
  bool whole = join_config_file(root, path, faults);
  if (root.kind != YamlNode::Kind::refused) {
    for (const std::string& further : further_files(path)) whole &= join_config_file(root, further, faults);
  }
  ConfigSection top(faults, around, &root, {0, 0, 1, 0}, "");
  if (!top.present()) return std::nullopt;
  const int errors_before = diagnostics.errors() - faults.errors();
  Config config = read_all(std::move(top), whole, around, faults);
  if (diagnostics.errors() > errors_before) return std::nullopt;
  return config;
}

const std::vector<std::string_view>& schema_names() {
  static const std::vector<std::string_view> names = {
      "auto", "none", "ecs", "structlog", "python-json-logger", "pino", "zap", "logrus", "logback", "log4j", "bunyan"};
  return names;
}

}  // namespace tapewatch

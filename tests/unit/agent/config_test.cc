// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace tapewatch {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tapewatch-config-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text, ::mode_t mode = 0600) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path.string();
  }

  std::optional<Config> load(const std::string& path) {
    const Surroundings around{[this](const std::string& name) -> std::optional<std::string> {
                                const auto found = environment_.find(name);
                                if (found == environment_.end()) return std::nullopt;
                                return found->second;
                              },
                              "trade-host-01", "/srv/app"};
    diagnostics_ = {};
    return load_config(path, around, diagnostics_);
  }
  std::optional<Config> load_text(const std::string& text) { return load(write("tapewatch.yaml", text)); }
  std::string printed() const { return diagnostics_.render(false); }

  fs::path folder_;
  std::map<std::string, std::string> environment_ = {{"HOME", "/home/trader"}};
  Diagnostics diagnostics_;
};

const std::string input = "inputs: [{include: [/var/log/a.log]}]\n";

TEST_F(ConfigTest, OneInputIsEnough) {
  const auto config = load_text(input);
  ASSERT_TRUE(config) << printed();
  ASSERT_EQ(config->inputs.size(), 1u);
  EXPECT_EQ(config->inputs[0].name, "input1");
  EXPECT_EQ(config->service.instance, "trade-host-01");
  EXPECT_TRUE(config->store.enabled);
  EXPECT_FALSE(config->elastic);
  EXPECT_EQ(config->state_dir, "/home/trader/.local/state/tapewatch");
  EXPECT_EQ(config->store.path, "/home/trader/.local/state/tapewatch/store");
  EXPECT_EQ(config->http.port, 9600);
  EXPECT_TRUE(diagnostics_.all().empty());
}

TEST_F(ConfigTest, AnOutputTurnsTheStoreOffUnlessAsked) {
  const std::string output = "outputs: {elasticsearch: {hosts: [\"http://h:9200\"]}}\n";
  const auto config = load_text(input + output);
  ASSERT_TRUE(config) << printed();
  EXPECT_FALSE(config->store.enabled);
  EXPECT_EQ(config->elastic->data_stream, "logs-tapewatch.app-default");
  EXPECT_EQ(config->elastic->index, "");
  const auto both = load_text(input + output + "store: {enabled: true}\n");
  ASSERT_TRUE(both) << printed();
  EXPECT_TRUE(both->store.enabled);
}

TEST_F(ConfigTest, EveryKeyReachesItsOption) {
  const auto config = load_text(R"(
service: {name: oms, instance: i-1, environment: prod, version: 1.4.0, log_level: debug}
inputs:
  - name: app
    include: [/var/log/a.log, "/b/{c,d}/**/*.log"]
    exclude: [/b/x.log]
    start_at: end
    ignore_older: 2d
    max_line_bytes: 64KiB
    rotate_wait: 1s
    scan_interval: 250ms
    watch: false
parse: {schema: pino}
enrich:
  fields: {labels.desk: tokyo, labels: {book: "12"}}
  host: false
  file: false
  kubernetes: on
  correlation: {enabled: false, keys: [order.id], ttl: 1m, entries_max: 500}
mask: {enabled: false, keys: [pin], allow: [token_type], values: [email], action: drop}
rules: {include: [rules/**/*.yaml, /etc/r.yaml]}
alerts:
  webhook: {url: "https://hooks.example.org/x", timeout: 3s, queue_max: 10}
  alertmanager: {urls: ["http://am-1:9093", "http://am-2:9093"], username: tw, password: p, timeout: 2s, alerts_max: 5}
outputs:
  elasticsearch:
    hosts: ["https://a:9200", "https://b:9200"]
    index: "trading-%Y.%m.%d"
    alerts_data_stream: logs-x-y
    username: u
    password: ${PASSWORD}
    ssl: {certificate_authorities: /ca.pem, certificate: /c.pem, key: /k.pem, verification: full}
    bulk_max_size: 1MB
    bulk_max_events: 100
    bulk_max_age: 20ms
    compression: gzip
    concurrency: {max: 1}
    backoff: {init: 100ms, max: 5s}
    timeout: 5s
    dead_letters: {max_size: 2MiB}
store: {enabled: true, path: /s, retention: {size: 1GiB, age: 2h}, flush_interval: 50ms}
http: {enabled: false, address: "[::1]:0", allowed_hosts: [agent.example.org]}
limits: {in_flight_bytes: 2MiB, shutdown_timeout: 1s, stop_at_end: true, checkpoint_interval: 50ms, files_open_max: 7, read_block_bytes: 8KiB}
state_dir: /state
)");
  EXPECT_FALSE(config) << "the password's variable is not set";
  environment_["PASSWORD"] = "p\"w";
  const auto good = load((folder_ / "tapewatch.yaml").string());
  ASSERT_TRUE(good) << printed();
  EXPECT_EQ(good->service.log_level, LogLevel::debug);
  const InputConfig& in = good->inputs[0];
  EXPECT_EQ(in.include, (std::vector<std::string>{"/var/log/a.log", "/b/{c,d}/**/*.log"}));
  EXPECT_EQ(in.start_at, StartAt::end);
  EXPECT_EQ(in.ignore_older, hours(48));
  EXPECT_EQ(in.max_line_bytes, 64 * kib);
  EXPECT_EQ(in.scan_interval, milliseconds(250));
  EXPECT_FALSE(in.watch);
  EXPECT_EQ(good->parse.schema, "pino");
  EXPECT_EQ(good->enrich.fields,
            (std::vector<std::pair<std::string, std::string>>{{"labels.desk", "tokyo"}, {"labels.book", "12"}}));
  EXPECT_EQ(good->enrich.kubernetes, Toggle::on);
  EXPECT_EQ(good->enrich.correlation.ttl, seconds(60));
  EXPECT_FALSE(good->mask.cards);
  EXPECT_TRUE(good->mask.emails);
  EXPECT_EQ(good->mask.action, MaskAction::drop);
  EXPECT_EQ(good->rules.include, (std::vector<std::string>{folder_.string() + "/rules/**/*.yaml", "/etc/r.yaml"}));
  EXPECT_EQ(good->alerts.webhook.queue_max, 10u);
  EXPECT_EQ(good->alerts.alertmanager.urls.size(), 2u);
  EXPECT_EQ(good->alerts.alertmanager.alerts_max, 5u);
  EXPECT_EQ(good->alerts.alertmanager.timeout, milliseconds(2'000));
  EXPECT_EQ(good->elastic->password.reveal(), "p\"w");
  EXPECT_EQ(good->elastic->data_stream, "");
  EXPECT_EQ(good->elastic->index, "trading-%Y.%m.%d");
  EXPECT_EQ(good->elastic->bulk_max_size, 1'000'000u);
  EXPECT_EQ(good->elastic->compression, Compression::gzip);
  EXPECT_EQ(good->elastic->backoff_init, milliseconds(100));
  EXPECT_EQ(good->elastic->dead_letters_max_size, 2 * mib);
  EXPECT_EQ(good->store.path, "/s");
  EXPECT_EQ(good->store.retention_age, hours(2));
  EXPECT_EQ(good->http.host, "::1");
  EXPECT_EQ(good->http.port, 0);
  EXPECT_TRUE(good->limits.stop_at_end);
  EXPECT_EQ(good->limits.files_open_max, 7u);
  EXPECT_EQ(good->state_dir, "/state");
}

TEST_F(ConfigTest, TheFilesToCopyLoadAndTellTheDefaults) {
  const fs::path config = fs::path(TAPEWATCH_SOURCE_DIR) / "config";
  int loaded = 0;
  for (const auto& entry : fs::directory_iterator(config)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_TRUE(load(entry.path().string())) << printed();
    EXPECT_TRUE(diagnostics_.all().empty()) << printed();
    ++loaded;
  }
  EXPECT_GE(loaded, 2);
  const auto full = load((config / "tapewatch.yaml").string());
  const auto least = load_text(input + "outputs: {elasticsearch: {hosts: [\"http://localhost:9200\"]}}\n");
  ASSERT_TRUE(full && least);
  EXPECT_EQ(full->inputs[0].rotate_wait, least->inputs[0].rotate_wait);
  EXPECT_EQ(full->inputs[0].max_line_bytes, least->inputs[0].max_line_bytes);
  EXPECT_EQ(full->enrich.correlation.keys, least->enrich.correlation.keys);
  EXPECT_EQ(full->enrich.correlation.ttl, least->enrich.correlation.ttl);
  EXPECT_EQ(full->elastic->bulk_max_size, least->elastic->bulk_max_size);
  EXPECT_EQ(full->elastic->bulk_max_age, least->elastic->bulk_max_age);
  EXPECT_EQ(full->elastic->timeout, least->elastic->timeout);
  EXPECT_EQ(full->elastic->data_stream, least->elastic->data_stream);
  EXPECT_EQ(full->store.retention_size, least->store.retention_size);
  EXPECT_EQ(full->store.retention_age, least->store.retention_age);
  EXPECT_EQ(full->limits.in_flight_bytes, least->limits.in_flight_bytes);
  EXPECT_EQ(full->limits.shutdown_timeout, least->limits.shutdown_timeout);
}

TEST_F(ConfigTest, FurtherFilesAreMergedInNameOrder) {
  write("conf.d/20-late.yaml", "limits: {files_open_max: 20}\ninputs: [{include: [/late.log]}]\n");
  write("conf.d/10-early.yaml", "limits: {files_open_max: 10, shutdown_timeout: 1s}\n");
  write("conf.d/ignored.txt", "nonsense: [");
  const auto config = load_text(input + "limits: {in_flight_bytes: 2MiB}\n");
  ASSERT_TRUE(config) << printed();
  EXPECT_EQ(config->limits.files_open_max, 20u);
  EXPECT_EQ(config->limits.shutdown_timeout, seconds(1));
  EXPECT_EQ(config->limits.in_flight_bytes, 2 * mib);
  ASSERT_EQ(config->inputs.size(), 2u);
  EXPECT_EQ(config->inputs[1].include[0], "/late.log");
  EXPECT_EQ(config->inputs[1].name, "input2");
}

TEST_F(ConfigTest, AFaultInAFurtherFileNamesThatFile) {
  const std::string path = write("conf.d/10-more.yaml", "limits:\n  files_opn_max: 1\n");
  EXPECT_FALSE(load_text(input));
  EXPECT_NE(printed().find(path + ":2:3 unknown key"), std::string::npos) << printed();
}

TEST_F(ConfigTest, TheEnvironmentFillsValues) {
  environment_["DESK"] = "tokyo";
  environment_["EMPTY"] = "";
  const auto config = load_text(input +
                                "service: {name: \"oms-${DESK}\", environment: \"${EMPTY:-staging}\", "
                                "version: \"$${DESK}\"}\nlimits: {shutdown_timeout: \"${WAIT:-3s}\"}\n");
  ASSERT_TRUE(config) << printed();
  EXPECT_EQ(config->service.name, "oms-tokyo");
  EXPECT_EQ(config->service.environment, "staging");
  EXPECT_EQ(config->service.version, "${DESK}");
  EXPECT_EQ(config->limits.shutdown_timeout, seconds(3));
}

TEST_F(ConfigTest, SecretsComeFromFilesThatOthersCannotRead) {
  write("http.token", "s3cret\n");
  write("open.token", "s3cret\n", 0644);
  const auto good = load_text(input + "http: {address: \"0.0.0.0:9600\", token: {file: http.token}}\n");
  ASSERT_TRUE(good) << printed();
  EXPECT_EQ(good->http.token.reveal(), "s3cret");
  EXPECT_FALSE(load_text(input + "http: {token: {file: open.token}}\n"));
  EXPECT_NE(printed().find("error[TW0143]"), std::string::npos) << printed();
}

TEST_F(ConfigTest, PatternsForPackedFilesAreWarnedOf) {
  EXPECT_TRUE(load_text("inputs: [{include: [/var/log/a.log*], exclude: [/var/log/*.gz]}]\n"));
  EXPECT_EQ(printed(), "");
  EXPECT_TRUE(load_text("inputs: [{include: [/var/log/a.log, /var/log/a.log.*.gz]}]\n"));
  EXPECT_NE(printed().find("warning[TW0152]"), std::string::npos) << printed();
}

TEST_F(ConfigTest, NoMessageShowsASecret) {
  environment_["TOKEN"] = "swordfish-from-environment";
  EXPECT_FALSE(load_text(input + R"(http:
  token: swordfish
  tokn: "swordfish"
  address: "${TOKEN}"
outputs:
  elasticsearch:
    hosts: ["http://user:swordfish@h:9200"]
    password: >
      swordfish
    api_key:
      swordfish
alerts: {webhook: {secret: swordfish, 'url': x}}
mask: {hmac_key: "${KEY:-swordfish}", 'secret':swordfish}
)"));
  EXPECT_EQ(printed().find("swordfish"), std::string::npos) << printed();
  EXPECT_FALSE(load_text("inputs: [\nhttp:\n  token:swordfish\n  tokens:\n    - swordfish\n"));
  EXPECT_EQ(printed().find("swordfish"), std::string::npos) << printed();
}

TEST_F(ConfigTest, LineEndsAndByteOrderMarksOfOtherSystemsAreFine) {
  const auto config = load_text("\xEF\xBB\xBFinputs:\r\n  - include: [/a.log]\r\n    start_at: end\r\n");
  ASSERT_TRUE(config) << printed();
  EXPECT_EQ(config->inputs[0].start_at, StartAt::end);
  EXPECT_FALSE(load_text("inputs:\r\n  - include: [/a.log]\r\n    start_att: end\r\n"));
  EXPECT_NE(printed().find("    3 |     start_att: end\n      |     ^~~~~~~~~ did you mean \"start_at\"?"),
            std::string::npos)
      << printed();
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST_F(ConfigTest, BombsEndQuickly) {
  std::string wide = "inputs:\n";
  for (int i = 0; i < 60'000; ++i) wide += "k" + std::to_string(i) + ": 1\n";
  const std::string texts[] = {std::string(500'000, '['),
                               std::string(500'000, '{'),
                               "a: " + std::string(500'000, '-'),
                               std::string(1'100'000, 'a'),
                               "a: &a [1]\nb: [" + std::string(100'000, '*') + "a]",
                               "? " + std::string(100'000, '?'),
                               "a: \"" + std::string(500'000, 'b'),
                               "{" + repeated("a,", 250'000),
                               "a: " + repeated("://", 150'000),
                               repeated("\tx: 1\n", 100'000),
                               wide};
  for (const std::string& text : texts) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(load_text(text)) << text.substr(0, 20);
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_TRUE(diagnostics_.has_errors());
    EXPECT_LT(took, seconds(20)) << text.substr(0, 20);  // against squares
    RecordProperty("us", static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
}

TEST_F(ConfigTest, TheReferenceNamesEveryFaultAndEveryKey) {
  const fs::path config = fs::path(TAPEWATCH_SOURCE_DIR) / "config";
  std::stringstream reference;
  reference << std::ifstream(config / "README.md").rdbuf();
  for (int number = 100; number < 200; ++number) {
    const bool told = reference.str().find("| TW0" + std::to_string(number) + " |") != std::string::npos;
    EXPECT_EQ(told, !explain_config_fault(number).empty()) << number;
  }
  std::ifstream file(config / "tapewatch.yaml");
  for (std::string line; std::getline(file, line);) {
    const std::size_t begin = line.find_first_not_of(" -#");
    const std::size_t end = line.find(':');
    if (begin == std::string::npos || end == std::string::npos || end < begin) continue;
    const std::string key = line.substr(begin, end - begin);
    if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos) continue;
    EXPECT_NE(reference.str().find(key), std::string::npos) << key;
  }
}

TEST_F(ConfigTest, AMissingFileSaysHowToMakeOne) {
  EXPECT_FALSE(load("/nonexistent/tapewatch.yaml"));
  EXPECT_NE(printed().find("error[TW0101] /nonexistent/tapewatch.yaml cannot be read"), std::string::npos);
  EXPECT_NE(printed().find("tapewatch init"), std::string::npos);
}

}  // namespace
}  // namespace tapewatch

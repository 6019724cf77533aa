// SPDX-License-Identifier: Apache-2.0
// Metrics derived from lines, through the real stages, from the text of a configuration.
#include "log_series.h"

#include <gtest/gtest.h>

#include "fake/folder.h"
#include "stages.h"
#include "unit/agent/block_of.h"

namespace tapewatch {
namespace {

class LogSeriesTest : public testing::Test {
 protected:
  void open(const std::string& metrics) {
    folder_.write("tapewatch.yaml", "inputs: [{include: [/var/log/a.log]}]\nstate_dir: /tmp/none\n" + metrics);
    const Surroundings around{[](const std::string&) { return std::nullopt; }, "host", "/srv"};
    diagnostics_ = {};
    const std::optional<Config> config = load_config(folder_.path("tapewatch.yaml"), around, diagnostics_);
    ASSERT_TRUE(config) << diagnostics_.render(false);
    Stages::Outputs outputs;
    outputs.store_batch = [](const StoreBatch&) {};
    stages_ = Stages::open(*config, metrics_, diagnostics_, std::move(outputs));
  }
  void run(const std::string& lines, std::int64_t read_ns = 1) {
    stages_->pipeline().run(block_of(lines, 0, read_ns));
    stages_->pipeline().turn(read_ns);
  }
  [[nodiscard]] bool shows(const std::string& line, MetricsFormat format = MetricsFormat::text) const {
    return metrics_.serialize(format).find("\n" + line) != std::string::npos;
  }
  [[nodiscard]] std::uint64_t skipped(const char* metric, const char* reason) {
    return metrics_.derived_skipped.with({metric, reason}).value();
  }

  TemporaryFolder folder_;
  Diagnostics diagnostics_;
  AgentMetrics metrics_{"test"};
  std::unique_ptr<Stages> stages_;
};

TEST_F(LogSeriesTest, CountsWhatItsConditionMeets) {
  open(R"(metrics:
  from_logs:
    - name: orders_total
      when: {event.action: [order-new, ORDER.NEW]}
      labels: {side: {field: order.side, as: lower}}
    - name: big_orders_total
      detection:
        order: {event.action: order-new}
        small: {order.quantity|lt: 100}
        condition: order and not small
    - name: quantity_total
      value: order.quantity
    - name: nothing_total
      when: {event.action: never}
)");
  ASSERT_FALSE(diagnostics_.has_errors()) << diagnostics_.render(false);
  run(R"({"event.action":"order-new","order":{"side":"Buy","quantity":50}}
{"event":{"action":"order-new"},"order.side":"SELL","order.quantity":"250"}
{"event.action":"order.new","order.side":"buy","order.quantity":-3}
{"event.action":"else","order.quantity":"many"}
not json
)");
  EXPECT_TRUE(shows("orders_total{side=\"buy\"} 2\n")) << metrics_.serialize();
  EXPECT_TRUE(shows("orders_total{side=\"sell\"} 1\n"));
  EXPECT_TRUE(shows("big_orders_total 1\n"));
  EXPECT_TRUE(shows("quantity_total 300\n"));
  EXPECT_TRUE(shows("nothing_total 0\n"));
  EXPECT_EQ(skipped("quantity_total", "negative"), 1U);
  EXPECT_EQ(skipped("quantity_total", "not_a_number"), 1U);
}

TEST_F(LogSeriesTest, HistogramsAndGaugesInBaseUnitsWithTraces) {
  open(R"(metrics:
  from_logs:
    - name: request_duration_seconds
      type: histogram
      value: event.duration
      buckets: [0.01, 0.1]
      labels: {route: {field: url.path, as: route}, status: {field: http.response.status_code, as: status_class}}
    - {name: wait_seconds, type: gauge, value: wait.ms, unit: ms}
    - {name: queue_bytes, type: gauge, value: queue.kib, unit: KiB}
)");
  ASSERT_FALSE(diagnostics_.has_errors()) << diagnostics_.render(false);
  run(R"({"@timestamp":"2026-01-05T00:00:00Z","event.duration":20000000,"url.path":"/api/v1/orders/ORD-000123?x=1","http":{"response":{"status_code":204}},"trace.id":"4bf92f3577b34da6a3ce929d0e0e4736"}
{"event.duration":5000000,"url.path":"/api/v1/orders/77","http.response.status_code":200,"wait.ms":1500,"queue":{"kib":3}}
)");
  const std::string labels = R"(route="/api/v1/orders/:id",status="2xx")";
  EXPECT_TRUE(shows("request_duration_seconds_bucket{" + labels + ",le=\"0.01\"} 1\n")) << metrics_.serialize();
  EXPECT_TRUE(shows("request_duration_seconds_sum{" + labels + "} 0.025\n"));
  EXPECT_TRUE(shows("wait_seconds 1.5\n"));
  EXPECT_TRUE(shows("queue_bytes 3072\n"));
  EXPECT_TRUE(shows("request_duration_seconds_bucket{" + labels +
                        ",le=\"0.1\"} 2 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 0.02 1767571200.000\n",
                    MetricsFormat::openmetrics))
      << metrics_.serialize(MetricsFormat::openmetrics);
}

TEST_F(LogSeriesTest, MeasuresFromOneLineToAnother) {
  open(R"(metrics:
  from_logs:
    - name: wait_seconds
      type: histogram
      since: {event.action: asked}
      key: approval.id
      when: {event.action: [given, refused]}
      labels: {how: event.action}
      buckets: [1, 10]
      window: 1m
)");
  ASSERT_FALSE(diagnostics_.has_errors()) << diagnostics_.render(false);
  const auto line = [](const char* time, const char* action, const char* id) {
    return std::string("{\"@timestamp\":\"2026-01-05T00:") + time + "Z\",\"event.action\":\"" + action +
           "\",\"approval.id\":\"" + id + "\"}\n";
  };
  run(line("00:00", "asked", "A") + line("00:01", "asked", "B") + line("00:02", "asked", "A") +
      line("00:05", "given", "A") + line("00:06", "given", "A") + line("00:01.5", "refused", "B") +
      line("00:10", "asked", "C") + line("02:00", "given", "C") + line("02:10", "asked", "D") +
      line("02:09", "given", "D"));
  EXPECT_TRUE(shows("wait_seconds_sum{how=\"given\"} 5\n")) << metrics_.serialize();
  EXPECT_TRUE(shows("wait_seconds_sum{how=\"refused\"} 0.5\n"));
  EXPECT_TRUE(shows("wait_seconds_count{how=\"given\"} 1\n"));
  EXPECT_EQ(skipped("wait_seconds", "no_start"), 2U) << "the second of A, and C after its window";
  EXPECT_EQ(skipped("wait_seconds", "negative"), 1U);
}

TEST(StartTimes, AreBoundedInNumberAndTime) {
  StartTimes starts(100, 1'000'000);
  const auto key = [](int i) { return Hash128{1, static_cast<std::uint64_t>(i)}; };
  for (int i = 0; i < 100'000; ++i) starts.add(key(i), i);
  EXPECT_EQ(starts.size(), 100U);
  EXPECT_FALSE(starts.take(key(99'899), 100'000));
  EXPECT_EQ(starts.take(key(99'900), 100'000), 100);
  starts.add(key(1), 3'000'000);
  EXPECT_EQ(starts.size(), 1U) << "the others are too old";
  for (int i = 0; i < 100'000; ++i) {
    starts.add(key(2), 3'000'000 + i);
    EXPECT_EQ(starts.take(key(2), 3'000'000 + i), 0);
  }
  EXPECT_EQ(starts.take(key(1), 3'000'001), std::nullopt) << "pushed out by the many";
}

TEST_F(LogSeriesTest, WhatWasMaskedIsNoLabel) {
  open(R"(metrics:
  from_logs:
    - {name: payments_total, when: {event.action: paid}, labels: {card: payment.card, token: api_key, desk: desk}}
)");
  run(R"({"event.action":"paid","payment.card":"4111 1111 1111 1111","api_key":"s3cret-value","desk":"tokyo"}
{"event.action":"paid","payment.card":"5500 0000 0000 0004","api_key":"other-secret","desk":"tokyo"}
)");
  const std::string text = metrics_.serialize();
  for (const char* secret : {"4111", "5500", "s3cret", "other-secret"}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << secret;
  }
  EXPECT_NE(text.find("desk=\"tokyo\"} 2\n"), std::string::npos) << text;
}

TEST_F(LogSeriesTest, AFloodGoesUnderOther) {
  open(R"(metrics:
  from_logs:
    - {name: clicks_total, when: {event.action: click}, labels: {page: page}, series_max: 10, expire_after: 1m}
)");
  std::string lines;
  for (int i = 0; i < 5'000; ++i) lines += R"({"event.action":"click","page":"p)" + std::to_string(i) + "\"}\n";
  run(lines);
  EXPECT_TRUE(shows("clicks_total{page=\"_other\"} 4990\n"));
  EXPECT_EQ(metrics_.series_limit_hits.with({"clicks_total"}).value(), 4'990U);
  run("{\"event.action\":\"click\",\"page\":\"new\"}\n", 120'000'000'000);
  run("{\"event.action\":\"click\",\"page\":\"new\"}\n", 121'000'000'000);
  EXPECT_TRUE(shows("clicks_total{page=\"new\"} 1\n")) << "the idle ones made room";
  EXPECT_FALSE(shows("clicks_total{page=\"p1\"}"));
}

TEST_F(LogSeriesTest, FaultsOfConditionsHaveTheirPlace) {
  open(R"(metrics:
  from_logs:
    - name: a_total
      detection:
        order: {event.action|contians: x}
        condition: order
    - {name: b_total, when: {event.action: x}}
)");
  const std::string shown = diagnostics_.render(false);
  EXPECT_NE(shown.find("tapewatch.yaml:7:30"), std::string::npos) << shown;
  EXPECT_NE(shown.find("did you mean \"contains\"?"), std::string::npos) << shown;
  EXPECT_EQ(diagnostics_.errors(), 1);
  run("{\"event.action\":\"x\"}\n");
  EXPECT_TRUE(shows("b_total 1\n")) << "the sound one counts";
}

TEST_F(LogSeriesTest, WhatShipsIsSound) {
  open("metrics: {include: [" + std::string(TAPEWATCH_SOURCE_DIR) + "/config/metrics/trading.yaml]}\n");
  EXPECT_TRUE(diagnostics_.all().empty()) << diagnostics_.render(false);
  run(R"({"event.action":"order-submitted","order.side":"buy","log.level":"INFO"}
{"@timestamp":"2026-01-05T00:00:00.5Z","event.action":"approval-requested","approval.id":"A1","log.level":"INFO"}
{"@timestamp":"2026-01-05T00:00:00.7Z","event.action":"approval-granted","approval":{"id":"A1"},"log.level":"INFO"}
{"event.action":"user-login","event.outcome":"failure","log.level":"WARNING"}
{"log.level":"ERROR","log.logger":"fix.session"}
)");
  EXPECT_TRUE(shows("trading_orders_total{side=\"buy\"} 1\n")) << metrics_.serialize();
  EXPECT_TRUE(shows("trading_approval_wait_seconds_bucket{decision=\"approval-granted\",le=\"0.25\"} 1\n"));
  EXPECT_TRUE(shows("trading_approvals_total{step=\"approval-requested\"} 1\n"));
  EXPECT_TRUE(shows("trading_security_events_total{kind=\"user-login\",outcome=\"failure\"} 1\n"));
  EXPECT_TRUE(shows("trading_errors_total{component=\"fix.session\"} 1\n"));
}

TEST(Route, HidesWhatLooksLikeAnId) {
  const std::pair<const char*, const char*> cases[] = {
      {"/api/v2/orders", "/api/v2/orders"},
      {"/api/v1/orders/17/fills", "/api/v1/orders/:id/fills"},
      {"/users/ann@example.com?token=x", "/users/:id"},
      {"/t/4bf92f3577b34da6a3ce929d0e0e4736#top", "/t/:id"},
      {"https://api.example.com/v1/quotes", "/v1/quotes"},
      {"https://api.example.com", ""},
      {"/", "/"},
      {"", ""},
      {"no path", "other"},
      {"/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/..."},
  };
  for (const auto& [path, route] : cases) {
    std::string out;
    append_route(out, path);
    EXPECT_EQ(out, route) << path;
  }
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "metrics/agent_metrics.h"

#include <gtest/gtest.h>
#include <time.h>

#include <string>
#include <thread>

#include "metrics/process.h"

namespace tapewatch {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(AgentMetrics, EveryNumberIsShownUnderItsName) {
  AgentMetrics metrics("0.1.0");
  metrics.input_read_bytes.with({"trading"}).add(9'007'199'254'740'000);
  metrics.output_items.with({"elasticsearch", "created"}).add(3);
  metrics.output_items.with({"elasticsearch", "duplicate"}).add();
  metrics.buffer_bytes.set(1.5);
  metrics.events_discarded.with({"parser", "nul", "false"}).add(2);
  const std::string text = metrics.serialize();
  EXPECT_TRUE(has_line(text, "tapewatch_build_info{version=\"0.1.0\"} 1"));
  EXPECT_TRUE(has_line(text, "# TYPE tapewatch_input_read_bytes_total counter"));
  EXPECT_TRUE(has_line(text, "tapewatch_input_read_bytes_total{input=\"trading\"} 9007199254740000")) << text;
  EXPECT_TRUE(has_line(text, "tapewatch_output_items_total{output=\"elasticsearch\",result=\"created\"} 3"));
  EXPECT_TRUE(has_line(text, "tapewatch_output_items_total{output=\"elasticsearch\",result=\"duplicate\"} 1"));
  EXPECT_TRUE(has_line(text, "tapewatch_buffer_bytes 1.5"));
  EXPECT_TRUE(
      has_line(text, "tapewatch_events_discarded_total{component=\"parser\",reason=\"nul\",intentional=\"false\"} 2"));
  EXPECT_TRUE(has_line(text, "tapewatch_input_missed_bytes_total 0"));
}

TEST(AgentMetrics, ADistributionCountsUpwards) {
  AgentMetrics metrics("1");
  metrics.delivery_latency.observe(0.005);  // on a bound: belongs to it
  metrics.delivery_latency.observe(0.2, 3);
  metrics.delivery_latency.observe(1e6);
  const std::string text = metrics.serialize();
  EXPECT_TRUE(has_line(text, "tapewatch_delivery_latency_seconds_bucket{le=\"0.005\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "tapewatch_delivery_latency_seconds_bucket{le=\"0.25\"} 4"));
  EXPECT_TRUE(has_line(text, "tapewatch_delivery_latency_seconds_bucket{le=\"300\"} 4"));
  EXPECT_TRUE(has_line(text, "tapewatch_delivery_latency_seconds_bucket{le=\"+Inf\"} 5"));
  EXPECT_TRUE(has_line(text, "tapewatch_delivery_latency_seconds_count 5"));
}

TEST(AgentMetrics, AFamilyIsBoundedAndSaysSo) {
  AgentMetrics metrics("1");
  for (int i = 0; i < 100'000; ++i) metrics.masked_fields.with({std::to_string(i)}).add();
  std::size_t series = 0;
  std::uint64_t total = 0;
  metrics.masked_fields.for_each([&](const auto&, const Counter& counter) {
    ++series;
    total += counter.value();
  });
  EXPECT_EQ(series, 201U);
  EXPECT_EQ(total, 100'000U);
  EXPECT_EQ(metrics.masked_fields.with({"other"}).value(), 99'800U);
  EXPECT_EQ(metrics.series_limit_hits.with({"tapewatch_masked_fields_total"}).value(), 99'800U);
}

TEST(AgentMetrics, HostileLabelValuesAreEscaped) {
  AgentMetrics metrics("1");
  metrics.alerts.with({"a\"b\\c\nd", "high"}).add();
  EXPECT_TRUE(has_line(metrics.serialize(), R"(tapewatch_alerts_total{rule="a\"b\\c\nd",severity="high"} 1)"));
}

TEST(AgentMetrics, ACounterOnlyRises) {
  Counter counter;
  counter.raise_to(7);
  counter.raise_to(5);
  EXPECT_EQ(counter.value(), 7U);
}

TEST(AgentMetrics, CountsFromManyThreadsAreExact) {
  AgentMetrics metrics("1");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics] {
      for (int i = 0; i < 10'000; ++i) {
        metrics.rule_evaluations.add();
        metrics.output_requests.with({"elasticsearch", "200"}).add();
        metrics.delivery_latency.observe(1);
      }
    });
  }
  const std::string during = metrics.serialize();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.rule_evaluations.value(), 40'000U);
  EXPECT_EQ(metrics.output_requests.with({"elasticsearch", "200"}).value(), 40'000U);
  EXPECT_TRUE(has_line(metrics.serialize(), "tapewatch_delivery_latency_seconds_sum 40000"));
}

TEST(ProcessUse, IsThatOfThisProcess) {
  const ProcessUse use = read_process_use();
  EXPECT_GT(use.resident_bytes, 1U << 20);
  EXPECT_LT(use.resident_bytes, 1ULL << 33);
  EXPECT_GE(use.open_fds, 3U);
  EXPECT_GE(use.threads, 1U);
  EXPECT_GT(use.start_seconds, 1.7e9);
  EXPECT_LT(use.start_seconds, static_cast<double>(::time(nullptr)) + 5);
}

}  // namespace
}  // namespace tapewatch

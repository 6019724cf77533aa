// SPDX-License-Identifier: Apache-2.0
#include "metrics/derived.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <thread>

#include "metrics/agent_metrics.h"

namespace tapewatch {
namespace {

constexpr std::int64_t second = 1'000'000'000;

DerivedOptions options_of(FamilyType type) {
  DerivedOptions options;
  options.name = type == FamilyType::counter ? "orders_total" : "wait_seconds";
  options.type = type;
  options.labels = {"side"};
  if (type == FamilyType::histogram) options.bounds = {0.1, 1};
  return options;
}

DerivedSeries& series_of(DerivedShard& shard, const std::string& value, std::int64_t now_ns = 0) {
  return shard.with(hash128(value), now_ns, [&] { return std::vector<std::string>{value}; });
}

TEST(Derived, ShardsAreSummed) {
  AgentMetrics metrics("1");
  DerivedFamily& family = metrics.add_derived(options_of(FamilyType::counter));
  DerivedShard& a = family.add_shard();
  DerivedShard& b = family.add_shard();
  a.add(series_of(a, "buy"), 2);
  b.add(series_of(b, "buy"), 3);
  b.add(series_of(b, "sell"), 1);
  const std::string text = metrics.serialize();
  EXPECT_NE(text.find("\norders_total{side=\"buy\"} 5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\norders_total{side=\"sell\"} 1\n"), std::string::npos);
}

TEST(Derived, OfTwoGaugesTheNewerIsShown) {
  AgentMetrics metrics("1");
  DerivedFamily& family = metrics.add_derived(options_of(FamilyType::gauge));
  DerivedShard& a = family.add_shard();
  DerivedShard& b = family.add_shard();
  b.set(series_of(b, "x"), 7, 20);
  a.set(series_of(a, "x"), 5, 10);
  EXPECT_NE(metrics.serialize().find("\nwait_seconds{side=\"x\"} 7\n"), std::string::npos);
}

TEST(Derived, WithoutLabelsACounterStartsAtNought) {
  AgentMetrics metrics("1");
  DerivedOptions options = options_of(FamilyType::counter);
  options.labels.clear();
  (void)metrics.add_derived(options).add_shard();
  EXPECT_NE(metrics.serialize().find("\norders_total 0\n"), std::string::npos);
}

TEST(Derived, AHistogramWithExemplars) {
  AgentMetrics metrics("1");
  DerivedShard& shard = metrics.add_derived(options_of(FamilyType::histogram)).add_shard();
  DerivedSeries& series = series_of(shard, "buy");
  const auto see = [&](double value, const char* trace, std::int64_t time_ns) {
    shard.exemplify(series, shard.observe(series, value), value, trace, time_ns);
  };
  see(0.05, "first", 10 * second);
  see(0.06, "too soon", 10 * second + second / 2);
  see(0.07, "older", 5 * second);
  see(0.1, "later", 12 * second);
  see(40, std::string(200, 'x').c_str(), 12 * second);
  see(40, "", 12 * second);
  const std::string text = metrics.serialize(MetricsFormat::openmetrics);
  EXPECT_NE(text.find("wait_seconds_bucket{side=\"buy\",le=\"0.1\"} 4 # {trace_id=\"later\"} 0.1 12.000\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("wait_seconds_bucket{side=\"buy\",le=\"+Inf\"} 6\n"), std::string::npos) << "no exemplar";
  EXPECT_EQ(metrics.serialize().find("trace_id"), std::string::npos) << "the text form has none";
}

TEST(Derived, AFloodOfValuesLeavesMemoryFlat) {
  AgentMetrics metrics("1");
  DerivedOptions options = options_of(FamilyType::histogram);
  options.series_max = 100;
  DerivedFamily& family = metrics.add_derived(options);
  DerivedShard& shard = family.add_shard();
  const auto flood = [&](int from, int to) {
    for (int i = from; i < to; ++i) shard.observe(series_of(shard, std::to_string(i), i), 0.5);
  };
  flood(0, 1'000);
  const std::size_t before = ::mallinfo2().uordblks;
  flood(1'000, 1'000'000);
  EXPECT_LE(::mallinfo2().uordblks, before + 4096);
  EXPECT_EQ(family.series(), 100U);
  EXPECT_EQ(metrics.series_limit_hits.with({"wait_seconds"}).value(), 999'900U);
  EXPECT_NE(metrics.serialize().find("wait_seconds_count{side=\"_other\"} 999900\n"), std::string::npos);
}

TEST(Derived, WhatIsNotSeenIsForgottenAndMakesRoom) {
  AgentMetrics metrics("1");
  DerivedOptions options = options_of(FamilyType::counter);
  options.series_max = 2;
  options.idle_ns = 60 * second;
  DerivedFamily& family = metrics.add_derived(options);
  DerivedShard& shard = family.add_shard();
  shard.add(series_of(shard, "a", 0), 1);
  shard.add(series_of(shard, "b", 30 * second), 1);
  shard.add(series_of(shard, "c", 40 * second), 1);
  shard.expire(60 * second);
  EXPECT_EQ(family.series(), 1U);
  EXPECT_EQ(metrics.serialize().find("orders_total{side=\"a\"}"), std::string::npos);
  shard.add(series_of(shard, "c", 61 * second), 1);
  const std::string text = metrics.serialize();
  EXPECT_NE(text.find("orders_total{side=\"c\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("orders_total{side=\"_other\"} 1\n"), std::string::npos);
}

TEST(Derived, WhoCollectsMeanwhileSeesWholeNumbers) {
  AgentMetrics metrics("1");
  DerivedOptions options = options_of(FamilyType::histogram);
  options.idle_ns = 50;
  DerivedShard& shard = metrics.add_derived(options).add_shard();
  std::thread worker([&shard] {
    for (int i = 0; i < 50'000; ++i) {
      DerivedSeries& series = series_of(shard, std::to_string(i % 300), i);
      shard.exemplify(series, shard.observe(series, 0.5), 0.5, "trace", i * second);
      if (i % 100 == 0) shard.expire(i);
    }
  });
  std::size_t bytes = 0;
  for (int i = 0; i < 20; ++i) bytes += metrics.serialize(MetricsFormat::openmetrics).size();
  worker.join();
  EXPECT_GT(bytes, 0U);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogSeries: the metrics that the configuration derives from lines: which events each takes (conditions as in rules),
// and what it makes of their fields. Sees events as they leave, after masking: a label value that was masked stays so.
// Owned by Stages, one a worker. Thread: worker.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "config.h"
#include "detect/matcher.h"
#include "event/event.h"
#include "metrics/agent_metrics.h"

namespace tapewatch {

// "/api/v1/orders/ORD-000123?x=1" is the route "/api/v1/orders/:id": what looks like an identifier is none of its name.
void append_route(std::string& out, std::string_view path);

class LogSeries final {
 public:
  // Every fault of the conditions is added to `diagnostics`; a metric with one is left out. nullptr when there are no
  // metrics. `fields` has its aliases already; `metrics` outlives this.
  [[nodiscard]] static std::unique_ptr<LogSeries> open(const MetricsConfig& config, FieldTable& fields,
                                                       AgentMetrics& metrics, Diagnostics& diagnostics);
  LogSeries(const LogSeries&) = delete;
  LogSeries& operator=(const LogSeries&) = delete;

  // `document` is the event as it is delivered, `now_ns` steady.
  void see(Event& event, std::string_view document, std::int64_t now_ns);
  // Between blocks: forgets what has been idle for long.
  void turn(std::int64_t now_ns);

 private:
  struct Label {
    FieldId field = no_field;
    LogMetricConfig::Form form = LogMetricConfig::Form::plain;
  };
  struct Metric {
    LogMetricConfig::Type type = LogMetricConfig::Type::counter;
    FieldId value = no_field;
    double scale = 1;
    std::vector<Label> labels;
    DerivedShard* shard = nullptr;
    Counter* no_value = nullptr;
    Counter* not_a_number = nullptr;
    Counter* negative = nullptr;
  };
  LogSeries(std::vector<DetectionRule> conditions, std::vector<Metric> all, FieldTable& fields);
  void count(const Metric& metric, Event& event, std::string_view document, std::int64_t now_ns);
  [[nodiscard]] bool number_of(const Metric& metric, double& number);
  [[nodiscard]] Hash128 key_of(const Metric& metric);
  [[nodiscard]] std::vector<std::string> labels_of(const Metric& metric, Event& event, std::string_view document);
  [[nodiscard]] std::string_view trace_of();

  const std::vector<DetectionRule> conditions_;  // in step with metrics_
  const std::vector<Metric> metrics_;
  const FieldId trace_id_;
  const FieldId correlation_id_;
  const std::uint64_t seed_;  // so that nobody can write values that are one to us
  Matcher matcher_;
  std::vector<std::uint32_t> matched_;  // scratch
  std::string key_;                     // scratch
  std::int64_t next_expiry_ns_ = INT64_MIN;
};

}  // namespace tapewatch

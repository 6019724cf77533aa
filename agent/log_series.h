// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogSeries: the metrics that the configuration derives from lines: which events each takes (conditions as in rules),
// and what it makes of their fields. Sees events as they leave, after masking: a label value that was masked stays so.
// Owned by Stages, one a worker. Thread: worker.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "config.h"
#include "detect/matcher.h"
#include "event/event.h"
#include "metrics/agent_metrics.h"

namespace tapewatch {

// "/api/v1/orders/ORD-000123?x=1" is the route "/api/v1/orders/:id": what looks like an identifier is none of its name.
void append_route(std::string& out, std::string_view path);

// When something began, by what it belongs to: bounded in number and in time, the oldest go first. Thread: worker.
class StartTimes final {
 public:
  StartTimes(std::size_t count_max, std::int64_t window_ns) : count_max_(count_max), window_ns_(window_ns) {}

  // The first start counts, until it is taken.
  void add(const Hash128& key, std::int64_t time_ns);
  // How long ago it began; it is forgotten with that. nullopt: not known.
  [[nodiscard]] std::optional<std::int64_t> take(const Hash128& key, std::int64_t time_ns);
  [[nodiscard]] std::size_t size() const { return starts_.size(); }

 private:
  struct KeyHash {
    std::size_t operator()(const Hash128& key) const { return key.low; }
  };
  void forget_oldest();

  const std::size_t count_max_;
  const std::int64_t window_ns_;
  std::unordered_map<Hash128, std::int64_t, KeyHash> starts_;
  std::deque<std::pair<Hash128, std::int64_t>> order_;  // as they came; those taken stay until they are the oldest
};

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
    Counter* no_start = nullptr;
    FieldId pair_key = no_field;
    std::unique_ptr<StartTimes> starts;  // of a metric with `since`
  };
  // What a condition is there for.
  struct Purpose {
    std::uint32_t metric = 0;
    bool starts = false;
  };
  struct Parts {
    std::vector<DetectionRule> conditions;
    std::vector<Purpose> purposes;  // in step with the conditions
    std::vector<Metric> metrics;
  };
  LogSeries(Parts parts, FieldTable& fields);
  [[nodiscard]] static Metric make(const LogMetricConfig& from, FieldTable& fields, AgentMetrics& metrics);
  void start(const Metric& metric, const Event& event);
  [[nodiscard]] bool time_since(const Metric& metric, const Event& event, double& seconds);
  void count(const Metric& metric, Event& event, std::string_view document, std::int64_t now_ns);
  [[nodiscard]] bool number_of(const Metric& metric, double& number);
  [[nodiscard]] Hash128 key_of(const Metric& metric);
  [[nodiscard]] std::vector<std::string> labels_of(const Metric& metric, Event& event, std::string_view document);
  [[nodiscard]] std::string_view trace_of();

  const Parts parts_;
  const FieldId trace_id_;
  const FieldId correlation_id_;
  const std::uint64_t seed_;  // so that nobody can write values that are one to us
  Matcher matcher_;
  std::vector<std::uint32_t> matched_;  // scratch
  std::string key_;                     // scratch
  std::int64_t next_expiry_ns_ = INT64_MIN;
};

}  // namespace tapewatch

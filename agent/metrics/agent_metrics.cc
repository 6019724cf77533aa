// SPDX-License-Identifier: Apache-2.0
#include "metrics/agent_metrics.h"

#include <prometheus/metric_family.h>

#include <type_traits>
#include <utility>
#include <vector>

#include "metrics/process.h"

namespace tapewatch {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Seconds; from a reply on loopback to one that waits for its timeout.
const std::vector<double> request_bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
const std::vector<double> latency_bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

const std::vector<double> rule_bounds = {1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 1e-4, 1e-3, 1e-2};

MetricType type_of(const Counter*) { return MetricType::Counter; }
MetricType type_of(const Gauge*) { return MetricType::Gauge; }
MetricType type_of(const Distribution*) { return MetricType::Histogram; }

void fill(ClientMetric& out, const Counter& series) { out.counter.value = static_cast<double>(series.value()); }
void fill(ClientMetric& out, const Gauge& series) { out.gauge.value = series.value(); }
// The buckets are read one after the other while others write: the total is taken from the same reads, so that the
// output is consistent in itself.
void fill(ClientMetric& out, const Distribution& series) {
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < series.bounds().size(); ++at) {
    total += series.count(at);
    out.histogram.bucket.push_back({total, series.bounds()[at]});
  }
  total += series.count(series.bounds().size());
  out.histogram.sample_count = total;
  out.histogram.sample_sum = series.sum();
}

template <typename Series>
MetricFamily collect(const Family<Series>& family) {
  MetricFamily out{std::string(family.text().name),
                   std::string(family.text().help),
                   type_of(static_cast<const Series*>(nullptr)),
                   {}};
  family.for_each([&](const std::vector<std::string>& values, const Series& series) {
    ClientMetric metric;
    for (std::size_t i = 0; i < values.size(); ++i) {
      metric.label.push_back({std::string(family.text().labels[i]), values[i]});
    }
    fill(metric, series);
    out.metric.push_back(std::move(metric));
  });
  return out;
}

FamilyType type_of(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return FamilyType::counter;
    case MetricType::Gauge:
      return FamilyType::gauge;
    case MetricType::Histogram:
      return FamilyType::histogram;
    case MetricType::Summary:
      return FamilyType::summary;
    default:
      return FamilyType::unknown;
  }
}

void append_samples(SampleFamily& out, const std::string& suffix, const ClientMetric& metric) {
  std::string labels;
  for (const ClientMetric::Label& label : metric.label) append_label(labels, label.name, label.value);
  if (out.type == FamilyType::counter || out.type == FamilyType::gauge) {
    const double value = out.type == FamilyType::counter ? metric.counter.value : metric.gauge.value;
    out.samples.push_back({suffix, std::move(labels), number_text(value), {}, {}});
    return;
  }
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;
  std::uint64_t below = 0;
  for (const ClientMetric::Bucket& bucket : metric.histogram.bucket) {
    bounds.push_back(bucket.upper_bound);
    counts.push_back(bucket.cumulative_count - std::exchange(below, bucket.cumulative_count));
  }
  counts.push_back(metric.histogram.sample_count - below);
  append_histogram(out, labels, bounds, counts, metric.histogram.sample_sum, {});
}

SampleFamily to_samples(const MetricFamily& family) {
  auto [name, suffix] = family_and_suffix(family.name, type_of(family.type));
  SampleFamily out{std::move(name), type_of(family.type), family.help, std::string(unit_of(family.name)), {}};
  for (const ClientMetric& metric : family.metric) append_samples(out, suffix, metric);
  return out;
}

MetricFamily single(const char* name, const char* help, MetricType type, double value) {
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {name, help, type, {std::move(metric)}};
}

void add_process(std::vector<MetricFamily>& out) {
  const ProcessUse use = read_process_use();
  const auto gauge = [&out](const char* name, const char* help, double value) {
    out.push_back(single(name, help, MetricType::Gauge, value));
  };
  out.push_back(
      single("process_cpu_seconds_total", "User and system CPU time spent.", MetricType::Counter, use.cpu_seconds));
  gauge("process_resident_memory_bytes", "Resident memory.", static_cast<double>(use.resident_bytes));
  gauge("process_virtual_memory_bytes", "Virtual memory.", static_cast<double>(use.virtual_bytes));
  gauge("process_open_fds", "Open file descriptors.", static_cast<double>(use.open_fds));
  gauge("process_max_fds", "Largest number of open file descriptors.", static_cast<double>(use.fds_max));
  gauge("process_threads", "Threads.", static_cast<double>(use.threads));
  gauge("process_start_time_seconds", "Start of the process since 1970.", use.start_seconds);
}

}  // namespace

class AgentMetrics::Catalogue final {
 public:
  Family<Counter>& counters(std::string_view name, std::string_view help, std::vector<std::string_view> labels) {
    return add<Counter>(name, help, std::move(labels), [] { return std::make_unique<Counter>(); });
  }
  Family<Gauge>& gauges(std::string_view name, std::string_view help, std::vector<std::string_view> labels) {
    return add<Gauge>(name, help, std::move(labels), [] { return std::make_unique<Gauge>(); });
  }
  Family<Distribution>& distributions(std::string_view name, std::string_view help,
                                      std::vector<std::string_view> labels, const std::vector<double>& bounds) {
    return add<Distribution>(name, help, std::move(labels),
                             [bounds] { return std::make_unique<Distribution>(bounds); });
  }
  Counter& counter(std::string_view name, std::string_view help) { return counters(name, help, {}).with({}); }
  Gauge& gauge(std::string_view name, std::string_view help) { return gauges(name, help, {}).with({}); }
  Distribution& distribution(std::string_view name, std::string_view help, const std::vector<double>& bounds) {
    return distributions(name, help, {}, bounds).with({});
  }

  [[nodiscard]] std::vector<MetricFamily> collect_all() const {
    std::vector<MetricFamily> out;
    out.reserve(collectors_.size());
    for (const std::function<MetricFamily()>& one : collectors_) out.push_back(one());
    return out;
  }

 private:
  template <typename Series>
  Family<Series>& add(std::string_view name, std::string_view help, std::vector<std::string_view> labels,
                      std::function<std::unique_ptr<Series>()> make) {
    // The first family is the one that counts the overflows of all others.
    if constexpr (std::is_same_v<Series, Counter>) {
      if (overflows_ == nullptr) {
        auto first = std::make_shared<Family<Counter>>(FamilyText{name, help, std::move(labels)}, std::move(make));
        overflows_ = first.get();
        collectors_.push_back([first] { return collect(*first); });
        return *first;
      }
    }
    Counter* overflow = labels.empty() ? nullptr : &overflows_->with({name});
    auto family =
        std::make_shared<Family<Series>>(FamilyText{name, help, std::move(labels)}, std::move(make), overflow);
    collectors_.push_back([family] { return collect(*family); });
    return *family;
  }

  Family<Counter>* overflows_ = nullptr;
  std::vector<std::function<MetricFamily()>> collectors_;  // each owns its family
};

AgentMetrics::AgentMetrics(std::string_view version)
    : catalogue_(std::make_unique<Catalogue>()),
      series_limit_hits(catalogue_->counters("tapewatch_series_limit_hits_total",
                                             "Updates counted under \"other\", the family being full.", {"metric"})),
      build_info(catalogue_->gauges("tapewatch_build_info", "Version of this agent; always 1.", {"version"})),
      input_read_bytes(catalogue_->counters("tapewatch_input_read_bytes_total", "Bytes read from files.", {"input"})),
      input_events(catalogue_->counters("tapewatch_input_events_total", "Lines taken into the pipeline.", {"input"})),
      input_lag_bytes(
          catalogue_->gauges("tapewatch_input_lag_bytes", "Bytes in files not yet acknowledged.", {"input"})),
      input_lag_seconds(catalogue_->gauges("tapewatch_input_lag_seconds",
                                           "How long the file furthest behind has been behind.", {"input"})),
      input_files(catalogue_->gauges("tapewatch_input_files", "Files by state.", {"state"})),
      input_folders(catalogue_->gauges("tapewatch_input_folders",
                                       "Folders of the files: watched, or looked into now and then alone (polled).",
                                       {"mode"})),
      input_clock_offset(catalogue_->gauges("tapewatch_input_clock_offset_seconds",
                                            "When the newest line was read, by our clock, less its own time.",
                                            {"input"})),
      input_abandoned_bytes(catalogue_->counter("tapewatch_input_abandoned_bytes_total",
                                                "Bytes given up because deleted files held too much disk space.")),
      input_missed_bytes(catalogue_->counter("tapewatch_input_missed_bytes_total",
                                             "Bytes truncated or removed before they were read, as far as knowable.")),
      events_discarded(catalogue_->counters("tapewatch_events_discarded_total", "Events that go no further.",
                                            {"component", "reason", "intentional"})),
      parse_errors(catalogue_->counters("tapewatch_parse_errors_total",
                                        "Lines that are no valid JSON object; they are delivered as text.",
                                        {"reason"})),
      masked_fields(
          catalogue_->counters("tapewatch_masked_fields_total", "Fields masked, by what asked for it.", {"rule"})),
      mask_leaks(catalogue_->counters(
          "tapewatch_mask_leaks_total",
          "Secrets found in documents on their way out, of which one of each block is looked at.", {"rule"})),
      correlation_links(catalogue_->gauge("tapewatch_correlation_links",
                                          "Orders, trades and sessions whose correlation id is known.")),
      correlation_evictions(catalogue_->counter("tapewatch_correlation_evictions_total",
                                                "Links pushed out because enrich.correlation.entries_max is reached.")),
      correlation_lookups(catalogue_->counters("tapewatch_correlation_lookups_total",
                                               "Events that took their correlation id from an earlier one, or would "
                                               "have.",
                                               {"result"})),
      correlation_generated(catalogue_->counter("tapewatch_correlation_generated_total",
                                                "Events that got a correlation id made from nothing but themselves.")),
      rule_evaluations(catalogue_->counter("tapewatch_rule_evaluations_total", "Events held against the rules.")),
      rule_duration(catalogue_->distribution("tapewatch_rule_duration_seconds",
                                             "All rules held against one event, measured on an event of each block.",
                                             rule_bounds)),
      alerts(catalogue_->counters("tapewatch_alerts_total", "Alerts fired.", {"rule", "severity"})),
      alerts_firing(catalogue_->gauge("tapewatch_alerts_firing", "Alerts told whose end is awaited.")),
      rule_losses(catalogue_->counters("tapewatch_rule_losses_total",
                                       "What rules left out: events too late, bounds reached, alerts ended early or "
                                       "held back.",
                                       {"reason"})),
      derived_skipped(catalogue_->counters("tapewatch_derived_skipped_total",
                                           "Events that a metric derived from lines could not use.",
                                           {"metric", "reason"})),
      scrape_failures(catalogue_->counters("tapewatch_scrape_failures_total",
                                           "Fetches of the application's metrics that gave nothing.",
                                           {"app", "reason"})),
      output_items(catalogue_->counters("tapewatch_output_items_total", "Events by the verdict of the output.",
                                        {"output", "result"})),
      output_requests(
          catalogue_->counters("tapewatch_output_requests_total", "Requests by status.", {"output", "code"})),
      output_request_duration(catalogue_->distributions("tapewatch_output_request_duration_seconds",
                                                        "From the start of a request to its answer.", {"output"},
                                                        request_bounds)),
      output_concurrency_limit(catalogue_->gauges("tapewatch_output_concurrency_limit",
                                                  "Requests that may be under way at once.", {"output"})),
      delivery_latency(catalogue_->distribution("tapewatch_delivery_latency_seconds",
                                                "From reading a line to its acknowledgement.", latency_bounds)),
      buffer_bytes(catalogue_->gauge("tapewatch_buffer_bytes", "Bytes read and not yet acknowledged.")),
      buffer_oldest_age_seconds(catalogue_->gauge("tapewatch_buffer_oldest_age_seconds",
                                                  "Since the oldest of these bytes was read; 0 when there are none.")),
      buffer_limit_bytes(catalogue_->gauge("tapewatch_buffer_limit_bytes", "Bytes at which reading stops.")),
      checkpoint_age_seconds(catalogue_->gauge("tapewatch_checkpoint_age_seconds",
                                               "Since the positions on disk were last known to be current.")),
      state_quarantined(catalogue_->counters("tapewatch_state_quarantined_total",
                                             "Damaged files of the state folder that were put aside.", {"file"})),
      state_write_failures(catalogue_->counters("tapewatch_state_write_failures_total",
                                                "Files of the state folder that could not be written.", {"file"})),
      config_last_reload_success(catalogue_->gauge("tapewatch_config_last_reload_success_timestamp_seconds",
                                                   "When the configuration in use was loaded.")),
      config_reload_failures(catalogue_->counter("tapewatch_config_reload_failures_total",
                                                 "Reloads refused; the configuration before stays in use.")),
      store_records(catalogue_->counter("tapewatch_store_records_total", "Documents taken into the store.")),
      store_record_bytes(catalogue_->counter("tapewatch_store_record_bytes_total", "Their bytes, uncompressed.")),
      store_duplicates(catalogue_->counter("tapewatch_store_duplicates_total", "Documents the store had already.")),
      store_commits(catalogue_->counter("tapewatch_store_commits_total", "Transactions.")),
      store_commit_failures(catalogue_->counter("tapewatch_store_commit_failures_total", "Transactions that failed.")),
      store_pending_bytes(catalogue_->gauge("tapewatch_store_pending_bytes", "Bytes taken in and not yet committed.")),
      store_queue_bytes(catalogue_->gauge("tapewatch_store_queue_bytes", "Bytes that wait to be taken in.")),
      store_disk_bytes(catalogue_->gauge("tapewatch_store_disk_bytes", "Size of the store on disk.")),
      store_segments(catalogue_->gauge("tapewatch_store_segments", "Segment files.")),
      store_segments_removed(catalogue_->counters("tapewatch_store_segments_removed_total",
                                                  "Segment files removed, by reason.", {"reason"})),
      store_damaged_blocks(catalogue_->counter("tapewatch_store_damaged_blocks_total", "Blocks that cannot be read.")),
      store_searches(catalogue_->counter("tapewatch_store_searches_total", "Searches.")),
      store_searches_refused(catalogue_->counter("tapewatch_store_searches_refused_total",
                                                 "Searches refused because too many were under way.")),
      http_requests(catalogue_->counters("tapewatch_http_requests_total", "Requests answered, by status.", {"code"})),
      http_refused(catalogue_->counters("tapewatch_http_refused_total",
                                        "Connections and requests refused before they were looked at.", {"reason"})),
      http_connections(catalogue_->gauge("tapewatch_http_connections", "Open connections.")),
      http_tail_clients(catalogue_->gauge("tapewatch_http_tail_clients", "Clients of the live tail.")),
      http_tail_skipped(catalogue_->counter("tapewatch_http_tail_skipped_total",
                                            "Events a client of the live tail was too slow to take.")) {
  build_info.with({version}).set(1);
}

AgentMetrics::~AgentMetrics() = default;

DerivedFamily& AgentMetrics::add_derived(DerivedOptions options) {
  Counter& overflows = series_limit_hits.with({options.name});
  derived_.push_back(std::make_unique<DerivedFamily>(std::move(options), overflows));
  return *derived_.back();
}

std::string AgentMetrics::serialize(MetricsFormat format) const {
  std::vector<MetricFamily> own = catalogue_->collect_all();
  add_process(own);
  std::vector<SampleFamily> families;
  families.reserve(own.size() + derived_.size());
  for (const MetricFamily& family : own) families.push_back(to_samples(family));
  for (const std::unique_ptr<DerivedFamily>& family : derived_) families.push_back(family->collect());
  for (const Source& source : sources_) source(families);
  const std::size_t left_out = merge_families(families);
  families.push_back(family_of("tapewatch_conflicting_families", FamilyType::gauge,
                               "Families left out here, another of the name having another type."));
  add_sample(families.back(), {}, static_cast<double>(left_out));
  return tapewatch::serialize(families, format);
}

}  // namespace tapewatch

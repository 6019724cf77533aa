// SPDX-License-Identifier: Apache-2.0
#pragma once
// AgentMetrics: every number the agent counts, by name, built once by the wiring and passed by reference. There is no
// global registry, so that tests count in parallel. A path, an order, a user or a trace is never a label value: those
// stand in the API. Thread: any.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/derived.h"
#include "metrics/exposition.h"
#include "metrics/series.h"

namespace tapewatch {

class AgentMetrics final {
 private:
  // Makes the families and remembers them in their order; first, so that it is there when they are made.
  class Catalogue;
  const std::unique_ptr<Catalogue> catalogue_;

 public:
  // `version` is shown in build_info.
  explicit AgentMetrics(std::string_view version);
  ~AgentMetrics();
  AgentMetrics(const AgentMetrics&) = delete;
  AgentMetrics& operator=(const AgentMetrics&) = delete;

  // One more metric whose label values come out of events. Before anything is served; lives as long as this.
  DerivedFamily& add_derived(DerivedOptions options);
  // Asked for more families at every serialize(), on whichever thread that is. Before anything is served.
  using Source = std::function<void(std::vector<SampleFamily>&)>;
  void add_source(Source source) { sources_.push_back(std::move(source)); }

  // Everything, with the process_* numbers of this moment.
  [[nodiscard]] std::string serialize(MetricsFormat format = MetricsFormat::text) const;

  // Label values that passed a family's bound and were counted under "other". {metric}
  Family<Counter>& series_limit_hits;
  Family<Gauge>& build_info;  // {version}

  // Inputs.
  Family<Counter>& input_read_bytes;  // {input}
  Family<Counter>& input_events;      // {input}
  Family<Gauge>& input_lag_bytes;     // {input}
  Family<Gauge>& input_lag_seconds;   // {input}
  Family<Gauge>& input_files;         // {state}
  Family<Gauge>& input_folders;       // {mode: watched, polled}
  Family<Gauge>& input_clock_offset;  // {input}
  Counter& input_abandoned_bytes;
  Counter& input_missed_bytes;

  // Pipeline.
  Family<Counter>& events_discarded;  // {component, reason, intentional: "true" or "false"}
  Family<Counter>& parse_errors;      // {reason}
  Family<Counter>& masked_fields;     // {rule}
  Family<Counter>& mask_leaks;        // {rule}
  Gauge& correlation_links;
  Counter& correlation_evictions;
  Family<Counter>& correlation_lookups;  // {result: hit, miss}
  Counter& correlation_generated;
  Counter& rule_evaluations;
  Distribution& rule_duration;
  Family<Counter>& alerts;  // {rule, severity}
  Gauge& alerts_firing;
  Family<Counter>& rule_losses;      // {reason}
  Family<Counter>& derived_skipped;  // {metric, reason}
  Family<Counter>& scrape_failures;  // {app, reason}

  // Outputs.
  Family<Counter>& output_items;                  // {output, result}
  Family<Counter>& output_requests;               // {output, code}: the status, or "error" without one
  Family<Distribution>& output_request_duration;  // {output}
  Family<Gauge>& output_concurrency_limit;        // {output}
  Distribution& delivery_latency;                 // from reading a line to its acknowledgement
  Gauge& buffer_bytes;
  Gauge& buffer_oldest_age_seconds;
  Gauge& buffer_limit_bytes;
  Gauge& checkpoint_age_seconds;
  Family<Counter>& state_quarantined;     // {file}
  Family<Counter>& state_write_failures;  // {file}
  Gauge& config_last_reload_success;      // timestamp in seconds
  Counter& config_reload_failures;

  // Embedded store.
  Counter& store_records;
  Counter& store_record_bytes;
  Counter& store_duplicates;
  Counter& store_commits;
  Counter& store_commit_failures;
  Gauge& store_pending_bytes;
  Gauge& store_queue_bytes;
  Gauge& store_disk_bytes;
  Gauge& store_segments;
  Family<Counter>& store_segments_removed;  // {reason}
  Counter& store_damaged_blocks;
  Counter& store_searches;
  Counter& store_searches_refused;

  // HTTP.
  Family<Counter>& http_requests;  // {code}
  Family<Counter>& http_refused;   // {reason}: before or instead of a request
  Gauge& http_connections;
  Gauge& http_tail_clients;
  Counter& http_tail_skipped;

 private:
  std::vector<std::unique_ptr<DerivedFamily>> derived_;
  std::vector<Source> sources_;
};

}  // namespace tapewatch

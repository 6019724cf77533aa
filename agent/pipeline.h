// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pipeline: one block of lines from end to end: parse -> enrich -> mask ->
// encode -> detect. A plain object; the worker's thread runs it, tests and the
// backtest drive it by hand. It owns no stage: the wiring does. Thread: worker.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "detect/detector.h"
#include "enrich/enricher.h"
#include "enrich/masker.h"
#include "event/parser.h"
#include "log_series.h"
#include "metrics/agent_metrics.h"
#include "sinks/bulk_builder.h"
#include "sinks/store_feed.h"

namespace tapewatch {

class Pipeline final {
 public:
  struct Parts {
    Parser* parser = nullptr;
    Enricher* enricher = nullptr;
    Masker* masker = nullptr;      // null: masking is off
    Detector* detector = nullptr;  // null: no rules
    LogSeries* series = nullptr;   // null: no metrics derived from lines
    BulkBuilder* bulk = nullptr;   // null: no Elasticsearch
    StoreFeed* store = nullptr;    // null: no embedded store
    Masker* samples = nullptr;     // of what is shown in the log; null without `log`
    Log* log = nullptr;            // null: nothing is said
    const Clock* clock = nullptr;  // times the rules, now and then; null: nobody does
    // Called behind every block, and with `true` behind the last. May be empty.
    std::function<void(bool last)> between_blocks;
  };
  // Given the alerts of a block, in order, behind the block's last line; and those of a silence.
  using OnAlerts = std::function<void(std::vector<Alert>)>;

  Pipeline(Parts parts, std::string instance, std::string alerts_index, AgentMetrics& metrics, OnAlerts on_alerts);

  void run(const LineBlock& block);
  // What comes before detection, for whoever runs the detector alone (a backtest).
  void prepare(Event& event, const Hash128& id);
  // Nothing came until this steady time, and nothing waits to be read: event time goes on from the newest event as the
  // clock does, so that rules notice what does not come.
  void silent_until(std::int64_t steady_ns);
  // Between blocks: seals what is due.
  void turn(std::int64_t steady_ns);
  // The last call: seals everything.
  void finish();

 private:
  void update_metrics();
  void update_rule_metrics();
  void show_unparsed(const Line& line, const LineBlock& block);
  void run_line(const Line& line, const LineBlock& block, std::uint64_t seed);
  void hold_rules(Event& event, std::string_view document, const LineBlock& block);
  void deliver_alerts(std::optional<std::uint64_t> offset);
  void hand_on_alerts();

  const Parts parts_;
  const std::string instance_;
  const std::string alerts_index_;
  const OnAlerts on_alerts_;
  AgentMetrics& metrics_;
  Counter& invalid_lines_;
  Counter& not_objects_;
  Counter& blank_lines_;
  Counter& link_hits_;
  Counter& link_misses_;
  std::int64_t newest_event_ns_ = INT64_MIN;
  std::int64_t newest_read_ns_ = 0;          // steady time at which that event was read
  std::int64_t next_look_ns_ = 0;            // steady
  std::int64_t time_ns_ = 0;                 // of the line before
  bool time_rules_ = false;                  // with the next event
  std::int64_t next_sample_ns_ = INT64_MIN;  // steady
  std::string document_;                     // scratch: the event as delivered, when there is no
                                             // bulk body to hold it
  std::vector<Alert> alerts_;                // scratch: those of the line
  std::vector<Alert> fired_;                 // those of the block
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pipeline: one block of lines from end to end: parse -> enrich -> mask ->
// encode -> detect. A plain object; the worker's thread runs it, tests and the
// backtest drive it by hand. It owns no stage: the wiring does. Thread: worker.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "detect/detector.h"
#include "enrich/enricher.h"
#include "enrich/leak_scan.h"
#include "enrich/masker.h"
#include "event/parser.h"
#include "log_series.h"
#include "metrics/agent_metrics.h"
#include "rule_state.h"
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
    LeakScan* leaks = nullptr;     // looks at what goes out; null: nobody does
    Masker* samples = nullptr;     // of what is shown in the log; null without `log`
    Log* log = nullptr;            // null: nothing is said
    const Clock* clock = nullptr;  // times the rules, now and then; null: nobody does
    // Called behind every block, and with `true` behind the last. May be empty.
    std::function<void(bool last)> between_blocks;
  };
  // Given the alerts of a block, in order, behind the block's last line; and those of a silence.
  using OnAlerts = std::function<void(std::vector<Alert>)>;

  Pipeline(Parts parts, std::string instance, std::string alerts_index, AgentMetrics& metrics, OnAlerts on_alerts);

  // Where the rules go on: what they have seen is only delivered, and what it made them tell is told to the outputs of
  // documents again. At the steady time `now_ns`, which is `wall_ns`. Before the first block.
  void resume(RuleProgress progress, const std::vector<Alert>& told, std::int64_t now_ns, std::int64_t wall_ns);

  void run(const LineBlock& block);
  // What comes before detection, for whoever runs the detector alone (a backtest).
  void prepare(Event& event, const Hash128& id);
  // Nothing came until this steady time, and nothing waits to be read: event time goes on from the newest event as the
  // clock does, so that rules notice what does not come.
  void silent_until(std::int64_t steady_ns);
  // How far the rules have come; of files those that were read since the last call. Between blocks.
  [[nodiscard]] RuleProgress take_progress();
  // Since the last take_progress() the rules have seen something.
  [[nodiscard]] bool progressed() const { return progressed_; }

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
  void tell_again(std::uint64_t file, std::uint64_t offset);
  void deliver_alerts_of_clock(std::int64_t steady_ns);
  void add_document(const Alert& alert, std::optional<std::uint64_t> offset);
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
  std::int64_t wall_offset_ns_ = 0;          // of the wall clock from the steady one, at the start
  std::int64_t time_ns_ = 0;                 // of the line before
  bool time_rules_ = false;                  // with the next event
  bool scan_leaks_ = false;                  // in the next document
  std::int64_t next_sample_ns_ = INT64_MIN;  // steady
  RuleProgress progress_;
  bool progressed_ = false;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_before_;  // by file, in an earlier life
  std::uint64_t seen_to_ = 0;                                     // of the file of the block
  // By file and offset: what lines that were seen before made the rules tell.
  std::unordered_map<std::uint64_t, std::map<std::uint64_t, std::vector<Alert>>> told_before_;
  std::string document_;       // scratch: the event as delivered, when there is no
                               // bulk body to hold it
  std::vector<Alert> alerts_;  // scratch: those of the line
  std::vector<Alert> fired_;   // those of the block
};

}  // namespace tapewatch

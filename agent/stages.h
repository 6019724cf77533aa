// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stages: everything the worker runs, made from the configuration and the rules and tied into one Pipeline; a backtest
// uses the same without outputs. Owned by the agent; from Worker::start() on it belongs to the worker's thread.

#include <atomic>
#include <functional>
#include <memory>

#include "config.h"
#include "detect/detector.h"
#include "detect/rule_loader.h"
#include "enrich/enricher.h"
#include "enrich/leak_scan.h"
#include "enrich/masker.h"
#include "event/parser.h"
#include "log_series.h"
#include "metrics/agent_metrics.h"
#include "pipeline.h"
#include "rule_memory.h"
#include "sinks/bulk_builder.h"
#include "sinks/store_feed.h"

namespace tapewatch {

class Stages final {
 public:
  // Where sealed batches and alerts go; called on the worker's thread.
  struct Outputs {
    std::function<void(Batch)> batch;
    std::function<void(StoreBatch)> store_batch;
    std::function<void(std::vector<Alert>)> alerts;
    Log* log = nullptr;            // null: nothing is said
    const Clock* clock = nullptr;  // null: rules are not timed
    bool tell_ends = false;        // alerts that are over are told too
    // What the correlator learned since the last time, when it was wanted, and at the end. May be empty.
    std::function<void(LinkRecords)> links;
    // How far the rules have come and what they remember, in `rule_bytes_max` at most; before the links. May be empty.
    std::function<void(RuleRecords)> rules;
    std::size_t rule_bytes_max = SIZE_MAX;
    // Behind these two. Empty when both are.
    std::function<void()> handed_on;
    // Every step of the rules that learn. May be empty.
    std::function<void(const Window::Step&)> step;
  };

  // Loads the rules and metrics that the configuration names; every fault of theirs is added to `diagnostics`, and
  // those that are sound are run all the same.
  [[nodiscard]] static std::unique_ptr<Stages> open(const Config& config, AgentMetrics& metrics,
                                                    Diagnostics& diagnostics, Outputs outputs);

  [[nodiscard]] Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const FieldTable& fields() const { return fields_; }
  [[nodiscard]] const KeyPolicy* key_policy() const { return masker_->key_policy(); }
  // nullptr when the configuration names no rules.
  [[nodiscard]] Detector* detector() { return detector_.get(); }
  // What became of every document of the rules.
  [[nodiscard]] const std::vector<RuleLoader::Report>& rule_reports() const { return rule_reports_; }
  // Before Worker::start().
  void restore_links(std::string_view records) { enricher_->correlator().restore(records); }
  // What was learned, and what the rules remember, is to be handed on soon: it holds what all batches taught that were
  // handed on by then. False when there is none of it. Thread: any.
  [[nodiscard]] bool want_records() {
    const bool any = on_links_ || on_rules_;
    if (any) records_wanted_ = true;
    return any;
  }
  // What the rules remember is to be handed on the next time whether or not it has changed. Thread: any.
  void want_whole_rules() { rules_wanted_ = true; }
  // All links are to be handed on the next time. Thread: any.
  void want_all_links() { all_links_wanted_ = true; }

 private:
  Stages() = default;
  void open_enrichment(const Config& config, AgentMetrics& metrics);
  void open_rules(const Config& config, Outputs& outputs, Diagnostics& diagnostics);
  void hand_on(bool last);
  void hand_on_rules(bool last);

  std::function<void(LinkRecords)> on_links_;
  std::function<void(RuleRecords)> on_rules_;
  std::function<void()> on_handed_on_;
  std::size_t rule_bytes_max_ = SIZE_MAX;
  std::atomic<bool> records_wanted_ = false;
  std::atomic<bool> rules_wanted_ = true;
  std::atomic<bool> all_links_wanted_ = false;
  FieldTable fields_;
  std::unique_ptr<Enricher> enricher_;
  std::unique_ptr<Masker> masker_;
  std::unique_ptr<LeakScan> leaks_;
  std::unique_ptr<Detector> detector_;
  std::vector<RuleLoader::Report> rule_reports_;
  std::unique_ptr<LogSeries> series_;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<BulkBuilder> bulk_;
  std::unique_ptr<StoreFeed> store_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace tapewatch

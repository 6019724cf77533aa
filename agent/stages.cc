// SPDX-License-Identifier: Apache-2.0
#include "stages.h"

#include "agent_options.h"
#include "detect/rule_loader.h"

namespace tapewatch {

std::unique_ptr<Stages> Stages::open(const Config& config, AgentMetrics& metrics, Diagnostics& diagnostics,
                                     Outputs outputs) {
  std::unique_ptr<Stages> stages(new Stages());
  // Enrichment first: its aliases give source names their meaning, which rules build on.
  stages->open_enrichment(config, metrics);
  stages->open_rules(config, outputs, diagnostics);
  stages->series_ = LogSeries::open(config.metrics, stages->fields_, metrics, diagnostics);
  if (config.enrich.correlation.enabled) stages->on_links_ = std::move(outputs.links);
  if (stages->detector_) stages->on_rules_ = std::move(outputs.rules);
  stages->rule_bytes_max_ = outputs.rule_bytes_max;
  stages->on_handed_on_ = std::move(outputs.handed_on);
  stages->parser_ = std::make_unique<Parser>(stages->fields_, stages->masker_->key_policy());
  if (config.elastic && outputs.batch) {
    stages->bulk_ = std::make_unique<BulkBuilder>(bulk_options(*config.elastic), std::move(outputs.batch));
  }
  if (config.store.enabled && outputs.store_batch) {
    stages->store_ = std::make_unique<StoreFeed>(StoreFeedOptions{}, std::move(outputs.store_batch));
  }
  Pipeline::Parts parts;
  parts.parser = stages->parser_.get();
  parts.enricher = stages->enricher_.get();
  parts.masker = config.mask.enabled ? stages->masker_.get() : nullptr;
  parts.detector = stages->detector_.get();
  parts.series = stages->series_.get();
  parts.bulk = stages->bulk_.get();
  parts.store = stages->store_.get();
  parts.leaks = stages->leaks_.get();
  parts.samples = stages->masker_.get();
  parts.log = outputs.log;
  if (stages->on_links_ || stages->on_rules_)
    parts.between_blocks = [&parts = *stages](bool last) { parts.hand_on(last); };
  parts.clock = outputs.clock;
  stages->pipeline_ = std::make_unique<Pipeline>(parts, config.service.instance,
                                                 config.elastic ? config.elastic->alerts_data_stream : "", metrics,
                                                 std::move(outputs.alerts));
  return stages;
}

void Stages::open_enrichment(const Config& config, AgentMetrics& metrics) {
  masker_ = std::make_unique<Masker>(mask_options(config.mask), metrics.masked_fields);
  if (config.mask.enabled) leaks_ = std::make_unique<LeakScan>(mask_options(config.mask), metrics.mask_leaks);
  enricher_ = std::make_unique<Enricher>(enricher_options(config, process_surroundings()), fields_, *masker_);
}

void Stages::open_rules(const Config& config, Outputs& outputs, Diagnostics& diagnostics) {
  if (config.rules.include.empty()) return;
  RuleLoader loader(fields_, RuleLoader::Options{}, diagnostics);
  for (const std::string& file : find_rule_files(config.rules.pipelines, diagnostics)) loader.add_pipeline_file(file);
  for (const std::string& file : find_rule_files(config.rules.include, diagnostics)) loader.add_file(file);
  Detector::Options options;
  options.window.on_step = std::move(outputs.step);
  options.tell_ends = outputs.tell_ends;
  detector_ = std::make_unique<Detector>(loader.finish(), std::move(options));
  rule_reports_ = loader.reports();
}

void Stages::hand_on(bool last) {
  if (!records_wanted_.exchange(false) && !last) return;
  if (on_rules_) hand_on_rules(last);
  if (on_links_) {
    Correlator& correlator = enricher_->correlator();
    if (all_links_wanted_.exchange(false)) correlator.restart_records();
    on_links_(correlator.take_records());
  }
  if (on_handed_on_) on_handed_on_();
}

void Stages::hand_on_rules(bool last) {
  RuleRecords records;
  const bool whole = rules_wanted_.exchange(false) || last || pipeline_->progressed();
  records.progress = pipeline_->take_progress();
  records.progress.ended = last;
  if (whole) records.rules_left_out = detector_->save(records.rules.emplace(), rule_bytes_max_).rules_left_out;
  on_rules_(std::move(records));
}

}  // namespace tapewatch

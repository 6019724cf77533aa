// SPDX-License-Identifier: Apache-2.0
#include "stages.h"

#include "agent_options.h"
#include "detect/rule_loader.h"

namespace tapewatch {

Result<std::unique_ptr<Stages>> Stages::open(const Config& config, AgentMetrics& metrics, Diagnostics& diagnostics,
                                             Outputs outputs) {
  std::unique_ptr<Stages> stages(new Stages());
  // Enrichment first: its aliases give source names their meaning, which rules build on.
  if (Status opened = stages->open_enrichment(config, metrics); !opened.ok()) return std::move(opened).error();
  stages->open_rules(config, diagnostics);
  stages->parser_ = std::make_unique<Parser>(stages->fields_, stages->masker_ ? stages->masker_->key_policy() : nullptr);
  if (config.elastic && outputs.batch) {
    stages->bulk_ = std::make_unique<BulkBuilder>(bulk_options(*config.elastic), std::move(outputs.batch));
  }
  if (config.store.enabled && outputs.store_batch) {
    stages->store_ = std::make_unique<StoreFeed>(StoreFeedOptions{}, std::move(outputs.store_batch));
  }
  Pipeline::Parts parts;
  parts.parser = stages->parser_.get();
  parts.enricher = stages->enricher_.get();
  parts.masker = stages->masker_.get();
  parts.detector = stages->detector_.get();
  parts.bulk = stages->bulk_.get();
  parts.store = stages->store_.get();
  stages->pipeline_ = std::make_unique<Pipeline>(parts, config.service.instance,
                                                 config.elastic ? config.elastic->alerts_data_stream : "", metrics,
                                                 std::move(outputs.alert));
  return stages;
}

Status Stages::open_enrichment(const Config& config, AgentMetrics& metrics) {
  EnrichOptions o;
  o.fields = config.enrich.fields;
  enricher_ = std::make_unique<Enricher>(o, fields_);
  if (config.mask.enabled) masker_ = std::make_unique<Masker>(mask_options(config.mask), metrics.masked_fields);
  return success();
}

void Stages::open_rules(const Config& config, Diagnostics& diagnostics) {
  if (config.rules.include.empty()) return;
  RuleLoader loader(fields_, RuleLoader::Options{}, diagnostics);
  for (const std::string& file : find_rule_files(config.rules.include, diagnostics)) loader.add_file(file);
  detector_ = std::make_unique<Detector>(loader.finish(), Detector::Options{});
}

}  // namespace tapewatch

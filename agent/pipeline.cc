// SPDX-License-Identifier: Apache-2.0
#include "pipeline.h"

#include <utility>

#include "base/check.h"

namespace tapewatch {

Pipeline::Pipeline(Parts parts, std::string instance, std::string alerts_index, AgentMetrics& metrics,
                   OnAlerts on_alerts)
    : parts_(parts),
      instance_(std::move(instance)),
      alerts_index_(std::move(alerts_index)),
      on_alerts_(std::move(on_alerts)),
      metrics_(metrics),
      invalid_lines_(metrics.parse_errors.with({"json"})),
      not_objects_(metrics.parse_errors.with({"not_object"})),
      blank_lines_(metrics.events_discarded.with({"tail", "blank_line", "true"})) {
  CHECK(parts_.parser != nullptr && parts_.enricher != nullptr);
}

void Pipeline::run(const LineBlock& block) {
  const SourceFile& source = *block.source;
  const std::uint64_t seed = file_seed(instance_, source.input, source.head);
  if (parts_.bulk != nullptr) parts_.bulk->begin_block(source.file, block.begin, block.read_ns);
  if (parts_.store != nullptr) parts_.store->begin_block(source.file, block.begin, block.read_ns);
  LineCursor cursor(block);
  std::uint64_t events = 0;
  for (Line line; cursor.next(line); ++events) run_line(line, block, seed);
  metrics_.input_events.with({source.input}).add(events);
  blank_lines_.add(cursor.blank_lines());
  if (parts_.detector != nullptr) metrics_.rule_evaluations.raise_to(parts_.detector->counters().evaluations);
  if (parts_.bulk != nullptr) parts_.bulk->end_block(block.end);
  if (parts_.store != nullptr) parts_.store->end_block(block.end);
  if (!fired_.empty()) on_alerts_(std::exchange(fired_, {}));
}

void Pipeline::run_line(const Line& line, const LineBlock& block, std::uint64_t seed) {
  Event& event = parts_.parser->parse(line, *block.source, block.read_wall_ns);
  if (!event.is_json()) (parts_.parser->kind() == LineKind::not_object ? not_objects_ : invalid_lines_).add();
  const Hash128 id = event_id(seed, line.offset, line.text);
  prepare(event, id);
  std::string_view document;
  if (parts_.bulk != nullptr) {
    document = parts_.bulk->add(event, id);
  } else {
    document_.clear();
    event.append_json(document_);
    document = document_;
  }
  if (parts_.store != nullptr) parts_.store->add(event, id, document);
  if (parts_.detector != nullptr) {
    parts_.detector->see(event, document, alerts_);
    if (!alerts_.empty()) deliver_alerts(line.offset);
  }
}

void Pipeline::prepare(Event& event, const Hash128& id) {
  parts_.enricher->enrich(event, id);
  if (parts_.masker != nullptr) parts_.masker->mask(event);
}

// `offset` is that of the line that gave rise to them.
void Pipeline::deliver_alerts(std::uint64_t offset) {
  for (Alert& alert : alerts_) {
    document_.clear();
    append_alert_document(document_, alert);
    if (parts_.bulk != nullptr) parts_.bulk->add_document(alerts_index_, alert.id, document_);
    if (parts_.store != nullptr) {
      parts_.store->add_document(alert.time_ns, Level::critical, alert.id, offset, document_);
    }
    fired_.push_back(std::move(alert));
  }
  alerts_.clear();
}

void Pipeline::turn(std::int64_t steady_ns) {
  if (parts_.bulk != nullptr) parts_.bulk->seal_if_due(steady_ns);
  if (parts_.store != nullptr) parts_.store->seal_if_due(steady_ns);
}

void Pipeline::finish() {
  if (parts_.bulk != nullptr) parts_.bulk->seal();
  if (parts_.store != nullptr) parts_.store->seal();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "pipeline.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace tapewatch {
namespace {

constexpr std::int64_t sample_interval_ns = 60 * ns_per_second;
constexpr std::size_t sampled_line_bytes_max = 64 * 1024;
constexpr std::size_t sample_bytes_max = 160;

}  // namespace

Pipeline::Pipeline(Parts parts, std::string instance, std::string alerts_index, AgentMetrics& metrics,
                   OnAlerts on_alerts)
    : parts_(std::move(parts)),
      instance_(std::move(instance)),
      alerts_index_(std::move(alerts_index)),
      on_alerts_(std::move(on_alerts)),
      metrics_(metrics),
      invalid_lines_(metrics.parse_errors.with({"json"})),
      not_objects_(metrics.parse_errors.with({"not_object"})),
      blank_lines_(metrics.events_discarded.with({"tail", "blank_line", "true"})),
      link_hits_(metrics.correlation_lookups.with({"hit"})),
      link_misses_(metrics.correlation_lookups.with({"miss"})) {
  CHECK(parts_.parser != nullptr && parts_.enricher != nullptr);
}

void Pipeline::resume(RuleProgress progress, const std::vector<Alert>& told, std::int64_t now_ns,
                      std::int64_t wall_ns) {
  progress_ = std::move(progress);
  seen_before_ = std::exchange(progress_.seen, {});
  newest_event_ns_ = progress_.newest_event_ns;
  // What passed between the two lives was silence, if nothing is found to be read.
  newest_read_ns_ = now_ns - std::max<std::int64_t>(0, wall_ns - progress_.newest_read_wall_ns);
  wall_offset_ns_ = wall_ns - now_ns;
  if (parts_.detector != nullptr) update_rule_metrics();
  for (const Alert& alert : told) {
    if (alert.source_file != progress_.clock_file) {
      told_before_[alert.source_file][alert.source_offset].push_back(alert);
      continue;
    }
    if (parts_.bulk != nullptr) parts_.bulk->begin_block(alert.source_file, alert.source_offset, now_ns);
    if (parts_.store != nullptr) parts_.store->begin_block(alert.source_file, alert.source_offset, now_ns);
    add_document(alert, alert.source_offset);
    if (parts_.bulk != nullptr) parts_.bulk->end_block(alert.source_offset + 1);
    if (parts_.store != nullptr) parts_.store->end_block(alert.source_offset + 1);
  }
}

RuleProgress Pipeline::take_progress() {
  progressed_ = false;
  progress_.newest_event_ns = newest_event_ns_;
  progress_.newest_read_wall_ns = newest_event_ns_ == INT64_MIN ? 0 : newest_read_ns_ + wall_offset_ns_;
  RuleProgress taken = progress_;
  progress_.seen.clear();
  return taken;
}

void Pipeline::run(const LineBlock& block) {
  const SourceFile& source = *block.source;
  const std::uint64_t seed = file_seed(instance_, source.input, source.head);
  if (parts_.bulk != nullptr) parts_.bulk->begin_block(source.file, block.begin, block.read_ns);
  if (parts_.store != nullptr) parts_.store->begin_block(source.file, block.begin, block.read_ns);
  const auto before = seen_before_.find(source.file);
  seen_to_ = before == seen_before_.end() ? 0 : before->second;
  time_rules_ = parts_.clock != nullptr;
  scan_leaks_ = parts_.leaks != nullptr;
  LineCursor cursor(block);
  std::uint64_t events = 0;
  for (Line line; cursor.next(line); ++events) run_line(line, block, seed);
  metrics_.input_events.with({source.input}).add(events);
  if (events > 0) {
    metrics_.input_clock_offset.with({source.input}).set(static_cast<double>(block.read_wall_ns - time_ns_) / 1e9);
  }
  blank_lines_.add(cursor.blank_lines());
  if (parts_.detector != nullptr) {
    progressed_ = true;
    progress_.seen[source.file] = std::max(block.end, seen_to_);
    if (before != seen_before_.end() && block.end >= seen_to_) seen_before_.erase(before);
  }
  update_metrics();
  if (parts_.bulk != nullptr) parts_.bulk->end_block(block.end);
  if (parts_.store != nullptr) parts_.store->end_block(block.end);
  hand_on_alerts();
}

void Pipeline::update_metrics() {
  if (parts_.detector != nullptr) update_rule_metrics();
  const CorrelatorStats links = parts_.enricher->correlator().stats();
  metrics_.correlation_links.set(static_cast<double>(links.entries));
  metrics_.correlation_evictions.raise_to(links.evictions);
  metrics_.correlation_generated.raise_to(links.generated);
  link_hits_.raise_to(links.hits);
  link_misses_.raise_to(links.misses);
}

void Pipeline::update_rule_metrics() {
  const Detector::Counters rules = parts_.detector->counters();
  metrics_.rule_evaluations.raise_to(rules.evaluations);
  metrics_.alerts_firing.set(static_cast<double>(rules.firing));
  const std::pair<const char*, std::uint64_t> losses[] = {{"late_event", rules.late_events},
                                                          {"group_evicted", rules.groups_evicted},
                                                          {"flow_evicted", rules.flows_evicted},
                                                          {"point_dropped", rules.points_dropped},
                                                          {"evidence_dropped", rules.evidence_dropped},
                                                          {"event_without_group", rules.events_without_group},
                                                          {"event_without_value", rules.events_without_value},
                                                          {"alert_held_back", rules.alerts_suppressed},
                                                          {"alert_outside_hours", rules.alerts_inactive},
                                                          {"alert_ended_early", rules.alerts_ended_early}};
  for (const auto& loss : losses) metrics_.rule_losses.with({loss.first}).raise_to(loss.second);
}

void Pipeline::run_line(const Line& line, const LineBlock& block, std::uint64_t seed) {
  Event& event = parts_.parser->parse(line, *block.source, block.read_wall_ns);
  if (!event.is_json()) {
    (parts_.parser->kind() == LineKind::not_object ? not_objects_ : invalid_lines_).add();
    if (parts_.log != nullptr && block.read_ns >= next_sample_ns_) show_unparsed(line, block);
  }
  const Hash128 id = event_id(seed, line.offset, line.text);
  prepare(event, id);
  time_ns_ = event.time_ns;
  std::string_view document;
  if (parts_.bulk != nullptr) {
    document = parts_.bulk->add(event, id);
  } else {
    document_.clear();
    event.append_json(document_);
    document = document_;
  }
  if (std::exchange(scan_leaks_, false)) parts_.leaks->see(document);  // one of each block
  if (parts_.store != nullptr) parts_.store->add(event, id, document);
  if (parts_.series != nullptr) parts_.series->see(event, document, block.read_ns);
  if (parts_.detector == nullptr) return;
  if (line.offset < seen_to_) return tell_again(block.source->file, line.offset);
  hold_rules(event, document, block);
  for (Alert& alert : alerts_) {
    alert.source_file = block.source->file;
    alert.source_offset = line.offset;
  }
  if (!alerts_.empty()) deliver_alerts(line.offset);
}

// To the outputs of documents, which know by its id whether they have it; whoever takes messages has had them.
void Pipeline::tell_again(std::uint64_t file, std::uint64_t offset) {
  const auto of_file = told_before_.find(file);
  if (of_file == told_before_.end()) return;
  const auto alerts = of_file->second.find(offset);
  if (alerts == of_file->second.end()) return;
  for (const Alert& alert : alerts->second) add_document(alert, offset);
  of_file->second.erase(alerts);
  if (of_file->second.empty()) told_before_.erase(of_file);
}

// One event of each block is timed.
void Pipeline::hold_rules(Event& event, std::string_view document, const LineBlock& block) {
  if (event.time_ns > newest_event_ns_) {
    newest_event_ns_ = event.time_ns;
    newest_read_ns_ = block.read_ns;
  }
  if (!time_rules_) return parts_.detector->see(event, document, alerts_);
  time_rules_ = false;
  const std::int64_t begin_ns = parts_.clock->steady_ns();
  parts_.detector->see(event, document, alerts_);
  metrics_.rule_duration.observe(static_cast<double>(parts_.clock->steady_ns() - begin_ns) / 1e9);
}

// One line in a minute, masked whole before it is cut: half a secret is one too.
void Pipeline::show_unparsed(const Line& line, const LineBlock& block) {
  next_sample_ns_ = block.read_ns + sample_interval_ns;
  if (line.text.size() > sampled_line_bytes_max) return;
  std::string sample = parts_.samples->mask_text(line.text);
  if (sample.size() > sample_bytes_max) sample.resize(sample_bytes_max);
  parts_.log->warn("a line is no JSON object and is delivered as text",
                   {{"log.file.path", block.source->path},
                    {"log.offset", line.offset},
                    {"sample", sample},
                    {"lines_so_far", invalid_lines_.value() + not_objects_.value()}});
}

void Pipeline::prepare(Event& event, const Hash128& id) {
  parts_.enricher->enrich(event, id);
  if (parts_.masker != nullptr) parts_.masker->mask(event);
}

// `offset` is that of the line that gave rise to them; none: the clock did.
void Pipeline::deliver_alerts(std::optional<std::uint64_t> offset) {
  for (Alert& alert : alerts_) {
    add_document(alert, offset);
    fired_.push_back(std::move(alert));
  }
  alerts_.clear();
}

void Pipeline::add_document(const Alert& alert, std::optional<std::uint64_t> offset) {
  document_.clear();
  append_alert_document(document_, alert);
  const Hash128 id = alert_message_id(alert);
  if (parts_.bulk != nullptr) parts_.bulk->add_document(alerts_index_, id, document_);
  if (parts_.store != nullptr) {
    const Level level = alert.state == AlertState::firing ? Level::critical : Level::info;
    parts_.store->add_document(alert.time_ns, level, id, offset, document_);
  }
}

// They are the lines of a file of their own, so that they are acknowledged like any line, and stored once.
void Pipeline::deliver_alerts_of_clock(std::int64_t steady_ns) {
  const std::uint64_t file = progress_.clock_file;
  if (file == 0) return deliver_alerts(std::nullopt);
  const std::uint64_t begin = progress_.clock_next;
  if (parts_.bulk != nullptr) parts_.bulk->begin_block(file, begin, steady_ns);
  if (parts_.store != nullptr) parts_.store->begin_block(file, begin, steady_ns);
  for (Alert& alert : alerts_) {
    alert.source_file = file;
    alert.source_offset = progress_.clock_next++;
    add_document(alert, alert.source_offset);
    fired_.push_back(std::move(alert));
  }
  if (parts_.bulk != nullptr) parts_.bulk->end_block(progress_.clock_next);
  if (parts_.store != nullptr) parts_.store->end_block(progress_.clock_next);
  alerts_.clear();
  progressed_ = true;
}

void Pipeline::hand_on_alerts() {
  if (!fired_.empty()) on_alerts_(std::exchange(fired_, {}));
}

void Pipeline::silent_until(std::int64_t steady_ns) {
  if (parts_.detector == nullptr || newest_event_ns_ == INT64_MIN || steady_ns < next_look_ns_) return;
  next_look_ns_ = steady_ns + ns_per_second;
  const std::int64_t silent_ns = steady_ns - newest_read_ns_;
  if (silent_ns <= 0) return;
  parts_.detector->advance(newest_event_ns_ + silent_ns - parts_.detector->lateness_ns(), alerts_);
  update_rule_metrics();
  if (!alerts_.empty()) deliver_alerts_of_clock(steady_ns);
  hand_on_alerts();
}

void Pipeline::turn(std::int64_t steady_ns) {
  if (parts_.bulk != nullptr) parts_.bulk->seal_if_due(steady_ns);
  if (parts_.store != nullptr) parts_.store->seal_if_due(steady_ns);
  if (parts_.series != nullptr) parts_.series->turn(steady_ns);
  if (parts_.between_blocks) parts_.between_blocks(false);
}

void Pipeline::finish() {
  if (parts_.bulk != nullptr) parts_.bulk->seal();
  if (parts_.store != nullptr) parts_.store->seal();
  if (parts_.between_blocks) parts_.between_blocks(true);
}

}  // namespace tapewatch

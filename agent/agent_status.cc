// SPDX-License-Identifier: Apache-2.0
#include "agent_status.h"

#include <algorithm>

#include "detect/rule_explain.h"

namespace tapewatch {
namespace {

constexpr std::int64_t snapshot_interval_ns = ns_per_second;
constexpr std::size_t alerts_kept = 200;

StatusSnapshot::Rule rule_status(const RuleSummary& summary) {
  StatusSnapshot::Rule rule;
  rule.id = summary.id;
  rule.title = summary.title;
  rule.level = summary.level;
  rule.kind = summary.kind;
  rule.file = summary.file;
  return rule;
}

StatusSnapshot::Alert alert_status(const Alert& alert) {
  StatusSnapshot::Alert status;
  status.id = to_hex(alert.id);
  status.rule_id = alert.rule_id;
  status.title = alert.title;
  status.description = alert.description;
  status.level = alert.level;
  status.state = alert.state == AlertState::firing ? "firing" : "resolved";
  status.group = alert.group;
  status.time_ns = alert.time_ns;
  status.started_ns = alert.started_ns;
  status.count = alert.count;
  status.correlation_id = alert.correlation_id;
  status.file_path = alert.file_path;
  status.file_offset = alert.file_offset;
  status.evidence = alert.evidence;
  status.runbook = alert.runbook;
  return status;
}

std::uint64_t total(const Family<Counter>& family) {
  std::uint64_t sum = 0;
  family.for_each([&](const auto&, const Counter& counter) { sum += counter.value(); });
  return sum;
}

}  // namespace

AgentStatus::AgentStatus(const Config& config, const Clock& clock, AgentMetrics& metrics, std::int64_t started_ns)
    : config_(config),
      clock_(clock),
      metrics_(metrics),
      loaded_ns_(clock.wall_ns()),
      started_ns_(started_ns == 0 ? loaded_ns_ : started_ns) {
  metrics_.buffer_limit_bytes.set(static_cast<double>(config.limits.in_flight_bytes));
  metrics_.config_last_reload_success.set(static_cast<double>(loaded_ns_) / 1e9);
}

void AgentStatus::set_rules(const Detector& detector) {
  detector_ = &detector;
  for (const RuleSummary& rule : summaries(detector.rules())) rules_.push_back(rule_status(rule));
}

void AgentStatus::restore_counts() {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    rules_[i].alerts = detector_->alerts_by_rule()[i];
    if (rules_[i].alerts > 0) metrics_.alerts.with({rules_[i].id, rules_[i].level}).raise_to(rules_[i].alerts);
  }
}

void AgentStatus::on_alert(const Alert& alert) {
  const bool firing = alert.state == AlertState::firing;
  if (firing) metrics_.alerts.with({alert.rule_id, alert.level}).add();
  for (StatusSnapshot::Rule& rule : rules_) {
    if (rule.id != alert.rule_id || !firing) continue;
    ++rule.alerts;
    rule.last_alert_ns = alert.time_ns;
  }
  const std::string id = to_hex(alert.id);
  const auto known =
      std::find_if(alerts_.begin(), alerts_.end(), [&id](const StatusSnapshot::Alert& a) { return a.id == id; });
  if (!firing && known != alerts_.end()) {
    known->state = alert_state_name(alert.state);  // what it was about stays
  } else if (firing) {
    if (known != alerts_.end()) alerts_.erase(known);
    alerts_.push_front(alert_status(alert));
    if (alerts_.size() > alerts_kept) alerts_.pop_back();
  }
  published_ns_ = 0;  // show it at the next turn
}

void AgentStatus::update(const Tailer& tailer, const Delivery& delivery, bool ready) {
  update_metrics(tailer);
  const std::int64_t now = clock_.steady_ns();
  if (published_ns_ == 0 || now - published_ns_ >= snapshot_interval_ns) publish(tailer, delivery, ready);
}

void AgentStatus::update_metrics(const Tailer& tailer) {
  const TailStats stats = tailer.stats();
  metrics_.input_missed_bytes.raise_to(stats.missed_bytes);
  metrics_.input_abandoned_bytes.raise_to(stats.abandoned_bytes);
  metrics_.events_discarded.with({"tail", "nul_bytes", "false"}).raise_to(stats.nul_bytes);
  metrics_.input_files.with({"live"}).set(static_cast<double>(stats.files_live));
  metrics_.input_files.with({"rotated"}).set(static_cast<double>(stats.files_rotated));
  metrics_.input_files.with({"deleted"}).set(static_cast<double>(stats.files_deleted));
  metrics_.input_files.with({"held"}).set(static_cast<double>(stats.files_held));
  metrics_.state_quarantined.with({"checkpoint"}).raise_to(stats.checkpoints_quarantined);
  metrics_.state_write_failures.with({"checkpoint"}).raise_to(stats.checkpoint_failures);
  metrics_.buffer_bytes.set(static_cast<double>(stats.in_flight_bytes));
  metrics_.buffer_oldest_age_seconds.set(static_cast<double>(stats.in_flight_age_ns) / 1e9);
  metrics_.checkpoint_age_seconds.set(static_cast<double>(stats.checkpoint_age_ns) / 1e9);
  for (const InputStats& input : tailer.input_stats()) {
    metrics_.input_read_bytes.with({input.input}).raise_to(input.read_bytes);
    metrics_.input_lag_bytes.with({input.input}).set(static_cast<double>(input.lag_bytes));
    metrics_.input_lag_seconds.with({input.input}).set(static_cast<double>(input.lag_ns) / 1e9);
  }
}

void AgentStatus::publish(const Tailer& tailer, const Delivery& delivery, bool ready) {
  auto snapshot = std::make_shared<StatusSnapshot>();
  snapshot->ready = ready;
  snapshot->version = TAPEWATCH_VERSION;
  snapshot->service = config_.service.name;
  snapshot->instance = config_.service.instance;
  snapshot->time_ns = clock_.wall_ns();
  snapshot->started_ns = started_ns_;
  snapshot->config_loaded_ns = loaded_ns_;
  snapshot->config_error = config_error_;
  fill_inputs(tailer, *snapshot);
  fill_outputs(delivery, *snapshot);
  fill_losses(tailer, *snapshot);
  std::string reason;
  if (!delivery.healthy(reason)) snapshot->reasons.push_back(reason);
  if (!config_error_.empty()) snapshot->reasons.push_back("the last reload was refused");
  if (!snapshot->reasons.empty()) snapshot->health = Health::degraded;
  snapshot->parse_errors = total(metrics_.parse_errors);
  snapshot->masked_fields = total(metrics_.masked_fields);
  snapshot->rule_evaluations = metrics_.rule_evaluations.value();
  snapshot->alerts_fired = total(metrics_.alerts);
  for (std::size_t i = 0; i < rules_.size(); ++i) rules_[i].matches = detector_->matches_of(i);
  snapshot->rules = rules_;
  snapshot->alerts.assign(alerts_.begin(), alerts_.end());
  board_.publish(std::move(snapshot));
}

void AgentStatus::fill_inputs(const Tailer& tailer, StatusSnapshot& snapshot) {
  const TailStats stats = tailer.stats();
  for (const InputStats& from : tailer.input_stats()) {
    StatusSnapshot::Input input;
    input.name = from.input;
    input.events = metrics_.input_events.with({from.input}).value();
    input.read_bytes = from.read_bytes;
    input.files = from.files;
    input.lag_bytes = from.lag_bytes;
    input.lag_seconds = static_cast<double>(from.lag_ns) / 1e9;
    snapshot.events += input.events;
    snapshot.inputs.push_back(std::move(input));
  }
  for (const FileStatus& from : tailer.files()) {
    StatusSnapshot::File file;
    file.path = from.path;
    file.input = from.input;
    file.state = from.state;
    file.identity = std::to_string(from.device) + ":" + std::to_string(from.inode) + ":" + std::to_string(from.file);
    file.size = from.size;
    file.offset = from.offset;
    file.committed = from.committed;
    file.lag_bytes = from.lag;
    snapshot.files.push_back(std::move(file));
  }
  snapshot.buffer_bytes = stats.in_flight_bytes;
  snapshot.buffer_limit_bytes = config_.limits.in_flight_bytes;
  snapshot.checkpoint_age_seconds = static_cast<double>(stats.checkpoint_age_ns) / 1e9;
  const std::int64_t now = clock_.steady_ns();
  if (snapshot.events != published_events_) last_event_ns_ = snapshot.time_ns;
  if (published_ns_ != 0 && now > published_ns_) {
    snapshot.events_per_second =
        static_cast<double>(snapshot.events - published_events_) * 1e9 / static_cast<double>(now - published_ns_);
  }
  snapshot.last_event_ns = last_event_ns_;
  published_events_ = snapshot.events;
  published_ns_ = now;
}

void AgentStatus::fill_outputs(const Delivery& delivery, StatusSnapshot& snapshot) const {
  if (delivery.elastic() != nullptr) {
    const ElasticStats stats = delivery.elastic()->stats();
    StatusSnapshot::Output output;
    output.name = "elasticsearch";
    output.state = stats.hosts_healthy == 0 ? "down" : stats.unauthorized || stats.blocked ? "retrying" : "ok";
    output.delivered = stats.items_created;
    output.duplicates = stats.items_duplicate;
    output.retried = stats.items_retried;
    output.rejected = stats.items_rejected;
    output.dead_letters = stats.items_dead_lettered;
    output.queued_bytes = stats.queued_bytes;
    output.last_success_ns = stats.last_accepted_wall_ns;
    snapshot.outputs.push_back(std::move(output));
  }
  if (delivery.log_store() != nullptr) {
    const LogStore::Stats stats = delivery.log_store()->stats();
    StatusSnapshot::Output output;
    output.name = "store";
    output.state = stats.last_error.empty() ? "ok" : "retrying";
    output.delivered = static_cast<std::uint64_t>(stats.records);
    output.duplicates = static_cast<std::uint64_t>(stats.duplicates);
    output.queued_bytes = static_cast<std::uint64_t>(stats.queue_bytes);
    output.last_error = stats.last_error;
    snapshot.outputs.push_back(std::move(output));
    snapshot.store_enabled = true;
    snapshot.store_records = static_cast<std::uint64_t>(stats.records);
    snapshot.store_disk_bytes = static_cast<std::uint64_t>(stats.disk_bytes);
  }
}

void AgentStatus::fill_losses(const Tailer& tailer, StatusSnapshot& snapshot) const {
  const TailStats stats = tailer.stats();
  snapshot.losses = {
      {"missed bytes", stats.missed_bytes, "truncated or removed before they could be read"},
      {"abandoned bytes", stats.abandoned_bytes, "given up because deleted files held too much disk space"},
      {"NUL bytes", stats.nul_bytes, "holes left by a truncation, skipped"},
      {"cut lines", stats.cut_lines, "longer than max_line_bytes, delivered without their end"},
      {"lines that are not JSON", total(metrics_.parse_errors), "delivered as text"},
  };
}

}  // namespace tapewatch

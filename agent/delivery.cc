// SPDX-License-Identifier: Apache-2.0
#include "delivery.h"

#include "agent_options.h"

namespace tapewatch {
namespace {

constexpr std::chrono::milliseconds store_poll{5};
constexpr std::int64_t stalled_ns = 60 * ns_per_second;

}  // namespace

DeadLetter dead_letter_of(RefusedDocument refused, std::string index, Masker& masker) {
  DeadLetter letter;
  letter.index = std::move(index);
  letter.id = std::move(refused.id);
  letter.document = std::move(refused.document);
  letter.reason = masker.mask_text(refused.type + ": " + refused.reason);
  letter.status = refused.status;
  letter.time_ns = refused.wall_ns;
  return letter;
}

Delivery::Delivery(const Config& config, Loop& loop, const Clock& clock, Log& log, AgentMetrics& metrics, Acked acked)
    : loop_(loop),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      acked_(std::move(acked)),
      masker_(mask_options(config.mask), metrics.masked_fields) {}

std::size_t Delivery::sinks(const Config& config) {
  return (config.elastic ? 1u : 0u) + (config.store.enabled ? 1u : 0u);
}

Result<std::unique_ptr<Delivery>> Delivery::open(const Config& config, Loop& loop, const Clock& clock, Log& log,
                                                 AgentMetrics& metrics, Acked acked) {
  std::unique_ptr<Delivery> delivery(new Delivery(config, loop, clock, log, metrics, std::move(acked)));
  Result<std::unique_ptr<HttpClient>> http = HttpClient::open(loop, {});
  if (!http.ok()) return std::move(http).error();
  delivery->http_ = std::move(*http);
  if (config.elastic) {
    if (Status opened = delivery->open_elastic(config); !opened.ok()) return std::move(opened).error();
  }
  if (config.store.enabled) {
    if (Status opened = delivery->open_store(config); !opened.ok()) return std::move(opened).error();
  }
  if (!config.alerts.webhook.url.empty()) {
    delivery->alert_sink_ = std::make_unique<AlertSink>(alert_options(config), loop, clock, *delivery->http_, log);
  }
  if (!config.alerts.alertmanager.urls.empty()) {
    delivery->alertmanager_ =
        std::make_unique<AlertmanagerSink>(alertmanager_options(config), loop, clock, *delivery->http_, log);
  }
  return delivery;
}

Status Delivery::open_elastic(const Config& config) {
  Result<std::unique_ptr<DeadLetters>> letters = DeadLetters::open(dead_letter_options(config));
  if (!letters.ok()) return std::move(letters).error().with_context("opening the dead letters");
  dead_letters_ = std::move(*letters);
  const ElasticConfig& elastic = *config.elastic;
  const ElasticOptions options = elastic_options(elastic);
  index_ = options.index;
  ElasticHooks hooks;
  hooks.acked = [this](const Delivered& delivered) { on_acked(0, delivered); };
  hooks.dead_letter = [this](RefusedDocument refused, const std::function<void(Status)>& done) {
    keep(std::move(refused), done);
  };
  // Read anew each time: a secret that was exchanged on disk needs no restart.
  hooks.authorization = [elastic] { return authorization_now(elastic); };
  Distribution& durations = metrics_.output_request_duration.with({"elasticsearch"});
  hooks.request_done = [&durations](int, std::chrono::nanoseconds elapsed) {
    durations.observe(static_cast<double>(elapsed.count()) / 1e9);
  };
  elastic_ = std::make_unique<ElasticSink>(options, std::move(hooks), loop_, clock_, *http_, log_);
  return success();
}

Status Delivery::open_store(const Config& config) {
  Result<std::unique_ptr<LogStore>> store = LogStore::open(store_options(config), clock_, log_);
  if (!store.ok()) return std::move(store).error().with_context("opening the embedded store");
  log_store_ = std::move(*store);
  const std::size_t sink = config.elastic ? 1 : 0;
  store_sink_ = std::make_unique<StoreSink>(StoreSink::Options{}, *log_store_, loop_, log_,
                                            [this, sink](const Delivered& delivered) { on_acked(sink, delivered); });
  return success();
}

void Delivery::on_acked(std::size_t sink, const Delivered& delivered) {
  if (delivered.items > 0) {
    metrics_.delivery_latency.observe(static_cast<double>(clock_.steady_ns() - delivered.oldest_read_ns) / 1e9,
                                      delivered.items);
  }
  acked_(sink, delivered);
}

// The letters' callback runs on their own thread.
void Delivery::keep(RefusedDocument refused, const std::function<void(Status)>& done) {
  std::vector<DeadLetter> letters;
  letters.push_back(dead_letter_of(std::move(refused), index_, masker_));
  Loop& loop = loop_;
  const Status taken = dead_letters_->put(
      std::move(letters), [&loop, done](const Status& status) { loop.post([done, status] { done(status); }); });
  if (!taken.ok()) done(taken);
}

void Delivery::deliver(const Alert& alert) {
  if (alert_sink_) alert_sink_->deliver(alert);
  if (alertmanager_) alertmanager_->deliver(alert);
}

std::vector<AlertMessage> Delivery::waiting_alerts() const {
  if (!alert_sink_) return {};
  return {alert_sink_->waiting().begin(), alert_sink_->waiting().end()};
}

void Delivery::restore(std::vector<AlertMessage> waiting, const std::vector<const Alert*>& firing) {
  if (alert_sink_) {
    for (AlertMessage& message : waiting) alert_sink_->deliver(std::move(message));
  }
  if (alertmanager_) {
    for (const Alert* alert : firing) alertmanager_->confirm(*alert);
  }
}

void Delivery::drain(std::int64_t deadline_ns, std::function<void(bool)> done) {
  drained_ = std::move(done);
  deadline_ns_ = deadline_ns;
  draining_ = 1 + (elastic_ ? 1u : 0u) + (store_sink_ ? 1u : 0u) + (alert_sink_ ? 1u : 0u) + (alertmanager_ ? 1u : 0u);
  const auto answer = [this](bool all_resolved) { part_drained(all_resolved); };
  if (elastic_) elastic_->drain(deadline_ns, answer);
  if (store_sink_) wait_for_store();
  const std::int64_t alerts_deadline_ns = std::min(deadline_ns, clock_.steady_ns() + 5 * ns_per_second);
  if (alert_sink_) alert_sink_->drain(alerts_deadline_ns, [answer](bool) { answer(true); });
  if (alertmanager_) alertmanager_->drain(alerts_deadline_ns, [answer](bool) { answer(true); });
  part_drained(true);
}

void Delivery::wait_for_store() {
  if (store_sink_->idle()) return part_drained(true);
  if (clock_.steady_ns() >= deadline_ns_) return part_drained(false);
  store_wait_ = std::make_unique<Timer>(loop_, [this] { wait_for_store(); });
  store_wait_->start(store_poll);
}

void Delivery::part_drained(bool all_resolved) {
  all_resolved_ = all_resolved_ && all_resolved;
  if (--draining_ == 0) drained_(all_resolved_);
}

void Delivery::update_metrics() {
  if (elastic_) update_elastic_metrics();
  if (log_store_) update_store_metrics();
  if (alert_sink_) update_alert_metrics();
  if (alertmanager_) update_alertmanager_metrics();
}

void Delivery::update_elastic_metrics() {
  const ElasticStats stats = elastic_->stats();
  const auto items = [&](const char* result, std::uint64_t count) {
    metrics_.output_items.with({"elasticsearch", result}).raise_to(count);
  };
  items("created", stats.items_created);
  items("duplicate", stats.items_duplicate);
  items("retried", stats.items_retried);
  items("rejected", stats.items_rejected);
  items("dead_lettered", stats.items_dead_lettered);
  for (const auto& [code, count] : stats.requests) {
    metrics_.output_requests.with({"elasticsearch", code == 0 ? "error" : std::to_string(code)}).raise_to(count);
  }
  metrics_.output_concurrency_limit.with({"elasticsearch"}).set(stats.concurrency_limit);
}

void Delivery::update_store_metrics() {
  const LogStore::Stats stats = log_store_->stats();
  const auto total = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  metrics_.output_items.with({"store", "created"}).raise_to(total(stats.records));
  metrics_.output_items.with({"store", "duplicate"}).raise_to(total(stats.duplicates));
  metrics_.output_items.with({"store", "retried"}).raise_to(store_sink_->retries());
  metrics_.store_records.raise_to(total(stats.records));
  metrics_.store_record_bytes.raise_to(total(stats.record_bytes));
  metrics_.store_duplicates.raise_to(total(stats.duplicates));
  metrics_.store_commits.raise_to(total(stats.commits));
  metrics_.store_commit_failures.raise_to(total(stats.commit_failures));
  metrics_.store_pending_bytes.set(static_cast<double>(stats.pending_bytes));
  metrics_.store_queue_bytes.set(static_cast<double>(stats.queue_bytes));
  metrics_.store_disk_bytes.set(static_cast<double>(stats.disk_bytes));
  metrics_.store_segments.set(static_cast<double>(stats.segments));
  metrics_.store_segments_removed.with({"size"}).raise_to(total(stats.segments_removed_by_size));
  metrics_.store_segments_removed.with({"age"}).raise_to(total(stats.segments_removed_by_age));
  metrics_.store_segments_removed.with({"full_disk"}).raise_to(total(stats.segments_removed_full_disk));
  metrics_.store_damaged_blocks.raise_to(total(stats.damaged_blocks));
  metrics_.store_searches.raise_to(total(stats.searches));
  metrics_.store_searches_refused.raise_to(total(stats.searches_refused));
  metrics_.events_discarded.with({"store", "oversized", "false"}).raise_to(total(stats.oversized));
}

void Delivery::update_alert_metrics() {
  const AlertSinkStats stats = alert_sink_->stats();
  metrics_.output_items.with({"webhook", "created"}).raise_to(stats.delivered);
  metrics_.output_items.with({"webhook", "retried"}).raise_to(stats.retried);
  metrics_.output_items.with({"webhook", "rejected"}).raise_to(stats.rejected);
  metrics_.output_items.with({"webhook", "duplicate"}).raise_to(stats.known);
  metrics_.events_discarded.with({"webhook", "queue_full", "false"}).raise_to(stats.dropped);
}

void Delivery::update_alertmanager_metrics() {
  const AlertmanagerStats stats = alertmanager_->stats();
  metrics_.output_items.with({"alertmanager", "created"}).raise_to(stats.delivered);
  metrics_.output_items.with({"alertmanager", "retried"}).raise_to(stats.retried);
  metrics_.output_items.with({"alertmanager", "rejected"}).raise_to(stats.rejected);
  metrics_.output_items.with({"alertmanager", "unconfirmed"}).raise_to(stats.unconfirmed);
  metrics_.events_discarded.with({"alertmanager", "queue_full", "false"}).raise_to(stats.dropped);
  metrics_.state_write_failures.with({"alertmanager"}).raise_to(stats.unsaved);
}

bool Delivery::healthy(std::string& reason) const {
  if (elastic_) {
    const ElasticStats stats = elastic_->stats();
    if (stats.unauthorized) reason = "elasticsearch refuses the credentials";
    if (stats.blocked) reason = "elasticsearch takes no writes into the index";
    if (stats.hosts_healthy == 0) reason = "no elasticsearch host answers";
    const std::int64_t quiet_ns = clock_.wall_ns() - stats.last_accepted_wall_ns;
    if (stats.queued_bytes > 0 && stats.last_accepted_wall_ns > 0 && quiet_ns > stalled_ns) {
      reason = "elasticsearch has taken nothing for a minute";
    }
  }
  if (log_store_ && !log_store_->stats().last_error.empty()) reason = "the embedded store cannot commit";
  return reason.empty();
}

}  // namespace tapewatch

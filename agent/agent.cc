// SPDX-License-Identifier: Apache-2.0
#include "agent.h"

#include <algorithm>
#include <csignal>
#include <set>

#include "agent_options.h"
#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::chrono::milliseconds tick_interval{100};
constexpr std::chrono::milliseconds mailbox_retry{3};  // the worker needs longer for what a full mailbox holds
constexpr std::size_t mailbox_bytes = 2u << 20;  // few enough blocks that they are still in the cache when worked on
constexpr std::int64_t links_mend_ns = 5 * ns_per_second;
constexpr int blocks_per_turn = 4;  // then the loop looks at its sockets

}  // namespace

Agent::Agent(Config config, const Clock& clock, Log& log, Options options)
    : config_(std::move(config)),
      clock_(clock),
      options_(std::move(options)),
      watching_(std::any_of(config_.inputs.begin(), config_.inputs.end(),
                            [](const InputConfig& input) { return input.watch; })),
      metrics_(TAPEWATCH_VERSION),
      log_(log, mask_options(config_.mask), metrics_.masked_fields),
      status_(config_, clock, metrics_, options_.started_ns),
      links_(config_.state_dir, link_bytes_max(config_), clock, log_) {}

Agent::~Agent() {
  if (worker_) worker_->close();
  worker_.reset();
}

Result<std::unique_ptr<Agent>> Agent::open(Config config, Diagnostics& diagnostics, const Clock& clock, Log& log,
                                           Options options) {
  std::unique_ptr<Agent> agent(new Agent(std::move(config), clock, log, std::move(options)));
  if (Status opened = agent->open_parts(diagnostics); !opened.ok()) return std::move(opened).error();
  return agent;
}

// Consumers first: what a part hands on has somewhere to go.
Status Agent::open_parts(Diagnostics& diagnostics) {
  Result<std::unique_ptr<Loop>> loop = Loop::open(clock_);
  if (!loop.ok()) return std::move(loop).error();
  loop_ = std::move(*loop);
  if (Status opened = open_delivery(); !opened.ok()) return opened;
  open_stages(diagnostics);
  open_links();
  Result<std::unique_ptr<Tailer>> tailer =
      Tailer::open(tail_options(config_, Delivery::sinks(config_)), input_options(config_), clock_, log_);
  if (!tailer.ok()) return std::move(tailer).error().with_context("opening the inputs");
  tailer_ = std::move(*tailer);
  open_rules();
  if (Status opened = open_metrics(); !opened.ok()) return opened;
  if (config_.http.enabled) {
    if (Status opened = open_http(); !opened.ok()) return opened;
  }
  return watch_signals();
}

Status Agent::open_delivery() {
  Result<std::unique_ptr<Delivery>> delivery =
      Delivery::open(config_, *loop_, clock_, log_, metrics_, [this](std::size_t sink, const Delivered& delivered) {
        tailer_->acked(sink, delivered.spans);
        if (rules_) rules_->acked(sink, delivered.spans);
        pump();
      });
  if (!delivery.ok()) return std::move(delivery).error();
  delivery_ = std::move(*delivery);
  return success();
}

void Agent::open_stages(Diagnostics& diagnostics) {
  Stages::Outputs outputs;
  outputs.batch = [this](Batch batch) {
    loop_->post([this, batch = std::move(batch)]() mutable { delivery_->accept(std::move(batch)); });
  };
  outputs.store_batch = [this](StoreBatch batch) {
    loop_->post([this, batch = std::move(batch)]() mutable { delivery_->accept(std::move(batch)); });
  };
  outputs.log = &log_;
  outputs.clock = &clock_;
  outputs.tell_ends = true;
  outputs.links = [this](LinkRecords records) {
    loop_->post([this, records = std::move(records)] { links_.add(records); });
  };
  outputs.rules = [this](RuleRecords records) {
    loop_->post([this, records = std::move(records)]() mutable { keep_rules(std::move(records)); });
  };
  outputs.rule_bytes_max = config_.limits.rule_state_bytes;
  outputs.handed_on = [this] { loop_->post([this] { commit_now(); }); };
  outputs.alerts = [this](std::vector<Alert> alerts) {
    loop_->post([this, alerts = std::move(alerts)] {
      for (const Alert& alert : alerts) on_alert(alert);
    });
  };
  stages_ = Stages::open(config_, metrics_, diagnostics, std::move(outputs));
  if (stages_->detector() != nullptr) status_.set_rules(*stages_->detector());
  worker_ = std::make_unique<Worker>(stages_->pipeline(), clock_, mailbox_bytes);
}

// What lines taught that will not be read again, because they are acknowledged.
void Agent::open_links() {
  if (!config_.enrich.correlation.enabled) return;
  stages_->restore_links(links_.load());
}

// They go on where they were; what they had told and nobody may know of is told again.
void Agent::open_rules() {
  RuleMemory::Options options;
  options.bytes_max = config_.limits.rule_state_bytes;
  options.sinks = Delivery::sinks(config_);
  const auto committed = [this](std::uint64_t file) { return tailer_->committed(file); };
  rules_ = std::make_unique<RuleMemory>(options, config_.state_dir, clock_, log_, committed);
  Detector* detector = stages_->detector();
  if (detector == nullptr) {
    rules_->forget();
    rules_.reset();
    return;
  }
  RuleState state = rules_->open();
  if (!state.rules.empty()) {
    // Counters of what a killed process did are not known to the last: they begin at 0, as all others do.
    const auto counts = state.progress.ended ? Detector::Counts::go_on : Detector::Counts::begin_anew;
    const Result<Detector::Restored> restored = detector->load(state.rules, counts);
    if (!restored.ok()) {
      rules_->refused(restored.error());
      state.progress.seen.clear();  // they see again what is read again
    } else {
      log_.info("rules go on", {{"rules", restored->rules}, {"start_anew", restored->left_out.size()}});
      for (const std::string& id : restored->left_out)
        log_.info("what a rule remembered is left out: it was changed, or is gone", {{"rule.id", id}});
    }
  }
  stages_->pipeline().resume(std::move(state.progress), state.told, clock_.steady_ns(), clock_.wall_ns());
  delivery_->restore(std::move(state.waiting), detector->firing());
  status_.restore_counts();
}

// What is read when somebody asks, and what is fetched now and then.
Status Agent::open_metrics() {
  const MetricsConfig& config = config_.metrics;
  metrics_.add_source([folder = config_.state_dir](auto& out) { collect_file_system(folder, out); });
  if (config.host) {
    metrics_.add_source([host = HostMetrics(host_options(config))](auto& out) { host.collect(out); });
  }
  if (!config.processes.empty()) {
    metrics_.add_source(
        [apps = AppMetrics(host_options(config), app_options(config))](auto& out) { apps.collect(out); });
  }
  if (config.scrape.empty()) return success();
  Result<std::unique_ptr<HttpClient>> client = HttpClient::open(*loop_, {});
  if (!client.ok()) return std::move(client).error().with_context("opening the client of the application's metrics");
  scrape_client_ = std::move(*client);
  for (const ScrapeConfig& from : config.scrape) {
    scrapers_.push_back(
        std::make_unique<MetricsScraper>(scrape_options(from), *scrape_client_, *loop_, metrics_, log_));
    metrics_.add_source([scraper = scrapers_.back().get()](auto& out) { scraper->collect(out); });
    scrapers_.back()->start();
  }
  return success();
}

Status Agent::open_http() {
  if (delivery_->log_store() != nullptr) search_ = std::make_unique<StoreBackend>(*delivery_->log_store());
  const auto reload_now = [this](const std::function<void(Status)>& done) { done(reload()); };
  HttpParts parts{*loop_, *loop_, clock_, log_, metrics_, status_.board(), search_.get(), reload_now};
  Result<std::unique_ptr<FrontDoor>> door = FrontDoor::open(http_options(config_.http), parts);
  if (!door.ok()) return std::move(door).error().with_context("opening the page and the API");
  front_door_ = std::move(*door);
  const std::string address = config_.http.host + ":" + std::to_string(front_door_->port());
  log_.info("listening", {{"address", address}});
  if (options_.listening) options_.listening(address);
  return success();
}

Status Agent::watch_signals() {
  const auto watch = [this](int number, std::function<void()> fn) -> Status {
    Result<std::unique_ptr<SignalWatch>> opened = SignalWatch::open(*loop_, number, std::move(fn));
    if (!opened.ok()) return std::move(opened).error();
    signals_.push_back(std::move(*opened));
    return success();
  };
  for (const int number : {SIGTERM, SIGINT}) {
    if (Status watched = watch(number, [this] { stop(); }); !watched.ok()) return watched;
  }
  return watch(SIGHUP, [this] {
    if (const Status reloaded = reload(); !reloaded.ok())
      log_.error("reload refused", {{"reason", reloaded.error().message}});
  });
}

Agent::Ending Agent::run() {
  worker_->start();
  tick_ = std::make_unique<Timer>(*loop_, [this] { tick(); });
  pump_ = std::make_unique<Timer>(*loop_, [this] { pump(); });
  tick_->start({}, tick_interval);
  loop_->run();
  return ending_;
}

void Agent::tick() {
  if (!stopping_) {
    tailer_->poll();
    watch_folders();
    pump();
    if (!options_.once && !held_ && tailer_->at_end()) worker_->caught_up(clock_.steady_ns());
  }
  const bool due = tailer_->commit_due() && (!rules_ || rules_->due());
  if (due && !stages_->want_records()) commit_now();
  delivery_->update_metrics();
  status_.update(*tailer_, *delivery_, true);
  if (options_.notify == nullptr) return;
  const std::optional<std::uint64_t> turns = stopping_ ? std::nullopt : std::optional(worker_->turns());
  options_.notify->turned(turns, *status_.board().current());
}

void Agent::commit_now() {
  const Status committed = commit(false);
  if (!committed.ok()) log_.error("the checkpoint could not be written", {{"reason", committed.error().message}});
}

// Links and rules first. Those of every line that is about to be committed were added: the worker handed them on behind
// the last batch that can be acknowledged by now.
Status Agent::commit(bool now) {
  if (!rules_kept_) return success();  // told already
  links_.sync();
  metrics_.state_quarantined.with({"links"}).raise_to(links_.stats().quarantined);
  metrics_.state_write_failures.with({"links"}).raise_to(links_.stats().failures);
  if (links_.broken() && clock_.steady_ns() - links_asked_ns_ >= links_mend_ns) {
    links_asked_ns_ = clock_.steady_ns();
    stages_->want_all_links();
  }
  return tailer_->commit(now);
}

// Reads within the budget and hands on, a few blocks at a time.
void Agent::pump() {
  if (stopping_ || pump_->running()) return;
  for (int i = 0; i < blocks_per_turn; ++i) {
    if (!read_one()) return;
  }
  pump_->start({});
}

// False when there is nothing to read, no budget, or no room in the mailbox.
bool Agent::read_one() {
  if (!held_) {
    const std::uint64_t in_flight = tailer_->in_flight_bytes();
    const std::uint64_t limit = config_.limits.in_flight_bytes;
    LineBlock block;
    const ReadResult result = tailer_->read_next(limit > in_flight ? limit - in_flight : 0, block);
    if (result == ReadResult::idle) {
      if (options_.once || finishing_) end_if_done();
      return false;
    }
    if (result == ReadResult::busy) return true;
    held_ = std::move(block);
  }
  if (!worker_->put(std::move(*held_))) {
    pump_->start(mailbox_retry);
    return false;
  }
  held_.reset();
  return true;
}

// A run with --once, or one that was told to stop at the end, is over when everything is read; what is still on its way
// is waited for by the shutdown.
void Agent::end_if_done() {
  if (tailer_->in_flight_bytes() >= config_.limits.in_flight_bytes || !tailer_->at_end()) return;
  if (!flushed_partials_) {
    flushed_partials_ = true;
    if (finishing_) tailer_->scan();  // who wrote until a moment ago may have written more meanwhile
    tailer_->flush_partials();
    pump_->start({});
    return;
  }
  loop_->post([this] { shut_down(Ending::finished); });
}

void Agent::watch_folders() {
  const std::vector<std::string> list = tailer_->folders();
  const std::set<std::string> wanted(list.begin(), list.end());
  std::erase_if(watches_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  for (const std::string& folder : wanted) {
    if (!watches_.contains(folder)) watch_folder(folder);
  }
  const auto watched =
      std::count_if(watches_.begin(), watches_.end(), [](const auto& e) { return e.second != nullptr; });
  metrics_.input_folders.with({"watched"}).set(static_cast<double>(watched));
  metrics_.input_folders.with({"polled"})
      .set(static_cast<double>(static_cast<std::ptrdiff_t>(wanted.size()) - watched));
}

void Agent::watch_folder(const std::string& folder) {
  if (!watching_) return;
  Result<std::unique_ptr<FolderWatch>> watch = FolderWatch::open(*loop_, folder, [this, folder](std::string_view name) {
    if (name.empty()) {
      tailer_->rescan();
    } else {
      tailer_->hint(folder + "/" + std::string(name));
    }
    hinted();
  });
  if (!watch.ok()) log_.warn("a folder cannot be watched, polling alone", {{"reason", watch.error().message}});
  watches_.emplace(folder, watch.ok() ? std::move(*watch) : nullptr);
}

// Several hints make one look.
void Agent::hinted() {
  if (hint_pending_) return;
  hint_pending_ = true;
  loop_->post([this] {
    hint_pending_ = false;
    if (stopping_) return;
    tailer_->poll();
    pump();
  });
}

// Nothing changes unless the new configuration is sound.
Status Agent::reload() {
  if (stopping_ || finishing_) return Error{Code::closed, "the agent is stopping"};
  if (!options_.reload) return Error{Code::unsupported, "this run cannot reload"};
  if (Status ready = options_.reload(); !ready.ok()) {
    metrics_.config_reload_failures.add();
    status_.set_config_error(ready.error().message);
    return ready;
  }
  loop_->post([this] { shut_down(Ending::reload); });
  return success();
}

// Before the positions that they go with, which are committed next.
void Agent::keep_rules(RuleRecords records) {
  if (records.rules_left_out > 0) metrics_.rule_losses.with({"state_left_out"}).add(records.rules_left_out);
  rules_kept_ = rules_->save(std::move(records), delivery_->waiting_alerts());
  if (!rules_kept_) stages_->want_whole_rules();
  metrics_.state_quarantined.with({"rules"}).raise_to(rules_->stats().quarantined);
  metrics_.state_write_failures.with({"rules"}).raise_to(rules_->stats().failures);
  metrics_.rule_losses.with({"told_forgotten"}).raise_to(rules_->told_dropped());
}

void Agent::on_alert(const Alert& alert) {
  if (rules_) rules_->told(alert);
  status_.on_alert(alert);
  delivery_->deliver(alert);
  if (options_.alert) options_.alert(alert);
}

void Agent::stop() {
  if (stopping_ && ending_ == Ending::reload) {  // the first to ask for an end: what drains for a reload ends instead
    ending_ = Ending::finished;
    if (options_.notify != nullptr) options_.notify->stopping();
    return;
  }
  if (stopping_ || finishing_) {
    log_.warn("second signal: ending at once, what was not acknowledged is read again");
    std::_Exit(1);
  }
  const std::chrono::nanoseconds limit = config_.limits.shutdown_timeout;
  stop_deadline_ns_ = clock_.steady_ns() + limit.count();
  if (!config_.limits.stop_at_end || options_.once) {
    shut_down(Ending::finished);
    return;
  }
  // The last quarter of the time is for the answers.
  finishing_ = true;
  finish_ = std::make_unique<Timer>(*loop_, [this] { shut_down(Ending::finished); });
  finish_->start(limit * 3 / 4);
  log_.info("reading to the end", {{"in_flight_bytes", tailer_->in_flight_bytes()}});
  if (options_.notify != nullptr) options_.notify->stopping();
  tailer_->scan();  // now, whatever is due: what is read to its end has to be known to its end
  pump();
}

void Agent::shut_down(Ending ending) {
  if (stopping_) return;
  stopping_ = true;
  ending_ = ending;
  if (options_.notify != nullptr) ending == Ending::reload ? options_.notify->reloading() : options_.notify->stopping();
  log_.info("stopping", {{"in_flight_bytes", tailer_->in_flight_bytes()}});
  held_.reset();  // read but never handed on: the next start reads it again
  worker_->close();
  worker_->join();
  // Behind the last batches that the worker posted.
  loop_->post([this] { drain(); });
}

void Agent::drain() {
  const std::int64_t limit = std::chrono::nanoseconds(config_.limits.shutdown_timeout).count();
  const bool patient = options_.once && ending_ == Ending::finished;
  const std::int64_t asked = finishing_ ? stop_deadline_ns_ : clock_.steady_ns() + limit;
  const std::int64_t deadline = patient ? INT64_MAX : asked;
  delivery_->drain(deadline, [this](bool all_delivered) { drained(all_delivered); });
}

void Agent::drained(bool all_delivered) {
  const Status committed = commit(true);
  if (!committed.ok()) {
    log_.error("the checkpoint could not be written", {{"reason", committed.error().message}});
    if (ending_ == Ending::finished) ending_ = Ending::failed;
  }
  log_.info("stopped", {{"all_delivered", all_delivered}, {"in_flight_bytes", tailer_->in_flight_bytes()}});
  loop_->stop();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Delivery: everything behind the pipeline: the Elasticsearch sink with its dead letters, the embedded store, the
// webhook. Opened from the configuration, owned by the agent. It tells per sink what is finally resolved. Thread: loop.

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "config.h"
#include "enrich/masker.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "metrics/agent_metrics.h"
#include "sinks/alert_sink.h"
#include "sinks/alertmanager_sink.h"
#include "sinks/elastic_sink.h"
#include "sinks/store_sink.h"
#include "tapewatch/dead_letters.h"
#include "tapewatch/log_store.h"

namespace tapewatch {

// The sink's words for a refused document, without the secrets that they may quote.
[[nodiscard]] DeadLetter dead_letter_of(RefusedDocument refused, std::string index, Masker& masker);

class Delivery final {
 public:
  // `sink` counts from 0 to sinks() - 1: the Elasticsearch sink first, then the store.
  using Acked = std::function<void(std::size_t sink, const Delivered&)>;

  [[nodiscard]] static Result<std::unique_ptr<Delivery>> open(const Config& config, Loop& loop, const Clock& clock,
                                                              Log& log, AgentMetrics& metrics, Acked acked);
  // How many sinks the configuration asks for; each must resolve what it is given.
  [[nodiscard]] static std::size_t sinks(const Config& config);

  void accept(Batch batch) { elastic_->accept(std::move(batch)); }
  void accept(StoreBatch batch) { store_sink_->accept(std::move(batch)); }
  void deliver(const Alert& alert);
  // What the webhook has not taken yet.
  [[nodiscard]] std::vector<AlertMessage> waiting_alerts() const;
  // As of the end of an earlier life: what the webhook had not taken, and what was firing.
  void restore(std::vector<AlertMessage> waiting, const std::vector<const Alert*>& firing);

  // Goes on until everything is resolved or the steady clock reaches `deadline_ns`, then calls `done` once.
  void drain(std::int64_t deadline_ns, std::function<void(bool all_resolved)> done);

  void update_metrics();
  // Whether every output takes what it is given; the reason in words when not.
  [[nodiscard]] bool healthy(std::string& reason) const;
  [[nodiscard]] const ElasticSink* elastic() const { return elastic_.get(); }
  [[nodiscard]] const AlertSink* alerts() const { return alert_sink_.get(); }
  [[nodiscard]] LogStore* log_store() const { return log_store_.get(); }

 private:
  Delivery(const Config& config, Loop& loop, const Clock& clock, Log& log, AgentMetrics& metrics, Acked acked);
  Status open_elastic(const Config& config);
  Status open_store(const Config& config);
  void update_elastic_metrics();
  void update_store_metrics();
  void update_alert_metrics();
  void update_alertmanager_metrics();
  void on_acked(std::size_t sink, const Delivered& delivered);
  void keep(RefusedDocument refused, const std::function<void(Status)>& done);
  void part_drained(bool all_resolved);
  void wait_for_store();

  Loop& loop_;
  const Clock& clock_;
  Log& log_;
  AgentMetrics& metrics_;
  const Acked acked_;
  Masker masker_;      // of the words in which the engine refuses a document: they may quote it
  std::string index_;  // of documents whose action line names none

  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<DeadLetters> dead_letters_;
  std::unique_ptr<ElasticSink> elastic_;
  std::unique_ptr<LogStore> log_store_;
  std::unique_ptr<StoreSink> store_sink_;
  std::unique_ptr<AlertSink> alert_sink_;
  std::unique_ptr<AlertmanagerSink> alertmanager_;

  std::function<void(bool)> drained_;
  std::size_t draining_ = 0;  // parts that have not answered yet
  bool all_resolved_ = true;
  std::int64_t deadline_ns_ = 0;
  std::unique_ptr<Timer> store_wait_;
};

}  // namespace tapewatch

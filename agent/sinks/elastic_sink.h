// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElasticSink: delivers batches to Elasticsearch or OpenSearch by `_bulk`. Owned by the wiring, driven by a Scheduler
// and a HttpPoster, so that tests turn it by hand. Thread: loop.
//
// What counts is the engine's verdict on each item, nothing else: created or duplicate is delivered; 429 and 5xx are
// sent again for ever; what is refused for good goes to the dead-letter store and is resolved once that is durable. A
// reply that does not speak of every item is no reply. Nothing is ever dropped: the queue is bounded by whoever feeds
// it.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "loop/http_client.h"
#include "loop/scheduler.h"
#include "sinks/bulk_reply.h"
#include "sinks/concurrency.h"
#include "sinks/dead_letter_queue.h"
#include "sinks/elastic_options.h"
#include "sinks/gzip.h"
#include "sinks/host_pool.h"
#include "sinks/part_queue.h"
#include "sinks/sink.h"

namespace tapewatch {

class ElasticSink final : public Sink {
 public:
  // REQUIRES: at least one host. The references outlive the sink.
  ElasticSink(ElasticOptions options, ElasticHooks hooks, Scheduler& scheduler, const Clock& clock, HttpPoster& poster,
              Log& log);
  // Cancels what is in flight.
  ~ElasticSink() override;
  ElasticSink(const ElasticSink&) = delete;
  ElasticSink& operator=(const ElasticSink&) = delete;

  void accept(Batch batch) override;
  [[nodiscard]] std::size_t queued_bytes() const override { return queued_bytes_ + dead_letters_.bytes(); }
  void drain(std::int64_t deadline_ns, std::function<void(bool all_resolved)> done) override;
  [[nodiscard]] ElasticStats stats() const;

 private:
  struct Job {
    Delivered delivered;
    std::size_t unresolved = 0;
  };
  struct Flight {
    Part part;
    std::size_t host = 0;
    HttpId http = 0;
    std::int64_t started_ns = 0;
  };

  // elastic_sink.cc: the queue, and what goes out.
  void pump();
  void arm_wake(std::int64_t now_ns);
  [[nodiscard]] int flights_max() const;
  void fit_limit(Part& part);
  void send(Part part, std::size_t host);
  [[nodiscard]] HttpRequest request_for(const Part& part, std::size_t host) const;
  void on_reply(std::uint64_t flight_id, HttpReply reply);
  void enqueue(Part part);
  void resolve(std::uint64_t job, std::size_t items);
  void end_drain();
  void read_credentials();

  // elastic_verdict.cc: what a reply means.
  void judge(Flight& flight, const HttpReply& reply);
  void on_answer(Flight& flight, const HttpReply& reply);
  void apply(Flight& flight, const BulkVerdict& verdict, const HttpReply& reply);
  void on_items_accepted(std::size_t items, const Flight& flight);
  void on_host_failure(Flight& flight, const HttpReply& reply);
  void on_not_understood(Flight& flight, const Error& error);
  void on_unauthorized(Flight& flight, int code);
  void on_too_large(Flight& flight);
  void on_reply_too_large(Flight& flight);
  void on_refused(Flight& flight, int code);
  void retry_halves(const Part& part);
  void retry_part(Part part, bool waits_for_host, const HttpReply& reply);
  void bury(const Part& part, const RefusedItem& refused);

  const ElasticOptions options_;
  const ElasticHooks hooks_;
  const Clock& clock_;
  HttpPoster& poster_;
  Log& log_;
  const bool strict_;

  std::map<std::uint64_t, Job> jobs_;  // by number of acceptance
  std::uint64_t next_job_ = 1;
  PartQueue queue_;
  std::map<std::uint64_t, Flight> flights_;  // nodes do not move: requests point into their bodies
  std::uint64_t next_flight_ = 1;
  std::size_t queued_bytes_ = 0;  // of parts, waiting or in flight

  HostPool hosts_;
  Concurrency concurrency_;
  DeadLetterQueue dead_letters_;
  BulkReply reply_;
  Gzip gzip_;

  std::vector<std::string> headers_;
  bool credentials_stale_ = true;
  int unauthorized_ = 0;  // failures in a row
  std::int64_t unauthorized_ns_ = 0;
  std::int64_t gate_ns_ = 0;  // nothing is sent before
  std::int64_t last_accepted_ns_ = -1;
  std::size_t body_bytes_max_ = 0;

  ElasticStats stats_;
  bool stopped_ = false;
  std::function<void(bool)> drained_;
  std::int64_t deadline_ns_ = 0;
  Timer wake_;
  Timer deadline_;
};

}  // namespace tapewatch

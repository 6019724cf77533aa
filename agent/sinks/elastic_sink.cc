// SPDX-License-Identifier: Apache-2.0
#include "sinks/elastic_sink.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tapewatch {

ElasticSink::ElasticSink(ElasticOptions options, ElasticHooks hooks, Scheduler& scheduler, const Clock& clock,
                         HttpPoster& poster, Log& log)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      clock_(clock),
      poster_(poster),
      log_(log),
      strict_(options_.concurrency_max == 1),
      hosts_(options_.hosts, options_.backoff, hooks_.random),
      concurrency_(options_.concurrency_max),
      dead_letters_({options_.dead_letters_in_flight_max, options_.backoff}, hooks_.dead_letter, hooks_.random,
                    scheduler, log),
      gzip_(options_.gzip_level.value_or(1)),
      wake_(scheduler, [this] { pump(); }),
      deadline_(scheduler, [this] { end_drain(); }) {
  CHECK(hooks_.acked);
}

ElasticSink::~ElasticSink() {
  for (const auto& [id, flight] : flights_) poster_.cancel(flight.http);
}

void ElasticSink::accept(Batch batch) {
  if (stopped_) return;  // never acknowledged, so it is read again
  const std::uint64_t id = next_job_++;
  Job& job = jobs_[id];
  job.unresolved = batch.items.size();
  job.delivered = Delivered{batch.number, std::move(batch.spans), batch.oldest_read_ns, batch.items.size()};
  Part part;
  part.job = id;
  part.bulk = Bulk{std::move(batch.body), std::move(batch.items), std::move(batch.compressed)};
  if (part.bulk.items.empty()) {
    resolve(id, 0);  // all its lines were dropped with a counter; only the positions move on
  } else {
    enqueue(std::move(part));
  }
  pump();
}

void ElasticSink::drain(std::int64_t deadline_ns, std::function<void(bool all_resolved)> done) {
  CHECK(!drained_);
  drained_ = std::move(done);
  deadline_ns_ = deadline_ns;
  const std::int64_t left_ns = deadline_ns - clock_.steady_ns();
  deadline_.start(std::chrono::nanoseconds(jobs_.empty() ? 0 : std::max<std::int64_t>(left_ns, 0)));
}

void ElasticSink::end_drain() {
  const std::int64_t left_ns = deadline_ns_ - clock_.steady_ns();
  if (!jobs_.empty() && left_ns > 0) return deadline_.start(std::chrono::nanoseconds(left_ns));
  stopped_ = true;
  wake_.stop();
  deadline_.stop();
  for (const auto& [id, flight] : flights_) poster_.cancel(flight.http);
  flights_.clear();
  if (const auto done = std::exchange(drained_, nullptr)) done(jobs_.empty());
}

ElasticStats ElasticSink::stats() const {
  ElasticStats stats = stats_;
  stats.unauthorized = unauthorized_ > 0;
  stats.concurrency_limit = concurrency_.limit();
  stats.in_flight = flights_.size();
  stats.queued_bytes = queued_bytes();
  stats.queued_batches = jobs_.size();
  stats.dead_letters_waiting = dead_letters_.waiting();
  stats.dead_letter_failures = dead_letters_.failures();
  stats.hosts_healthy = hosts_.healthy();
  stats.body_bytes_max = body_bytes_max_;
  return stats;
}

// While credentials are refused, one request at a time asks whether they still are.
int ElasticSink::flights_max() const { return unauthorized_ > 0 ? 1 : concurrency_.limit(); }

void ElasticSink::pump() {
  if (stopped_) return;
  const std::int64_t now_ns = clock_.steady_ns();
  while (std::cmp_less(flights_.size(), flights_max()) && gate_ns_ <= now_ns && queue_.has_ready(now_ns, strict_)) {
    // In order means: nothing of a later batch while an earlier one is under way.
    const std::optional<std::size_t> host = hosts_.take(now_ns);
    if (!host) break;
    send(*queue_.take(now_ns, strict_), *host);
  }
  arm_wake(now_ns);
}

void ElasticSink::arm_wake(std::int64_t now_ns) {
  std::int64_t next_ns = gate_ns_;
  if (next_ns <= now_ns) {
    for (const std::optional<std::int64_t> at : {queue_.next_ns(now_ns), hosts_.next_ns(now_ns)}) {
      if (at && (next_ns <= now_ns || *at < next_ns)) next_ns = *at;
    }
  }
  if (next_ns > now_ns && queue_.size() > 0) {
    wake_.start(std::chrono::nanoseconds(next_ns - now_ns));
  } else {
    wake_.stop();
  }
}

void ElasticSink::enqueue(Part part) {
  queued_bytes_ += part.bulk.bytes();
  queue_.push(std::move(part));
}

// Cuts a part down to what the engine is known to take.
void ElasticSink::fit_limit(Part& part) {
  while (body_bytes_max_ > 0 && part.bulk.body.size() > body_bytes_max_ && part.bulk.items.size() > 1) {
    auto [first, second] = halve(part.bulk);
    Part rest = part;
    rest.place += first.items.size();
    rest.bulk = std::move(second);
    part.bulk = std::move(first);
    enqueue(std::move(rest));
  }
}

void ElasticSink::send(Part part, std::size_t host) {
  queued_bytes_ -= part.bulk.bytes();
  fit_limit(part);
  if (options_.gzip_level && part.bulk.compressed.empty()) gzip_.compress(part.bulk.body, part.bulk.compressed);
  if (!options_.gzip_level) part.bulk.compressed.clear();
  queued_bytes_ += part.bulk.bytes();
  if (credentials_stale_) read_credentials();

  const std::uint64_t id = next_flight_++;
  Flight& flight = flights_[id];
  flight.part = std::move(part);
  flight.host = host;
  flight.started_ns = clock_.steady_ns();
  stats_.bytes_sent += flight.part.bulk.wire().size();
  flight.http =
      poster_.send(request_for(flight.part, host), [this, id](HttpReply reply) { on_reply(id, std::move(reply)); });
}

HttpRequest ElasticSink::request_for(const Part& part, std::size_t host) const {
  HttpRequest request;
  request.url = hosts_.at(host).url + (options_.index.empty() ? "" : "/" + options_.index) + "/_bulk";
  request.headers = headers_;
  request.headers.emplace_back("Content-Type: application/x-ndjson");
  if (!part.bulk.compressed.empty()) request.headers.emplace_back("Content-Encoding: gzip");
  request.body = part.bulk.wire();
  request.tls = &options_.tls;
  request.connect_timeout = options_.connect_timeout;
  request.total_timeout = options_.request_timeout;
  request.reply_bytes_max = std::min(options_.reply_bytes_base + options_.reply_bytes_per_item * part.bulk.items.size(),
                                     options_.reply_bytes_cap);
  return request;
}

void ElasticSink::read_credentials() {
  if (!hooks_.authorization) {
    credentials_stale_ = false;
    return;
  }
  Result<std::string> value = hooks_.authorization();
  if (!value) {
    // Those from before are tried on; with each request they are read again.
    log_.error("credentials cannot be read", {{"error.message", value.error().message}});
    return;
  }
  headers_.clear();
  if (!value->empty()) headers_.push_back("Authorization: " + *value);
  credentials_stale_ = false;
}

void ElasticSink::on_reply(std::uint64_t flight_id, HttpReply reply) {
  const auto found = flights_.find(flight_id);
  CHECK(found != flights_.end());
  Flight flight = std::move(found->second);
  flights_.erase(found);
  queued_bytes_ -= flight.part.bulk.bytes();
  // A refusal counts even when its text broke off; an acceptance must be whole.
  if (reply.code >= 400) reply.error.reset();
  const int code = reply.error ? 0 : reply.code;
  ++stats_.requests[code];
  if (hooks_.request_done) hooks_.request_done(code, reply.elapsed);
  judge(flight, reply);
  pump();
}

void ElasticSink::resolve(std::uint64_t job, std::size_t items) {
  const auto found = jobs_.find(job);
  CHECK(found != jobs_.end() && found->second.unresolved >= items);
  found->second.unresolved -= items;
  if (found->second.unresolved > 0) return;
  const Delivered delivered = std::move(found->second.delivered);
  jobs_.erase(found);
  hooks_.acked(delivered);
  // Not from inside the reply: `done` may destroy this sink.
  if (drained_ && jobs_.empty()) deadline_.start({});
}

}  // namespace tapewatch

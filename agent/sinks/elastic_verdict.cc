// SPDX-License-Identifier: Apache-2.0
// What the sink does about a reply: the rules of delivery, one function a case.
#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "sinks/elastic_sink.h"

namespace tapewatch {
namespace {

// Refusals that are not about the document: somebody has to mend the engine or its rights, and then it will be taken.
bool is_engine_trouble(const RefusedItem& refused) {
  static constexpr std::array<std::string_view, 3> types = {"cluster_block_exception", "index_not_found_exception",
                                                            "security_exception"};
  return refused.status == 401 || refused.status == 403 ||
         std::find(types.begin(), types.end(), refused.type) != types.end();
}

// Two requests that bring the same new field at once, with values of two types: the one that comes second is refused,
// although its value would be taken once the field is there.
bool is_mapping_race(const RefusedItem& refused) {
  return refused.status == 400 && refused.type == "illegal_argument_exception" &&
         refused.reason.find("cannot be changed from type") != std::string::npos;
}

bool is_final(const RefusedItem& refused) {
  return refused.status >= 400 && refused.status < 500 && refused.status != 429 && !is_engine_trouble(refused);
}

}  // namespace

void ElasticSink::judge(Flight& flight, const HttpReply& reply) {
  if (reply.error) {
    if (reply.error->code == Code::limit) return on_reply_too_large(flight);
    log_.warn("request to the engine failed",
              {{"url.original", hosts_.at(flight.host).name}, {"error.message", reply.error->message}});
    return on_host_failure(flight, reply);
  }
  const int code = reply.code;
  if (code == 200) return on_answer(flight, reply);
  if (code == 401 || code == 403) return on_unauthorized(flight, code);
  if (code == 413) return on_too_large(flight);
  if (code == 400 || code == 422) return on_refused(flight, code);
  log_.warn("the engine did not take a request",
            {{"url.original", hosts_.at(flight.host).name}, {"http.response.status_code", code}});
  on_host_failure(flight, reply);
}

void ElasticSink::on_answer(Flight& flight, const HttpReply& reply) {
  Result<BulkVerdict> verdict = reply_.read(reply.body, flight.part.bulk);
  if (!verdict) return on_not_understood(flight, verdict.error());
  const bool recovered = hosts_.at(flight.host).failures > 0 || unauthorized_ > 0;
  hosts_.succeeded(flight.host);
  unauthorized_ = 0;
  if (recovered) {
    log_.info("the engine takes requests again", {{"url.original", hosts_.at(flight.host).name}});
    queue_.host_recovered(clock_.steady_ns());
  }
  apply(flight, *verdict, reply);
}

void ElasticSink::apply(Flight& flight, const BulkVerdict& verdict, const HttpReply& reply) {
  const std::size_t accepted = verdict.created + verdict.duplicate;
  stats_.items_created += verdict.created;
  stats_.items_duplicate += verdict.duplicate;
  std::vector<std::uint32_t> again;
  bool throttled = false;
  bool blocked = false;
  bool raced = false;
  for (const RefusedItem& refused : verdict.refused) {
    const bool race = is_mapping_race(refused) && !flight.part.second_chance;
    if (is_final(refused) && !race) {
      bury(flight.part, refused);
      continue;
    }
    again.push_back(refused.item);
    raced = raced || race;
    throttled = throttled || refused.status == 429 || refused.status >= 500;
    blocked = blocked || is_engine_trouble(refused);
  }
  if (blocked && !stats_.blocked)
    log_.error("the engine takes no writes into the index, trying on", {{"index", options_.index}});
  stats_.blocked = blocked;
  const std::int64_t now_ns = clock_.steady_ns();
  if (throttled) {
    concurrency_.refused(flight.started_ns, now_ns);
  } else {
    concurrency_.succeeded(flight.started_ns, now_ns, static_cast<int>(flights_.size()) + 1);
  }
  if (!again.empty()) {
    stats_.items_retried += again.size();
    Part rest = std::move(flight.part);
    if (again.size() < rest.bulk.items.size()) rest.bulk = copy_items(rest.bulk, again);
    rest.place += again.front();
    rest.second_chance = rest.second_chance || raced;
    if (again.size() < accepted + verdict.refused.size()) rest.attempts = 0;
    const std::uint64_t job = rest.job;
    retry_part(std::move(rest), false, reply);
    flight.part.job = job;
  }
  on_items_accepted(accepted, flight);
}

void ElasticSink::on_items_accepted(std::size_t items, const Flight& flight) {
  if (items == 0) return;
  last_accepted_ns_ = clock_.steady_ns();
  stats_.last_accepted_wall_ns = clock_.wall_ns();
  resolve(flight.part.job, items);
}

void ElasticSink::on_host_failure(Flight& flight, const HttpReply& reply) {
  const std::int64_t now_ns = clock_.steady_ns();
  hosts_.failed(flight.host, flight.started_ns, now_ns,
                parse_retry_after(reply.retry_after, reply.date, clock_.wall_ns(), options_.retry_after_max));
  concurrency_.refused(flight.started_ns, now_ns);
  // With another host that is well, the part goes there at once.
  const bool alone = hosts_.healthy() == 0;
  if (!alone) {
    ++flight.part.attempts;
    flight.part.ready_ns = now_ns;
    return enqueue(std::move(flight.part));
  }
  retry_part(std::move(flight.part), true, HttpReply{});
}

void ElasticSink::on_not_understood(Flight& flight, const Error& error) {
  ++stats_.replies_not_understood;
  log_.warn("the reply to a bulk request cannot be understood, sending it again",
            {{"url.original", hosts_.at(flight.host).name}, {"error.message", error.message}});
  hosts_.failed(flight.host, flight.started_ns, clock_.steady_ns(), std::nullopt);
  retry_part(std::move(flight.part), false, HttpReply{});
}

void ElasticSink::on_unauthorized(Flight& flight, int code) {
  hosts_.released(flight.host);
  const std::int64_t now_ns = clock_.steady_ns();
  // Requests that were in flight together are refused together.
  if (unauthorized_ == 0 || flight.started_ns >= unauthorized_ns_) {
    ++unauthorized_;
    unauthorized_ns_ = now_ns;
    gate_ns_ = now_ns + backoff_delay(options_.backoff, unauthorized_, hooks_.random).count();
    credentials_stale_ = true;
    log_.error("the engine refuses our credentials, delivery is paused", {{"http.response.status_code", code}});
  }
  flight.part.ready_ns = now_ns;
  enqueue(std::move(flight.part));
}

void ElasticSink::on_too_large(Flight& flight) {
  hosts_.succeeded(flight.host);
  ++stats_.requests_too_large;
  if (flight.part.bulk.items.size() == 1) {
    return bury(flight.part, RefusedItem{0, 413, "too_large", "the document alone is larger than the engine takes"});
  }
  const std::size_t half = flight.part.bulk.body.size() / 2;
  body_bytes_max_ = body_bytes_max_ == 0 ? half : std::min(body_bytes_max_, half);
  log_.warn("the engine finds a request too large, halving it", {{"bytes", half}});
  retry_halves(flight.part);
}

void ElasticSink::on_reply_too_large(Flight& flight) {
  hosts_.released(flight.host);
  ++stats_.replies_not_understood;
  log_.warn("the reply to a bulk request is larger than allowed", {{"items", flight.part.bulk.items.size()}});
  if (flight.part.bulk.items.size() > 1) return retry_halves(flight.part);
  retry_part(std::move(flight.part), false, HttpReply{});
}

// A whole request called malformed. When others are taken meanwhile it must be something in this one: halves find it.
// When nothing is taken it is the way of asking (a wrong index name), and cutting or burying would only hide that.
void ElasticSink::on_refused(Flight& flight, int code) {
  hosts_.released(flight.host);
  ++stats_.requests_refused;
  log_.error("the engine calls a whole request malformed", {{"http.response.status_code", code}});
  Part& part = flight.part;
  const bool others_pass = part.refused_ns > 0 && last_accepted_ns_ > part.refused_ns;
  if (part.bulk.items.size() == 1 && others_pass) {
    return bury(part, RefusedItem{0, code, "request_refused", "the request with this document alone was refused"});
  }
  if (part.refused_ns == 0) part.refused_ns = std::max<std::int64_t>(clock_.steady_ns(), 1);
  constexpr int strict_attempts = 3;  // in strict order nothing else can pass while this part waits
  const bool once_passed = last_accepted_ns_ >= 0 && part.attempts >= strict_attempts;
  if (part.bulk.items.size() > 1 && (others_pass || once_passed)) {
    part.attempts = 0;
    return retry_halves(part);
  }
  retry_part(std::move(part), false, HttpReply{});
}

void ElasticSink::retry_halves(const Part& part) {
  auto [first, second] = halve(part.bulk);
  const std::size_t cut = first.items.size();
  for (Bulk* bulk : {&first, &second}) {
    Part half;
    half.job = part.job;
    half.place = part.place + (bulk == &first ? 0 : cut);
    half.refused_ns = part.refused_ns;
    half.ready_ns = clock_.steady_ns();
    half.bulk = std::move(*bulk);
    enqueue(std::move(half));
  }
}

void ElasticSink::retry_part(Part part, bool waits_for_host, const HttpReply& reply) {
  const std::int64_t now_ns = clock_.steady_ns();
  ++part.attempts;
  part.waits_for_host = waits_for_host;
  part.ready_ns = now_ns + backoff_delay(options_.backoff, part.attempts, hooks_.random).count();
  const auto retry_after = parse_retry_after(reply.retry_after, reply.date, clock_.wall_ns(), options_.retry_after_max);
  if (retry_after) part.ready_ns = std::max(part.ready_ns, now_ns + retry_after->count());
  enqueue(std::move(part));
}

void ElasticSink::bury(const Part& part, const RefusedItem& refused) {
  ++stats_.items_rejected;
  const BulkItem item = split_item(part.bulk.item(refused.item));
  RefusedDocument letter;
  letter.id = id_of_action(item.action);
  letter.action = item.action;
  letter.document = item.document;
  letter.status = refused.status;
  letter.type = refused.type;
  letter.reason = refused.reason;
  letter.wall_ns = clock_.wall_ns();
  dead_letters_.push(std::move(letter), [this, job = part.job] {
    ++stats_.items_dead_lettered;
    resolve(job, 1);
  });
}

}  // namespace tapewatch

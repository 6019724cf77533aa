// SPDX-License-Identifier: Apache-2.0
#include "http/live_tail.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "http/api.h"
#include "http/event_json.h"
#include "http/query_params.h"

namespace tapewatch {

LiveTail::LiveTail(Options options, Scheduler& scheduler, SearchBackend* backend, AgentMetrics& metrics)
    : options_(options), backend_(backend), metrics_(metrics), timer_(scheduler, [this] { on_tick(); }) {}

std::variant<LiveTail::ClientId, HttpAnswer> LiveTail::join(std::string_view query, std::string_view last_event_id,
                                                            Client client) {
  if (backend_ == nullptr) return no_store_problem();
  if (watchers_.size() >= options_.clients_max) return problem(503, "too many live tails are open");
  const Result<QueryParams> params = QueryParams::parse(query, {"query", "since"});
  if (!params) return search_problem(params.error());
  const std::int64_t newest = backend_->newest();
  // A browser that comes back asks for what follows the last event it saw. A number from another life of the store is
  // larger than any: then from now on.
  Result<std::int64_t> since = params->number("since", 0, INT64_MAX, newest);
  if (!since) return search_problem(since.error());
  std::int64_t last = 0;
  const char* const end = last_event_id.data() + last_event_id.size();
  if (const auto [at, fault] = std::from_chars(last_event_id.data(), end, last);
      fault == std::errc() && at == end && last >= 0) {
    since = last;
  }
  std::variant<SearchBackend::Filter, QueryFault> filter = backend_->compile(params->text("query"));
  if (const auto* fault = std::get_if<QueryFault>(&filter)) return search_problem(*fault);
  Watcher watcher;
  watcher.client = std::move(client);
  watcher.filter = std::get<SearchBackend::Filter>(std::move(filter));
  watcher.sequence = std::min(*since, newest);
  watchers_.emplace(next_id_, std::move(watcher));
  metrics_.http_tail_clients.set(static_cast<double>(watchers_.size()));
  if (!timer_.running()) timer_.start(options_.tick, options_.tick);
  return next_id_++;
}

void LiveTail::leave(ClientId id) {
  watchers_.erase(id);
  metrics_.http_tail_clients.set(static_cast<double>(watchers_.size()));
  if (watchers_.empty()) timer_.stop();
}

void LiveTail::on_tick() {
  // One read for all that stand at the same place, which after the first tick is everybody who keeps up.
  std::map<std::int64_t, LiveRead> reads;
  std::vector<std::function<void()>> ends;
  for (auto& [id, watcher] : watchers_) {
    auto [it, fresh] = reads.try_emplace(watcher.sequence);
    if (fresh) it->second = backend_->read_since(watcher.sequence, options_.events_per_tick_max);
    serve(watcher, it->second);
    watcher.stalled_ticks = watcher.skipped > 0 ? watcher.stalled_ticks + 1 : 0;
    if (watcher.stalled_ticks * options_.tick >= options_.stall) ends.push_back(watcher.client.end);
  }
  for (const std::function<void()>& end : ends) end();
}

void LiveTail::serve(Watcher& watcher, const LiveRead& read) {
  if (read.missed > 0) skip(watcher, static_cast<std::uint64_t>(read.missed));
  std::string out;
  const std::size_t pending = watcher.client.pending_bytes();
  for (const LogDocument& document : read.documents) {
    if (!watcher.filter(document.json)) continue;
    // The line is an upper bound of what the document becomes, near enough.
    if (pending + out.size() + document.json.size() > options_.client_pending_bytes_max) {
      skip(watcher, 1);
      continue;
    }
    out.append("id: ").append(std::to_string(document.sequence)).append("\ndata: ");
    append_event_json(out, document);
    out.append("\n\n");
  }
  watcher.sequence = read.sequence;
  if (watcher.skipped > 0 && pending + out.size() < options_.client_pending_bytes_max) {
    out.append("event: skipped\ndata: {\"skipped\":");
    append_json_uint(out, std::exchange(watcher.skipped, 0));
    out.append("}\n\n");
  }
  watcher.quiet_ticks = out.empty() ? watcher.quiet_ticks + 1 : 0;
  if (watcher.quiet_ticks * options_.tick >= options_.heartbeat && pending == 0) {
    watcher.quiet_ticks = 0;
    out.append(": quiet\n\n");
  }
  if (!out.empty()) watcher.client.write(std::move(out));
}

void LiveTail::skip(Watcher& watcher, std::uint64_t events) {
  watcher.skipped += events;
  metrics_.http_tail_skipped.add(events);
}

}  // namespace tapewatch

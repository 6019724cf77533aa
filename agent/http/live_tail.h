// SPDX-License-Identifier: Apache-2.0
#pragma once
// LiveTail: new events to everybody who watches, as server-sent events. The newest documents are read once a tick for
// all clients together; each client has a filter of its own and a bounded buffer. Who is too slow, or asks for more
// than a tick may carry, loses events, and is told how many ("skipped"). Owned by the front door. Thread: loop.
//
//   id: 17                      the sequence; sent back as Last-Event-ID it goes on from there
//   data: {...}                 the document
//
//   event: skipped
//   data: {"skipped":12}

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "http/answer.h"
#include "http/search_backend.h"
#include "loop/scheduler.h"
#include "metrics/agent_metrics.h"

namespace tapewatch {

class LiveTail final {
 public:
  struct Options {
    std::chrono::milliseconds tick{100};
    std::size_t events_per_tick_max = 250;  // read, and held against every filter
    std::size_t clients_max = 16;
    std::size_t client_pending_bytes_max = 256 * 1024;
    std::chrono::milliseconds heartbeat{15000};  // a comment, so that proxies keep a quiet stream
    std::chrono::milliseconds stall{60000};      // a client that takes nothing for so long is ended
  };
  // How a client is reached, until leave(). `end` makes its owner call leave().
  struct Client {
    std::function<void(std::string)> write;
    std::function<std::size_t()> pending_bytes;
    std::function<void()> end;
  };
  using ClientId = std::uint64_t;

  // `backend` may be null. The references outlive the tail.
  LiveTail(Options options, Scheduler& scheduler, SearchBackend* backend, AgentMetrics& metrics);

  // Takes a client in, from the query of its address and its Last-Event-ID; or says why not. Writes nothing before the
  // next tick.
  [[nodiscard]] std::variant<ClientId, HttpAnswer> join(std::string_view query, std::string_view last_event_id,
                                                        Client client);
  void leave(ClientId id);

 private:
  struct Watcher {
    Client client;
    SearchBackend::Filter filter;
    std::int64_t sequence = 0;  // sees what comes after it
    std::uint64_t skipped = 0;  // not yet told
    int quiet_ticks = 0;
    int stalled_ticks = 0;
  };
  void on_tick();
  void serve(Watcher& watcher, const LiveRead& read);
  void skip(Watcher& watcher, std::uint64_t events);

  const Options options_;
  SearchBackend* const backend_;
  AgentMetrics& metrics_;
  std::map<ClientId, Watcher> watchers_;
  ClientId next_id_ = 1;
  Timer timer_;
};

}  // namespace tapewatch

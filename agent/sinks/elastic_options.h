// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the Elasticsearch sink is told, what it tells, and what it counts. Plain data.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loop/http_client.h"
#include "sinks/backoff.h"
#include "sinks/sink.h"

namespace tapewatch {

struct ElasticOptions {
  std::vector<std::string> hosts;  // "http://localhost:9200", "https://es.example/prefix"
  // Index or data stream of every document; empty: each action line names its own.
  std::string index = "logs-tapewatch.app-default";
  std::optional<int> gzip_level;  // 0 or 1; nullopt: bodies go as they are
  TlsOptions tls;
  BackoffOptions backoff;
  std::chrono::nanoseconds retry_after_max = std::chrono::minutes(5);
  int concurrency_max = 4;  // 1: batches arrive strictly in order
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{90'000};
  // The longest reply that is read: base and so much per item, and never more than the cap.
  std::size_t reply_bytes_base = std::size_t{1} << 20;
  std::size_t reply_bytes_per_item = 1024;
  std::size_t reply_bytes_cap = std::size_t{16} << 20;
  std::size_t dead_letters_in_flight_max = 64;
};

struct ElasticHooks {
  std::function<void(const Delivered&)> acked;  // required
  DeadLetterStore dead_letter;                  // required
  // Value of the Authorization header ("" for none): asked at the start, and again after each 401 or 403, so that a
  // credential that was exchanged on disk is found. May be empty.
  std::function<Result<std::string>()> authorization;
  // Each request that ended: HTTP status, 0 without one. May be empty.
  std::function<void(int code, std::chrono::nanoseconds elapsed)> request_done;
  Random random = random_unit;
};

struct ElasticStats {
  std::uint64_t items_created = 0;
  std::uint64_t items_duplicate = 0;      // the engine had them already: 409
  std::uint64_t items_retried = 0;        // verdicts after which an item was queued again, request by request
  std::uint64_t items_rejected = 0;       // refused for good
  std::uint64_t items_dead_lettered = 0;  // of those, written durably
  std::map<int, std::uint64_t> requests;  // by HTTP status; 0: no reply
  std::uint64_t bytes_sent = 0;           // request bodies, as they went over the wire
  std::uint64_t replies_not_understood = 0;
  std::uint64_t requests_too_large = 0;  // 413
  std::uint64_t requests_refused = 0;    // 400 and 422 for a whole request
  std::uint64_t dead_letter_failures = 0;
  std::int64_t last_accepted_wall_ns = 0;  // when the engine last took an item; 0: never
  // As of now.
  bool unauthorized = false;  // the engine refuses our credentials; nothing is delivered until it takes them
  bool blocked = false;       // the engine takes no writes into this index (read-only, missing, not allowed)
  int concurrency_limit = 1;
  std::size_t in_flight = 0;
  std::size_t queued_bytes = 0;
  std::size_t queued_batches = 0;
  std::size_t dead_letters_waiting = 0;
  std::size_t hosts_healthy = 0;
  std::size_t body_bytes_max = 0;  // learnt from 413; 0: no limit met
};

}  // namespace tapewatch

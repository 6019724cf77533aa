// SPDX-License-Identifier: Apache-2.0
#pragma once
// AlertSink: delivers alerts to a webhook, one after the other in their order, again with backoff until each is taken.
// Its queue is bounded: when it is full the oldest waiting alert is dropped and counted, because the newest says more
// about now; the store and Elasticsearch have them all. What waits is handed out to be kept with the state of the rules
// and taken back after a restart; what was taken is remembered, so that nothing is told anew because its lines are read
// again. Owned by the wiring. Thread: loop.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "event/alert.h"
#include "loop/http_client.h"
#include "loop/scheduler.h"
#include "sinks/backoff.h"
#include "sinks/taken_alerts.h"

namespace tapewatch {

struct AlertSinkOptions {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"
  // Signs each request when set: "X-Tapewatch-Signature: t=<seconds since 1970>,v1=<hex>", the hex being HMAC-SHA-256
  // of
  // "<t>.<body>" with this key.
  std::string hmac_key;
  TlsOptions tls;
  std::string taken_file;  // "": what was taken is forgotten with the process
  std::size_t taken_max = 10'000;
  std::size_t queue_count_max = 1000;
  std::size_t queue_bytes_max = std::size_t{4} << 20;
  BackoffOptions backoff;
  std::chrono::nanoseconds retry_after_max = std::chrono::minutes(5);
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{15'000};
};

struct AlertSinkStats {
  std::uint64_t delivered = 0;
  std::uint64_t retried = 0;
  std::uint64_t dropped = 0;   // the queue was full
  std::uint64_t rejected = 0;  // the receiver refused it for good
  std::uint64_t known = 0;     // taken in an earlier life already
  std::size_t queued = 0;
  std::size_t queued_bytes = 0;
};

// As it is sent.
struct AlertMessage {
  std::string id;
  std::string body;
  friend bool operator==(const AlertMessage&, const AlertMessage&) = default;
};

class AlertSink final {
 public:
  AlertSink(AlertSinkOptions options, Scheduler& scheduler, const Clock& clock, HttpPoster& poster, Log& log,
            Random random = random_unit);
  ~AlertSink();
  AlertSink(const AlertSink&) = delete;
  AlertSink& operator=(const AlertSink&) = delete;

  void deliver(const Alert& alert);
  void deliver(AlertMessage message);
  // What is not taken yet, oldest first.
  [[nodiscard]] const std::deque<AlertMessage>& waiting() const { return queue_; }
  // Calls `done` when everything is delivered, or at the deadline of the steady clock; `done` may destroy this.
  void drain(std::int64_t deadline_ns, std::function<void(bool all_delivered)> done);
  [[nodiscard]] AlertSinkStats stats() const;

 private:
  void send();
  void on_reply(const HttpReply& reply);
  void pop();
  void make_room(std::size_t bytes);

  const AlertSinkOptions options_;
  const Random random_;
  const Clock& clock_;
  HttpPoster& poster_;
  Log& log_;
  TakenAlerts taken_;
  std::deque<AlertMessage> queue_;  // the first is the one that is being sent or waits for its retry
  std::size_t queued_bytes_ = 0;
  HttpId pending_ = 0;
  int attempts_ = 0;
  AlertSinkStats stats_;
  std::function<void(bool)> drained_;
  Timer retry_;
  Timer deadline_;
};

}  // namespace tapewatch

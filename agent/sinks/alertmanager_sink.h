// SPDX-License-Identifier: Apache-2.0
#pragma once
// AlertmanagerSink: keeps every configured Alertmanager up to date with what is firing (POST /api/v2/alerts). What is
// sent is a state, not a message: an alert goes out at once, again every minute with an end four minutes ahead, and,
// when it is over, with its true end for five minutes. Alerts with the same labels are one to an Alertmanager, and last
// until the last of them is over. One that ended before an Alertmanager heard of it is told as firing first, or nobody
// would be notified.
//
// What is firing, or over and not yet told, is bounded and stands in a file, so that it survives an outage of an
// Alertmanager and a restart of ours. Alerts that stood there and that the rules do not confirm end after a while.
// Owned by the wiring. Thread: loop.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/state_bytes.h"
#include "event/alert.h"
#include "loop/http_client.h"
#include "loop/scheduler.h"
#include "sinks/backoff.h"

namespace tapewatch {

struct AlertmanagerOptions {
  std::vector<std::string> urls;     // of every Alertmanager, without /api/v2/alerts; at most 32
  std::vector<std::string> headers;  // "Name: value"
  std::string service;
  std::string instance;
  std::string state_file;  // "": what is firing lives in memory only
  TlsOptions tls;
  std::size_t alerts_max = 10'000;
  std::size_t request_alerts_max = 500;
  std::chrono::nanoseconds ahead = std::chrono::minutes(4);     // how long an alert lasts if we say no more
  std::chrono::nanoseconds resend = std::chrono::minutes(1);    // what is firing, or was just over
  std::chrono::nanoseconds end_told = std::chrono::minutes(5);  // how long an end is told
  std::chrono::nanoseconds unconfirmed_max = std::chrono::minutes(15);
  BackoffOptions backoff;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{15'000};
};

struct AlertmanagerStats {
  std::uint64_t delivered = 0;    // alerts, to one Alertmanager each
  std::uint64_t retried = 0;      // requests
  std::uint64_t rejected = 0;     // requests that were refused
  std::uint64_t dropped = 0;      // there were too many
  std::uint64_t unconfirmed = 0;  // stood in the file, and ended because no rule told them again
  std::uint64_t unsaved = 0;      // the file could not be written
  std::size_t firing = 0;
  std::size_t held = 0;  // with those that are over
};

class AlertmanagerSink final {
 public:
  // Reads the file; one that is broken is told and left out.
  AlertmanagerSink(AlertmanagerOptions options, Scheduler& scheduler, const Clock& clock, HttpPoster& poster, Log& log,
                   Random random = random_unit);
  ~AlertmanagerSink();
  AlertmanagerSink(const AlertmanagerSink&) = delete;
  AlertmanagerSink& operator=(const AlertmanagerSink&) = delete;

  void deliver(const Alert& alert);
  // The rules still have it firing, as they knew before a restart. One that ended here since stays over.
  void confirm(const Alert& alert);
  // Writes the file, and calls `done` when every Alertmanager knows all, or at the deadline of the steady clock.
  void drain(std::int64_t deadline_ns, std::function<void(bool all_delivered)> done);
  [[nodiscard]] AlertmanagerStats stats() const;

 private:
  // What one Alertmanager knows of an alert.
  struct Known {
    bool firing = false;
    bool end = false;
    bool current = false;      // nothing has changed since
    std::int64_t sent_ns = 0;  // steady
  };
  struct Held {
    std::string labels;       // JSON
    std::string annotations;  // JSON, of the alert told last
    std::int64_t starts_ns = 0;
    std::int64_t ends_ns = 0;      // 0: firing
    std::int64_t over_ns = 0;      // steady, when it ended
    std::int64_t restored_ns = 0;  // steady, when it was read from the file; 0: a rule has told it
    std::set<Hash128> ids;
    std::vector<Known> known;  // in step with peers_
  };
  struct Peer {
    std::string url;
    HttpId pending = 0;
    std::string body;
    std::vector<std::pair<std::string, bool>> sent;  // labels, and whether its end was told
    int attempts = 0;
    std::unique_ptr<Timer> retry;
  };
  using Alerts = std::map<std::string, Held>;

  void fire(const Alert& alert);
  void resolve(const Alert& alert);
  void changed(Held& held);
  bool make_room();
  void tick();
  void forget();
  [[nodiscard]] bool due(const Held& held, std::size_t peer) const;
  void send(std::size_t peer);
  void append(std::string& body, const Held& held, bool as_ended) const;
  void on_reply(std::size_t peer, const HttpReply& reply);
  void mark_sent(std::size_t peer);
  void check_drained();
  void load();
  void load_one(StateReader& in);
  void save();

  const AlertmanagerOptions options_;
  const Random random_;
  const Clock& clock_;
  HttpPoster& poster_;
  Log& log_;
  Alerts alerts_;  // by labels
  std::vector<Peer> peers_;
  AlertmanagerStats stats_;
  bool unsaved_ = false;
  std::function<void(bool)> drained_;
  Timer tick_;
  Timer deadline_;
};

// The labels of an alert as JSON: the same for the same alert.
[[nodiscard]] std::string alertmanager_labels(const Alert& alert, const std::string& service,
                                              const std::string& instance);

}  // namespace tapewatch

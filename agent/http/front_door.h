// SPDX-License-Identifier: Apache-2.0
#pragma once
// FrontDoor: the only part of the agent that listens. It takes connections and requests in under limits of count, bytes
// and time, checks who asks, answers what concerns the loop (health, reload, live tail), and hands the rest to a few
// threads that ask the API server. No GET changes anything. Owned by the wiring. Thread: loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "http/access_guard.h"
#include "http/api_server.h"
#include "http/live_tail.h"
#include "http/routes.h"
#include "http/session.h"
#include "http/status.h"
#include "http/worker_pool.h"
#include "loop/connection.h"
#include "loop/loop.h"
#include "metrics/agent_metrics.h"
#include "tapewatch/result.h"

namespace tapewatch {

struct HttpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 9600;  // 0: any free one
  std::string token;          // "" for none; needed beyond loopback
  std::vector<std::string> allowed_hosts;
  std::size_t connections_max = 256;
  std::size_t pending_bytes_max = 32u << 20;  // of answers that clients have not taken; then 503
  std::size_t workers = 2;
  std::size_t jobs_max = 64;
  Session::Limits session;
  LiveTail::Options tail;
  ApiServer::Options api;
};

// What the front door stands on. The references outlive it.
struct HttpParts {
  // Loads the configuration anew and calls back on the loop; a failure says why, and nothing has changed then.
  using Reload = std::function<void(std::function<void(Status)> done)>;

  Loop& loop;
  Scheduler& timers;  // the loop; tests give one they turn by hand
  const Clock& clock;
  Log& log;
  AgentMetrics& metrics;
  const StatusBoard& status;
  SearchBackend* backend = nullptr;  // null: the embedded store is off
  Reload reload;                     // may be empty
};

class FrontDoor final : public Session::Host {
 public:
  // Listens when it returns. Code::invalid for an open address without a token.
  [[nodiscard]] static Result<std::unique_ptr<FrontDoor>> open(HttpOptions options, HttpParts parts);
  // Ends every connection, and waits for the searches under way.
  ~FrontDoor() override;
  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;

  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }
  [[nodiscard]] std::size_t connections() const { return sessions_.size(); }

 private:
  FrontDoor(HttpOptions options, HttpParts parts, AccessGuard guard);
  void take(std::unique_ptr<Connection> connection);
  [[nodiscard]] bool make_room();
  void handle(Session& session, ApiRequest request) override;
  void refused(Session& session, int status) override;
  void ended(Session& session) override;
  // Whether the guard lets the request through; otherwise it is answered.
  [[nodiscard]] const Route* admit(Session& session, ApiRequest& request);
  void answer(Session& session, const HttpAnswer& answer);
  void answer_refused(Session& session, const HttpAnswer& answer, const char* reason);
  void answer_later(std::uint64_t session_id, const HttpAnswer& answer);
  [[nodiscard]] HttpAnswer health(const ApiRequest& request, bool readiness) const;
  void reload(Session& session);
  void start_tail(Session& session, const ApiRequest& request);
  void ask_api(Session& session, ApiRequest request);
  [[nodiscard]] std::size_t pending_bytes() const;

  const HttpOptions options_;
  const HttpParts parts_;
  const AccessGuard guard_;
  const ApiServer api_;
  LiveTail tail_;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::map<std::uint64_t, LiveTail::ClientId> tail_clients_;  // by session
  std::uint64_t next_session_ = 1;
  bool reloading_ = false;
  std::shared_ptr<FrontDoor*> self_;  // what is posted from elsewhere holds it weakly
  WorkerPool workers_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace tapewatch

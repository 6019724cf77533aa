// SPDX-License-Identifier: Apache-2.0
#include "http/front_door.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/json_writer.h"
#include "http/query_params.h"

namespace tapewatch {

FrontDoor::FrontDoor(HttpOptions options, HttpParts parts, AccessGuard guard)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      guard_(std::move(guard)),
      api_(options_.api, parts_.status, parts_.backend, parts_.clock, parts_.metrics),
      tail_(options_.tail, parts_.timers, parts_.backend, parts_.metrics),
      self_(std::make_shared<FrontDoor*>(this)),
      workers_(options_.workers, options_.jobs_max) {}

FrontDoor::~FrontDoor() = default;

Result<std::unique_ptr<FrontDoor>> FrontDoor::open(HttpOptions options, HttpParts parts) {
  Result<AccessGuard> guard = AccessGuard::make(options.address, options.token, options.allowed_hosts);
  if (!guard) return std::move(guard).error();
  options.token.clear();
  std::unique_ptr<FrontDoor> door(new FrontDoor(std::move(options), std::move(parts), std::move(guard).value()));
  FrontDoor* raw = door.get();
  Result<std::unique_ptr<Listener>> listener =
      Listener::tcp(raw->parts_.loop, raw->options_.address, raw->options_.port,
                    [raw](std::unique_ptr<Connection> connection) { raw->take(std::move(connection)); });
  if (!listener) return std::move(listener).error();
  raw->listener_ = std::move(listener).value();
  return door;
}

void FrontDoor::take(std::unique_ptr<Connection> connection) {
  if (sessions_.size() >= options_.connections_max && !make_room()) {
    parts_.metrics.http_refused.with({"connections"}).add();
    return;  // ends with its owner
  }
  const std::uint64_t id = next_session_++;
  sessions_.emplace(id, std::make_unique<Session>(id, std::move(connection), options_.session, parts_.timers, *this));
  parts_.metrics.http_connections.set(static_cast<double>(sessions_.size()));
}

// Ends the oldest of the connections that are worth least: whoever holds sockets open makes room for whoever asks.
bool FrontDoor::make_room() {
  const auto it = std::min_element(sessions_.begin(), sessions_.end(),
                                   [](const auto& a, const auto& b) { return a.second->worth() < b.second->worth(); });
  if (it == sessions_.end() || it->second->worth() == Session::Worth::owed) return false;
  parts_.metrics.http_refused.with({"made_room"}).add();
  sessions_.erase(it);
  return true;
}

void FrontDoor::handle(Session& session, ApiRequest request) {
  const Route* route = admit(session, request);
  if (route == nullptr) return;
  switch (route->service) {
    case Service::alive:
      return answer(session, health(request, false));
    case Service::ready:
      return answer(session, health(request, true));
    case Service::reload:
      return reload(session);
    case Service::tail:
      return start_tail(session, request);
    case Service::api:
      return ask_api(session, std::move(request));
  }
}

const Route* FrontDoor::admit(Session& session, ApiRequest& request) {
  if (const auto refusal = guard_.refuse_host(request)) {
    answer_refused(session, *refusal, "host");
    return nullptr;
  }
  const Route* route = find_route(request);
  if (route == nullptr) {
    answer(session, problem(404, "there is nothing at this address"));
    return nullptr;
  }
  if (route->post != (request.method == Method::post)) {
    HttpAnswer refusal = problem(405, route->post ? "this address takes POST" : "this address takes GET and HEAD");
    refusal.allow = route->post ? "POST" : "GET, HEAD";
    answer(session, refusal);
    return nullptr;
  }
  if (const auto refusal = guard_.refuse_origin(request)) {
    answer_refused(session, *refusal, "origin");
    return nullptr;
  }
  if (const auto refusal = route->open ? std::nullopt : guard_.refuse_token(request)) {
    answer_refused(session, *refusal, "token");
    return nullptr;
  }
  return route;
}

void FrontDoor::answer(Session& session, const HttpAnswer& answer) {
  parts_.metrics.http_requests.with({std::to_string(answer.status)}).add();
  session.answer(answer);
}

void FrontDoor::answer_refused(Session& session, const HttpAnswer& refusal, const char* reason) {
  parts_.metrics.http_refused.with({reason}).add();
  answer(session, refusal);
}

void FrontDoor::answer_later(std::uint64_t session_id, const HttpAnswer& late_answer) {
  const auto it = sessions_.find(session_id);
  // The client may be gone, or was told that it took too long.
  if (it != sessions_.end() && it->second->asked()) answer(*it->second, late_answer);
}

void FrontDoor::refused(Session&, int status) {
  parts_.metrics.http_refused.with({"request"}).add();
  parts_.metrics.http_requests.with({std::to_string(status)}).add();
}

void FrontDoor::ended(Session& session) {
  if (const auto it = tail_clients_.find(session.id()); it != tail_clients_.end()) {
    tail_.leave(it->second);
    tail_clients_.erase(it);
  }
  sessions_.erase(session.id());
  parts_.metrics.http_connections.set(static_cast<double>(sessions_.size()));
}

// Alive is who answers at all: an output that is down must not make anybody restart the agent. ?failon= asks for more.
HttpAnswer FrontDoor::health(const ApiRequest& request, bool readiness) const {
  const Result<QueryParams> params = QueryParams::parse(request.query, {"failon"});
  if (!params) return problem(400, params.error().message);
  const std::string& failon = params->text("failon");
  if (!failon.empty() && failon != "heartbeat" && failon != "degraded" && failon != "failed") {
    return problem(400, "failon is heartbeat, degraded or failed");
  }
  const std::shared_ptr<const StatusSnapshot> snapshot = parts_.status.current();
  const bool failed = (failon == "degraded" && snapshot->health != Health::healthy) ||
                      (failon == "failed" && snapshot->health == Health::failed) || (readiness && !snapshot->ready);
  HttpAnswer answer;
  answer.status = failed ? 503 : 200;
  answer.retry_later = failed;
  JsonObject object(answer.body);
  object.add("status", health_name(snapshot->health));
  object.add("ready", snapshot->ready);
  object.end();
  return answer;
}

void FrontDoor::reload(Session& session) {
  if (!parts_.reload) return answer(session, problem(404, "there is no configuration file to load again"));
  if (reloading_) return answer(session, problem(503, "a reload is under way"));
  reloading_ = true;
  parts_.reload([self = std::weak_ptr<FrontDoor*>(self_), id = session.id()](const Status& status) {
    const std::shared_ptr<FrontDoor*> door = self.lock();
    if (!door) return;
    (*door)->reloading_ = false;
    HttpAnswer done;
    done.body = "{\"status\":\"reloaded\"}";
    (*door)->answer_later(id, status.ok() ? done : problem(400, status.error().message));
  });
}

void FrontDoor::start_tail(Session& session, const ApiRequest& request) {
  HttpAnswer head;
  head.content_type = "text/event-stream";
  if (request.method == Method::head) return answer(session, head);
  // The session leaves the tail before it ends: see ended().
  LiveTail::Client client{[&session](std::string bytes) { session.write_stream(std::move(bytes)); },
                          [&session] { return session.pending_bytes(); }, [this, &session] { ended(session); }};
  const auto joined = tail_.join(request.query, request.last_event_id, std::move(client));
  if (const auto* refusal = std::get_if<HttpAnswer>(&joined)) return answer(session, *refusal);
  tail_clients_[session.id()] = std::get<LiveTail::ClientId>(joined);
  parts_.metrics.http_requests.with({"200"}).add();
  session.start_stream(head);
}

void FrontDoor::ask_api(Session& session, ApiRequest request) {
  if (pending_bytes() > options_.pending_bytes_max) {
    return answer_refused(session, problem(503, "too many answers wait for slow clients"), "pending_bytes");
  }
  const std::uint64_t id = session.id();
  // The weak pointer is only ever locked on the loop, where the door is also destroyed; the pool ends before the API.
  const bool taken = workers_.try_run(
      [api = &api_, loop = &parts_.loop, id, self = std::weak_ptr<FrontDoor*>(self_), request = std::move(request)] {
        loop->post([self, id, made = api->serve(request)] {
          if (const std::shared_ptr<FrontDoor*> door = self.lock()) (*door)->answer_later(id, made);
        });
      });
  if (!taken) answer_refused(session, problem(503, "too many requests are waiting"), "jobs");
}

std::size_t FrontDoor::pending_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, session] : sessions_) bytes += session->pending_bytes();
  return bytes;
}

}  // namespace tapewatch

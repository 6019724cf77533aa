// SPDX-License-Identifier: Apache-2.0
#pragma once
// FakeHttpServer: a loopback HTTP/1.1 server on the loop under test: collects whole requests and lets the test script
// what is written back, byte by byte if it wants. run_until() cranks a real loop until something holds.
// Single-threaded.

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop/connection.h"
#include "loop/loop.h"

namespace tapewatch {

// False when `done` does not hold within `limit`: a guard against hanging, not a measure.
inline bool run_until(Loop& loop, const std::function<bool()>& done,
                      std::chrono::milliseconds limit = std::chrono::milliseconds(5000)) {
  bool late = false;
  Timer guard(loop, [&late] { late = true; });
  guard.start(limit);
  while (!done() && !late) loop.run_once();
  return done();
}

class FakeHttpServer final {
 public:
  struct Request {
    std::string head;
    std::string body;
  };
  struct Peer {
    std::unique_ptr<Connection> connection;
    std::string bytes;
    bool gone = false;
  };
  // Called for each whole request; writes to or resets the peer's connection.
  using Answer = std::function<void(const Request&, Peer&)>;

  FakeHttpServer(Loop& loop, Answer answer) : loop_(loop), answer_(std::move(answer)) {
    auto listener = Listener::tcp(loop_, "127.0.0.1", 0,
                                  [this](std::unique_ptr<Connection> connection) { take(std::move(connection)); });
    if (!listener) std::abort();
    listener_ = std::move(listener).value();
  }

  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(listener_->port()) + std::string(path);
  }
  static std::string reply(int code, std::string_view body, std::string_view headers = "") {
    return "HTTP/1.1 " + std::to_string(code) + " Text\r\nContent-Type: application/json\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

  std::vector<Request> requests;
  std::size_t connections = 0;
  // When set, sees the bytes before a request is whole.
  std::function<void(Peer&)> on_bytes;

 private:
  void take(std::unique_ptr<Connection> connection) {
    ++connections;
    peers_.push_back(std::make_unique<Peer>());
    Peer* peer = peers_.back().get();
    peer->connection = std::move(connection);
    Connection::Handlers handlers;
    handlers.read = [this, peer](std::string_view bytes) { read(*peer, bytes); };
    handlers.ended = [peer](Status) {
      peer->gone = true;
      peer->connection.reset();
    };
    peer->connection->start(std::move(handlers));
  }

  void read(Peer& peer, std::string_view bytes) {
    peer.bytes.append(bytes);
    if (on_bytes) on_bytes(peer);
    while (peer.connection) {
      const std::size_t head_end = peer.bytes.find("\r\n\r\n");
      if (head_end == std::string::npos) return;
      Request request;
      request.head = peer.bytes.substr(0, head_end + 4);
      std::size_t length = 0;
      if (const std::size_t at = request.head.find("Content-Length: "); at != std::string::npos) {
        length = std::strtoull(request.head.c_str() + at + 16, nullptr, 10);
      }
      if (peer.bytes.size() < head_end + 4 + length) return;
      request.body = peer.bytes.substr(head_end + 4, length);
      peer.bytes.erase(0, head_end + 4 + length);
      requests.push_back(request);
      answer_(request, peer);
    }
  }

  Loop& loop_;
  const Answer answer_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace tapewatch

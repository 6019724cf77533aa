// SPDX-License-Identifier: Apache-2.0
#pragma once
// Session: one connection of a client, from accept to close: takes requests in one after the other, each within its
// time, and writes the answers. It never judges a request; its host does. A second request that comes before the first
// was answered (pipelining) is not served: the connection ends after the first answer. Owned by the front door. Thread:
// loop.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/answer.h"
#include "http/request_parser.h"
#include "loop/connection.h"
#include "loop/scheduler.h"

namespace tapewatch {

class Session final {
 public:
  struct Limits {
    RequestLimits request;
    std::chrono::milliseconds head_time{5000};     // from the first byte (of a new connection: from its accept)
    std::chrono::milliseconds body_time{5000};     // from the end of the head
    std::chrono::milliseconds idle_time{30000};    // between two requests
    std::chrono::milliseconds answer_time{15000};  // until the host answered
    std::chrono::milliseconds write_time{15000};   // until the client took the answer
    std::chrono::milliseconds linger_time{1000};   // for a client that still sends while it is refused
    std::size_t linger_bytes_max = 1 << 20;
  };
  class Host {
   public:
    virtual ~Host() = default;
    // A whole request; answer() or start_stream() follows, at once or later.
    virtual void handle(Session& session, ApiRequest request) = 0;
    // The request was refused, or did not come in time, and the session says so to the client by itself.
    virtual void refused(Session& session, int status) = 0;
    // The host destroys the session now.
    virtual void ended(Session& session) = 0;
  };

  // `host` outlives the session.
  Session(std::uint64_t id, std::unique_ptr<Connection> connection, const Limits& limits, Scheduler& scheduler,
          Host& host);
  ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // REQUIRES: a request was handed to the host and is not answered.
  void answer(const HttpAnswer& answer);
  // The head of an answer without end; write_stream() follows until the client goes.
  void start_stream(const HttpAnswer& head);
  void write_stream(std::string bytes) { connection_->write(std::move(bytes)); }

  [[nodiscard]] std::uint64_t id() const { return id_; }
  // How little it costs to end this session for another one: a client that is done, one that does not finish its
  // request, one that has not begun. An answer that is owed is never given up.
  enum class Worth : std::uint8_t { done, unfinished, idle, owed };
  [[nodiscard]] Worth worth() const;
  [[nodiscard]] std::size_t pending_bytes() const { return connection_->pending_bytes(); }
  // Whether a request is with the host.
  [[nodiscard]] bool asked() const { return state_ == State::asked; }

 private:
  enum class State : std::uint8_t { reading, asked, writing, streaming, lingering };
  void on_bytes(std::string_view bytes);
  void on_request();
  void on_drained();
  void on_time();
  void refuse(int status, std::string_view detail);
  void send(const HttpAnswer& answer);
  void start_linger();

  const std::uint64_t id_;
  const Limits& limits_;
  Host& host_;
  RequestParser parser_;
  State state_ = State::reading;
  bool head_only_ = false;  // answer without its body
  bool close_ = false;      // after this answer
  std::size_t lingered_bytes_ = 0;
  Timer timer_;
  std::unique_ptr<Connection> connection_;  // last: its end calls nobody
};

}  // namespace tapewatch

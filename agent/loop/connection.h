// SPDX-License-Identifier: Apache-2.0
#pragma once
// Connection and Listener: byte streams over TCP and Unix sockets. They know nothing of what is said on them and set no
// limit by themselves: whoever owns a connection bounds it by pending_bytes(), pause_reading() and a Timer. Both end
// when destroyed, at any time, also inside their own callbacks. Thread: loop.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

class Loop;

class Connection final {
 public:
  struct Handlers {
    std::function<void(std::string_view bytes)> read;  // the view ends with the call
    // Called once, and nothing after it: success when the peer sent its end (writing still works), else what broke.
    std::function<void(Status)> ended;
    // All that was written has been handed to the kernel. May be empty.
    std::function<void()> drained;
  };

  // Starts to connect; a failure comes through `ended`. What is written before it stands is sent when it does.
  static Result<std::unique_ptr<Connection>> connect_unix(Loop& loop, const std::string& path, Handlers handlers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts reading; once, for connections that a Listener gave.
  void start(Handlers handlers);
  void pause_reading();
  void resume_reading();
  // Queues `bytes`; a failure comes through `ended`.
  void write(std::string bytes);
  // Bytes that were written but not yet taken by the kernel.
  [[nodiscard]] std::size_t pending_bytes() const;
  // Sends our end once everything is written; reading goes on.
  void shut_down();
  // "127.0.0.1:40112", "[::1]:40112", or "unix".
  [[nodiscard]] const std::string& peer() const { return peer_; }

  struct Socket;
  // For Listener: takes a socket that is connected.
  Connection(Loop& loop, Socket* socket, std::string peer);

 private:
  Loop& loop_;
  Socket* socket_;  // freed by the loop once it is closed
  std::string peer_;
};

class Listener final {
 public:
  using Accepted = std::function<void(std::unique_ptr<Connection>)>;

  // `address` is an IPv4 or IPv6 address or "localhost"; port 0 lets the kernel choose.
  static Result<std::unique_ptr<Listener>> tcp(Loop& loop, const std::string& address, std::uint16_t port,
                                               Accepted accepted);
  // Replaces a socket file that an earlier process left, and nothing else. The file gets `mode` from its first moment
  // on and goes away with the listener.
  static Result<std::unique_ptr<Listener>> unix_socket(Loop& loop, const std::string& path, unsigned mode,
                                                       Accepted accepted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The port it listens on; 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Handle;
  explicit Listener(Handle* handle) : handle_(handle) {}
  static Result<std::unique_ptr<Listener>> listen(std::unique_ptr<Handle, void (*)(Handle*)> handle,
                                                  const std::string& what);
  Handle* handle_;  // freed by the loop once it is closed
};

}  // namespace tapewatch

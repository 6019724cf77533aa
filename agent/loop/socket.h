// SPDX-License-Identifier: Apache-2.0
#pragma once
// The libuv half of a Connection: it outlives the Connection until the loop has closed it. For connection.cc and
// listener.cc only. Thread: loop.

#include <uv.h>

#include <string_view>

#include "loop/connection.h"

namespace tapewatch {

// TCP or a Unix socket.
union SocketStream {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
};

struct Connection::Socket {
  SocketStream uv{};
  Handlers handlers;
  uv_connect_t connecting{};
  bool ended = false;   // `ended` has been called
  bool closed = false;  // the Connection is gone; no callback may run

  void end(Status status);
  static void close(Socket* socket);
};

// A code that libuv returned, as an Error.
[[nodiscard]] Error socket_error(std::string_view what, int rc);

}  // namespace tapewatch

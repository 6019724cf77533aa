// SPDX-License-Identifier: Apache-2.0
#include "loop/connection.h"

#include <uv.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "loop/loop.h"
#include "loop/socket.h"

namespace tapewatch {
namespace {

constexpr std::size_t unix_path_max = 107;  // sizeof(sockaddr_un::sun_path) - 1

struct WriteRequest {
  uv_write_t uv{};
  std::string bytes;
};

Connection::Socket* socket_of(uv_handle_t* handle) { return static_cast<Connection::Socket*>(handle->data); }

// One buffer serves every connection: what is read is handed on before the next read.
void on_allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(static_cast<Loop*>(handle->loop->data)->scratch(), Loop::scratch_bytes);
}

void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) {
  Connection::Socket* socket = socket_of(reinterpret_cast<uv_handle_t*>(stream));
  if (n == 0 || socket->closed) return;
  if (n > 0) {
    socket->handlers.read(std::string_view(buffer->base, static_cast<std::size_t>(n)));
    return;
  }
  uv_read_stop(stream);
  socket->end(n == UV_EOF ? success() : Status(socket_error("reading from a connection", static_cast<int>(n))));
}

void on_connect(uv_connect_t* request, int rc) {
  Connection::Socket* socket = socket_of(reinterpret_cast<uv_handle_t*>(request->handle));
  if (socket->closed) return;
  if (rc == 0) rc = uv_read_start(request->handle, on_allocate, on_read);
  if (rc != 0) socket->end(socket_error("connecting", rc));
}

}  // namespace

Error socket_error(std::string_view what, int rc) {
  Error error = errno_error(what, -rc);
  if (error.code == Code::io) error.code = Code::network;
  return error;
}

void Connection::Socket::end(Status status) {
  if (closed || std::exchange(ended, true)) return;
  if (handlers.ended) handlers.ended(std::move(status));
}

void Connection::Socket::close(Socket* socket) {
  socket->closed = true;
  uv_close(&socket->uv.handle, [](uv_handle_t* h) { delete socket_of(h); });
}

Connection::Connection(Loop& loop, Socket* socket, std::string peer)
    : loop_(loop), socket_(socket), peer_(std::move(peer)) {}

Connection::~Connection() {
  CHECK(loop_.on_thread());
  Socket::close(socket_);
}

Result<std::unique_ptr<Connection>> Connection::connect_unix(Loop& loop, const std::string& path, Handlers handlers) {
  CHECK(loop.on_thread());
  if (path.size() > unix_path_max) return Error{Code::invalid, "the path of a Unix socket is too long: " + path};
  auto* socket = new Socket;
  CHECK(uv_pipe_init(loop.native(), &socket->uv.pipe, 0) == 0);
  socket->uv.handle.data = socket;
  socket->handlers = std::move(handlers);
  uv_pipe_connect(&socket->connecting, &socket->uv.pipe, path.c_str(), on_connect);
  return std::make_unique<Connection>(loop, socket, "unix");
}

void Connection::start(Handlers handlers) {
  CHECK(loop_.on_thread());
  CHECK(!socket_->handlers.read);
  socket_->handlers = std::move(handlers);
  resume_reading();
}

void Connection::pause_reading() { uv_read_stop(&socket_->uv.stream); }

void Connection::resume_reading() {
  // Fails only when it reads already, or is not connected yet: then reading starts with the connection.
  if (!socket_->ended) uv_read_start(&socket_->uv.stream, on_allocate, on_read);
}

void Connection::write(std::string bytes) {
  CHECK(loop_.on_thread());
  if (bytes.empty()) return;
  auto* request = new WriteRequest;
  request->bytes = std::move(bytes);
  request->uv.data = request;
  // One uv_buf_t holds less than 4 GiB; nothing here comes near.
  const uv_buf_t buffer = uv_buf_init(request->bytes.data(), static_cast<unsigned>(request->bytes.size()));
  const int rc = uv_write(&request->uv, &socket_->uv.stream, &buffer, 1, [](uv_write_t* r, int status) {
    Socket* socket = socket_of(reinterpret_cast<uv_handle_t*>(r->handle));
    delete static_cast<WriteRequest*>(r->data);
    if (socket->closed) return;
    if (status != 0) return socket->end(socket_error("writing to a connection", status));
    if (uv_stream_get_write_queue_size(&socket->uv.stream) == 0 && socket->handlers.drained) socket->handlers.drained();
  });
  if (rc != 0) delete request;  // the stream is broken, and reading tells why
}

std::size_t Connection::pending_bytes() const { return uv_stream_get_write_queue_size(&socket_->uv.stream); }

void Connection::shut_down() {
  CHECK(loop_.on_thread());
  auto* request = new uv_shutdown_t;
  const int rc = uv_shutdown(request, &socket_->uv.stream, [](uv_shutdown_t* r, int) { delete r; });
  if (rc != 0) delete request;
}

}  // namespace tapewatch

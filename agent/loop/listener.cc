// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "loop/connection.h"
#include "loop/loop.h"
#include "loop/socket.h"

namespace tapewatch {
namespace {

constexpr int backlog = 128;

std::string peer_name(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    uv_ip4_name(&v4, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    uv_ip6_name(&v6, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "unix";
}

// A Unix socket bound to `path` with `mode`: the mode is set before the bind, so that there is no moment without it.
Result<int> bind_unix(const std::string& path, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{Code::invalid, "the path of a Unix socket is too long: " + path};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) {
    if (!S_ISSOCK(st.st_mode)) return Error{Code::invalid, "there is a file in the way of the socket: " + path};
    ::unlink(path.c_str());
  }
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno_error("making a socket", errno);
  if (::fchmod(fd, mode) != 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Error error = errno_error("listening on " + path, errno);
    ::close(fd);
    return error;
  }
  return fd;
}

}  // namespace

struct Listener::Handle {
  SocketStream uv{};
  Loop* loop = nullptr;
  Accepted accepted;
  std::string path;  // of a Unix socket
  bool closed = false;

  static void close(Handle* handle) {
    handle->closed = true;
    if (!handle->path.empty()) ::unlink(handle->path.c_str());
    uv_close(&handle->uv.handle, [](uv_handle_t* h) { delete static_cast<Handle*>(h->data); });
  }

  static void on_connection(uv_stream_t* stream, int status) {
    auto* handle = static_cast<Handle*>(stream->data);
    if (status != 0 || handle->closed) return;  // no descriptors left: libuv comes back when there are
    const bool is_tcp = handle->path.empty();
    auto* socket = new Connection::Socket;
    CHECK((is_tcp ? uv_tcp_init(handle->loop->native(), &socket->uv.tcp)
                  : uv_pipe_init(handle->loop->native(), &socket->uv.pipe, 0)) == 0);
    socket->uv.handle.data = socket;
    if (uv_accept(stream, &socket->uv.stream) != 0) return Connection::Socket::close(socket);
    sockaddr_storage address{};
    int size = sizeof address;
    if (is_tcp) {
      uv_tcp_nodelay(&socket->uv.tcp, 1);
      uv_tcp_getpeername(&socket->uv.tcp, reinterpret_cast<sockaddr*>(&address), &size);
    }
    handle->accepted(std::make_unique<Connection>(*handle->loop, socket, peer_name(address)));
  }
};

Result<std::unique_ptr<Listener>> Listener::tcp(Loop& loop, const std::string& address, std::uint16_t port,
                                                Accepted accepted) {
  CHECK(loop.on_thread());
  const std::string host = address == "localhost" ? "127.0.0.1" : address;
  sockaddr_storage where{};
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&where)) != 0 &&
      uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&where)) != 0) {
    return Error{Code::invalid, "not an IP address: " + address};
  }
  std::unique_ptr<Handle, void (*)(Handle*)> handle(new Handle, Handle::close);
  CHECK(uv_tcp_init(loop.native(), &handle->uv.tcp) == 0);
  handle->uv.handle.data = handle.get();
  handle->loop = &loop;
  handle->accepted = std::move(accepted);
  const std::string what = "listening on " + address + " port " + std::to_string(port);
  const int rc = uv_tcp_bind(&handle->uv.tcp, reinterpret_cast<const sockaddr*>(&where), 0);
  if (rc != 0) return socket_error(what, rc);
  return listen(std::move(handle), what);
}

Result<std::unique_ptr<Listener>> Listener::unix_socket(Loop& loop, const std::string& path, unsigned mode,
                                                        Accepted accepted) {
  CHECK(loop.on_thread());
  Result<int> fd = bind_unix(path, mode);
  if (!fd) return std::move(fd).error();
  std::unique_ptr<Handle, void (*)(Handle*)> handle(new Handle, Handle::close);
  CHECK(uv_pipe_init(loop.native(), &handle->uv.pipe, 0) == 0);
  handle->uv.handle.data = handle.get();
  handle->loop = &loop;
  handle->accepted = std::move(accepted);
  handle->path = path;
  CHECK(uv_pipe_open(&handle->uv.pipe, *fd) == 0);
  return listen(std::move(handle), "listening on " + path);
}

Result<std::unique_ptr<Listener>> Listener::listen(std::unique_ptr<Handle, void (*)(Handle*)> handle,
                                                   const std::string& what) {
  const int rc = uv_listen(&handle->uv.stream, backlog, Handle::on_connection);
  if (rc != 0) return socket_error(what, rc);
  return std::unique_ptr<Listener>(new Listener(handle.release()));
}

Listener::~Listener() { Handle::close(handle_); }

std::uint16_t Listener::port() const {
  if (!handle_->path.empty()) return 0;
  sockaddr_storage address{};
  int size = sizeof address;
  if (uv_tcp_getsockname(&handle_->uv.tcp, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  const bool v4 = address.ss_family == AF_INET;
  return ntohs(v4 ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                  : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

}  // namespace tapewatch

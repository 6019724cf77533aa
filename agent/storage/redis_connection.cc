// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_connection.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tapewatch {
namespace {

Error network(std::string_view what, int error) {
  return Error{Code::network, std::string(what) + ": " + std::string(strerrordesc_np(error))};
}

void append_command(std::string& out, const RedisConnection::Command& command) {
  out += "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string_view word : command) {
    out += "$" + std::to_string(word.size()) + "\r\n";
    out += word;
    out += "\r\n";
  }
}

// The reader bounds the nesting.
RedisReply take_apart(const redisReply& in) {
  RedisReply out;
  switch (in.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out.kind = RedisReply::Kind::text;
      out.text.assign(in.str, in.len);
      break;
    case REDIS_REPLY_ERROR:
      out.kind = RedisReply::Kind::error;
      out.text.assign(in.str, in.len);
      break;
    case REDIS_REPLY_INTEGER:
      out.kind = RedisReply::Kind::integer;
      out.integer = in.integer;
      break;
    case REDIS_REPLY_ARRAY:
      out.kind = RedisReply::Kind::list;
      for (std::size_t i = 0; i < in.elements; ++i) out.items.push_back(take_apart(*in.element[i]));
      break;
    default:
      break;
  }
  return out;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<int> start_connect(const Fd& socket, const sockaddr* address, socklen_t length) {
  if (connect(socket.get(), address, length) == 0 || errno == EINPROGRESS) return 0;
  return network("connecting", errno);
}

Result<Fd> connect_unix(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) return Error{Code::invalid, "the path of the socket is too long"};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.open()) return network("socket", errno);
  const Result<int> begun = start_connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (!begun.ok()) return begun.error();
  return socket;
}

Result<Fd> connect_tcp(const RedisOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (failed != 0) return Error{Code::network, "resolving " + options.host + ": " + gai_strerror(failed)};
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  Fd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.open()) return network("socket", errno);
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const Result<int> begun = start_connect(socket, found->ai_addr, found->ai_addrlen);
  if (!begun.ok()) return begun.error();
  return socket;
}

}  // namespace

void RedisConnection::CloseReader::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisConnection::RedisConnection(Fd socket, std::size_t reply_bytes_max)
    : socket_(std::move(socket)), reply_bytes_max_(reply_bytes_max), reader_(redisReaderCreate()) {}

RedisConnection::~RedisConnection() = default;

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisOptions& options,
                                                               std::chrono::milliseconds wait_max) {
  Result<Fd> socket = options.unix_path.empty() ? connect_tcp(options) : connect_unix(options.unix_path);
  if (!socket.ok()) return std::move(socket).error();
  // Beside a value, a reply carries the states of its tables only.
  std::unique_ptr<RedisConnection> out(
      new RedisConnection(std::move(socket).value(), options.value_bytes_max + (1u << 20)));
  const std::int64_t deadline = out->clock_.steady_ns() + std::chrono::nanoseconds(wait_max).count();
  Status writable = out->wait_until(POLLOUT, deadline);
  if (!writable.ok()) return std::move(writable).error();
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(out->fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return network("connecting", error);
  if (options.password.empty()) return out;
  Command sign_in{"AUTH"};
  if (!options.user.empty()) sign_in.push_back(options.user);
  sign_in.push_back(options.password);
  Result<std::vector<RedisReply>> signed_in = out->call({sign_in}, wait_max);
  if (!signed_in.ok()) return std::move(signed_in).error();
  if (signed_in->front().kind == RedisReply::Kind::error) return Error{Code::permission, "redis refuses the password"};
  return out;
}

Status RedisConnection::wait_until(short events, std::int64_t deadline_ns) const {
  for (;;) {
    const std::int64_t left = deadline_ns - clock_.steady_ns();
    if (left <= 0) return Error{Code::timeout, "redis did not answer in time"};
    pollfd ready{socket_.get(), events, 0};
    const int count = poll(&ready, 1, static_cast<int>(std::min<std::int64_t>((left + 999'999) / 1'000'000, 60'000)));
    if (count > 0) return success();
    if (count < 0 && errno != EINTR) return network("poll", errno);
  }
}

Status RedisConnection::send(const std::vector<Command>& commands, std::chrono::milliseconds wait_max) {
  const std::int64_t deadline = clock_.steady_ns() + std::chrono::nanoseconds(wait_max).count();
  std::string bytes;
  for (const Command& command : commands) append_command(bytes, command);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      rest.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      Status ready = wait_until(POLLOUT, deadline);
      if (!ready.ok()) return ready;
    } else if (errno != EINTR) {
      return network("sending", errno);
    }
  }
  return success();
}

Result<RedisReply> RedisConnection::receive(std::chrono::milliseconds wait_max) {
  return receive_until(clock_.steady_ns() + std::chrono::nanoseconds(wait_max).count());
}

Result<RedisReply> RedisConnection::receive_until(std::int64_t deadline_ns) {
  std::array<char, 16384> buffer;
  for (;;) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
      return Error{Code::bad_reply, "redis: no such protocol"};
    if (reply != nullptr) {
      reply_bytes_ = 0;
      RedisReply out = take_apart(*static_cast<redisReply*>(reply));
      freeReplyObject(reply);
      return out;
    }
    const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      reply_bytes_ += static_cast<std::size_t>(got);
      if (reply_bytes_ > reply_bytes_max_) return Error{Code::bad_reply, "redis: the reply is too large"};
      redisReaderFeed(reader_.get(), buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
      return Error{Code::network, "redis closed the connection"};
    } else if (errno == EAGAIN) {
      Status ready = wait_until(POLLIN, deadline_ns);
      if (!ready.ok()) return std::move(ready).error();
    } else if (errno != EINTR) {
      return network("receiving", errno);
    }
  }
}

Result<std::vector<RedisReply>> RedisConnection::call(const std::vector<Command>& commands,
                                                      std::chrono::milliseconds wait_max) {
  const std::int64_t deadline = clock_.steady_ns() + std::chrono::nanoseconds(wait_max).count();
  Status sent = send(commands, wait_max);
  if (!sent.ok()) return std::move(sent).error();
  std::vector<RedisReply> out;
  while (out.size() < commands.size()) {
    Result<RedisReply> reply = receive_until(deadline);
    if (!reply.ok()) return std::move(reply).error();
    out.push_back(std::move(reply).value());
  }
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "cli_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/ascii.h"
#include "base/files.h"
#include "config_values.h"

namespace tapewatch {
namespace {

constexpr std::size_t event_bytes_max = 16UL * 1024 * 1024;

Error bad_reply(std::string_view what) { return Error{Code::bad_reply, "the agent's answer: " + std::string(what)}; }

Result<Fd> connect_to(const ApiAddress& address, std::chrono::seconds timeout) {
  ::sockaddr_storage storage{};
  ::socklen_t size = 0;
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  auto* v4 = reinterpret_cast<::sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<::sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    size = sizeof(*v4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    size = sizeof(*v6);
  } else {
    return Error{Code::invalid, "not an address: " + address.host};
  }
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.open()) return errno_error("opening a socket", errno);
  const ::timeval wait{static_cast<::time_t>(timeout.count()), 0};
  if (timeout.count() > 0) {
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  }
  if (::connect(fd.get(), reinterpret_cast<::sockaddr*>(&storage), size) != 0) {
    const std::string reason = std::generic_category().message(errno);
    return Error{Code::network,
                 "no agent answers at " + address.host + ":" + std::to_string(address.port) + " (" + reason + ")"};
  }
  return fd;
}

Status send_request(int fd, const ApiAddress& address, const std::string& target) {
  const bool v6 = address.host.find(':') != std::string::npos;
  std::string request = "GET " + target + " HTTP/1.1\r\nHost: " + (v6 ? "[" + address.host + "]" : address.host) + ":" +
                        std::to_string(address.port) + "\r\nConnection: close\r\nAccept: */*\r\n";
  if (!address.token.empty()) request += "Authorization: Bearer " + address.token + "\r\n";
  request += "\r\n";
  for (std::size_t at = 0; at < request.size();) {
    const ::ssize_t sent = ::send(fd, request.data() + at, request.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return errno_error("sending the request", errno);
    at += static_cast<std::size_t>(sent);
  }
  return success();
}

// Appends what comes next to `bytes`; false at the end.
Result<bool> receive(int fd, std::string& bytes) {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ::ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Error{Code::timeout, "the agent does not answer"};
    if (got < 0) return errno_error("reading the answer", errno);
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  }
}

struct ReplyHead {
  int status = 0;
  bool chunked = false;
  std::size_t length = std::string::npos;  // npos: until the connection ends
};

Result<ReplyHead> parse_head(std::string_view text) {
  ReplyHead head;
  if (text.size() < 12 || text.substr(0, 7) != "HTTP/1.") return bad_reply("not HTTP");
  std::from_chars(text.data() + 9, text.data() + 12, head.status);
  for (std::size_t at = text.find("\r\n"); at != std::string_view::npos; at = text.find("\r\n", at + 2)) {
    const std::string_view line = text.substr(at + 2, text.find("\r\n", at + 2) - at - 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (same_ascii_word(line.substr(0, colon), "transfer-encoding")) head.chunked = same_ascii_word(value, "chunked");
    if (same_ascii_word(line.substr(0, colon), "content-length")) {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), head.length);
      if (error != std::errc() || end != value.data() + value.size()) return bad_reply("bad length");
    }
  }
  return head;
}

// Takes whole chunks off the front of `raw` into `body`. True after the last one.
Result<bool> take_chunks(std::string& raw, std::string& body) {
  for (;;) {
    const std::size_t line = raw.find("\r\n");
    if (line == std::string::npos) return raw.size() > 32 ? Result<bool>(bad_reply("bad chunk")) : Result<bool>(false);
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + line, size, 16);
    if (error != std::errc() || end == raw.data() || size > event_bytes_max * 16) return bad_reply("bad chunk");
    if (size == 0) return true;
    if (raw.size() < line + 2 + size + 2) return false;
    body.append(raw, line + 2, size);
    raw.erase(0, line + 2 + size + 2);
  }
}

// One answer: its head, then its body piece by piece.
class Reply final {
 public:
  explicit Reply(int fd) : fd_(fd) {}

  Result<ReplyHead> read_head(const ApiLimits& limits) {
    std::size_t end = std::string::npos;
    while ((end = raw_.find("\r\n\r\n")) == std::string::npos) {
      if (raw_.size() > limits.head_bytes_max) return bad_reply("too long a head");
      auto more = receive(fd_, raw_);
      if (!more) return std::move(more).error();
      if (!*more) return bad_reply("ended early");
    }
    auto head = parse_head(std::string_view(raw_).substr(0, end));
    raw_.erase(0, end + 4);
    if (head) head_ = *head;
    return head;
  }

  // Appends what has come to `body`; false when the body is complete.
  Result<bool> read_body(std::string& body) {
    if (!fresh_) {
      auto more = receive(fd_, raw_);
      if (!more) return more;
      if (!*more) {
        if (head_.chunked || (head_.length != std::string::npos && taken_ < head_.length))
          return bad_reply("ended early");
        return false;
      }
    }
    fresh_ = false;
    if (head_.chunked) {
      auto last = take_chunks(raw_, body);
      if (!last) return last;
      return !*last;
    }
    const std::size_t part = std::min(raw_.size(), head_.length - taken_);
    body.append(raw_, 0, part);
    raw_.erase(0, part);
    taken_ += part;
    return taken_ < head_.length;
  }

 private:
  const int fd_;
  std::string raw_;
  ReplyHead head_;
  std::size_t taken_ = 0;
  bool fresh_ = true;  // bytes behind the head may be there already
};

// Hands over the data of every whole event in `text`. False when `take` had enough.
bool take_events(std::string& text, const TakeStreamed& take) {
  std::string name;
  std::string data;
  for (std::size_t end = 0; (end = text.find("\n\n")) != std::string::npos; text.erase(0, end + 2)) {
    name.clear();
    data.clear();
    for (std::size_t at = 0; at < end;) {
      const std::size_t line_end = std::min(text.find('\n', at), end);
      std::string_view line = std::string_view(text).substr(at, line_end - at);
      if (line.substr(0, 5) == "data:") {
        line.remove_prefix(line.substr(5, 1) == " " ? 6 : 5);
        data += (data.empty() ? "" : "\n") + std::string(line);
      }
      if (line.substr(0, 7) == "event: ") name = line.substr(7);
      at = line_end + 1;
    }
    if (!data.empty() && !take(name, data)) return false;
  }
  return true;
}

}  // namespace

Result<ApiReply> api_get(const ApiAddress& address, const std::string& target, const ApiLimits& limits) {
  auto fd = connect_to(address, limits.timeout);
  if (!fd) return std::move(fd).error();
  if (Status sent = send_request(fd->get(), address, target); !sent) return std::move(sent).error();
  Reply reply(fd->get());
  auto head = reply.read_head(limits);
  if (!head) return std::move(head).error();
  ApiReply out{head->status, {}};
  for (;;) {
    auto more = reply.read_body(out.body);
    if (!more) return std::move(more).error();
    if (!*more) return out;
    if (out.body.size() > limits.body_bytes_max) return bad_reply("too long");
  }
}

Result<ApiReply> api_stream(const ApiAddress& address, const std::string& target, const TakeStreamed& take) {
  auto fd = connect_to(address, std::chrono::seconds(0));
  if (!fd) return std::move(fd).error();
  if (Status sent = send_request(fd->get(), address, target); !sent) return std::move(sent).error();
  Reply reply(fd->get());
  auto head = reply.read_head({});
  if (!head) return std::move(head).error();
  ApiReply out{head->status, {}};
  for (;;) {
    auto more = reply.read_body(out.body);
    if (!more) return std::move(more).error();
    if (out.body.size() > event_bytes_max) return bad_reply("too long an event");
    if (out.status == 200) {
      out.body.erase(std::remove(out.body.begin(), out.body.end(), '\r'), out.body.end());
      if (!take_events(out.body, take)) return out;
    }
    if (!*more) return out;
  }
}

Result<ApiAddress> parse_api_url(std::string_view url) {
  ApiAddress address;
  if (url.substr(0, 7) == "http://") url.remove_prefix(7);
  while (!url.empty() && url.back() == '/') url.remove_suffix(1);
  if (!parse_address(url, address.host, address.port)) {
    return Error{Code::invalid, "not an agent's address: write http://127.0.0.1:9600"};
  }
  if (!is_loopback(address.host)) {
    return Error{Code::invalid, "only agents on this machine are asked: " + address.host + " is elsewhere"};
  }
  return address;
}

std::string url_encoded(std::string_view text) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    }
  }
  return out;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace tapewatch {
namespace {

constexpr timeval send_wait{1, 0};
constexpr std::size_t status_bytes_max = 512;

std::int64_t number_of(const std::optional<std::string>& text) {
  std::int64_t number = -1;
  if (!text) return number;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() && end == text->data() + text->size() ? number : -1;
}

// The length of the address of `name`, written to `address`; 0 when it cannot be one.
socklen_t fill_address(const std::string& name, sockaddr_un& address) {
  if (name.size() < 2 || name.size() >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@')) return 0;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  // An abstract name has exactly its bytes; a path ends with a zero.
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1));
}

std::string counted(std::uint64_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

}  // namespace

NotifyOptions notify_options(const Surroundings& around, std::int64_t pid) {
  NotifyOptions options;
  options.socket = around.environment("NOTIFY_SOCKET").value_or("");
  const std::optional<std::string> meant = around.environment("WATCHDOG_PID");
  const std::int64_t watchdog = number_of(around.environment("WATCHDOG_USEC"));
  if (watchdog > 0 && (!meant || number_of(meant) == pid)) options.watchdog = std::chrono::microseconds(watchdog);
  return options;
}

std::string status_line(const StatusSnapshot& snapshot) {
  std::uint64_t files = 0;
  std::uint64_t behind = 0;
  for (const StatusSnapshot::Input& input : snapshot.inputs) {
    files += input.files;
    behind += input.lag_bytes;
  }
  std::string line =
      counted(files, "file") + ", " + counted(snapshot.events, "event") + ", " + counted(behind, "byte") + " behind";
  for (const std::string& reason : snapshot.reasons) line += "; " + reason;
  return line;
}

Notify::Notify(NotifyOptions options, const Clock& clock, Log& log)
    : options_(std::move(options)), clock_(clock), log_(log) {
  if (options_.socket.empty()) return;
  socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket_.open()) ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &send_wait, sizeof(send_wait));
}

void Notify::ready() {
  send("READY=1");
  feed();
}

// The manager wants the moment, so that it can tell an old READY=1 from the one that ends this.
void Notify::reloading() {
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(clock_.steady_ns() / 1000));
  feed();
}

void Notify::stopping() { send("STOPPING=1"); }

void Notify::status(std::string_view text) {
  std::string line(text.substr(0, status_bytes_max));
  std::replace(line.begin(), line.end(), '\n', ' ');  // one datagram holds one assignment a line
  if (line == status_) return;
  status_ = line;
  status_ns_ = clock_.steady_ns();
  send("STATUS=" + line);
}

void Notify::feed() {
  fed_ns_ = clock_.steady_ns();
  if (options_.watchdog.count() > 0) send("WATCHDOG=1");
}

void Notify::turned(std::optional<std::uint64_t> worker_turns, const StatusSnapshot& snapshot) {
  if (!socket_.open()) return;
  const std::int64_t now = clock_.steady_ns();
  if (now - status_ns_ >= options_.status_interval.count()) status(status_line(snapshot));
  if (options_.watchdog.count() == 0) return;
  if (now - fed_ns_ < std::chrono::nanoseconds(options_.watchdog).count() / 2) return;
  if (worker_turns && worker_turns == worker_turns_) {
    if (!stuck_) log_.error("the worker does not go on: the watchdog is not fed");
    stuck_ = true;
    return;
  }
  stuck_ = false;
  worker_turns_ = worker_turns;
  feed();
}

void Notify::send(const std::string& message) {
  if (options_.socket.empty()) return;
  sockaddr_un address{};
  const socklen_t length = fill_address(options_.socket, address);
  const bool sent = length != 0 && socket_.open() &&
                    ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length) >= 0;
  if (!sent && !failed_) {
    const Error reason = errno_error("NOTIFY_SOCKET", length == 0 ? EINVAL : errno);
    log_.warn("the service manager cannot be told", {{"reason", reason.message}});
  }
  failed_ = !sent;
}

}  // namespace tapewatch

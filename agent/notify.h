// SPDX-License-Identifier: Apache-2.0
#pragma once
// Notify: tells the service manager that started us what we are doing, by its datagram protocol. The watchdog is fed by
// progress, not by a timer: only while the loop turns and the worker has taken a turn since the last time. Owned by the
// one that runs agents, and outlives them. Thread: the loop's. Never waits for the manager longer than a second.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "http/status.h"
#include "surroundings.h"

namespace tapewatch {

struct NotifyOptions {
  std::string socket;                     // a path, "@name" (abstract), or "": nobody to tell
  std::chrono::microseconds watchdog{0};  // unfed for this long we are killed; 0: no watchdog
  std::chrono::nanoseconds status_interval = std::chrono::seconds(5);  // between two status lines
};

// NOTIFY_SOCKET, and WATCHDOG_USEC when WATCHDOG_PID is `pid` or not set. What cannot be read counts as not set.
[[nodiscard]] NotifyOptions notify_options(const Surroundings& around, std::int64_t pid);

// One line for people: "2 files, 1234 events, 0 bytes behind", or what is wrong.
[[nodiscard]] std::string status_line(const StatusSnapshot& snapshot);

class Notify final {
 public:
  Notify(NotifyOptions options, const Clock& clock, Log& log);

  void ready();
  void reloading();
  void stopping();
  // Why we are about to end, or what we wait for.
  void status(std::string_view text);

  // Something else than the worker has gone on: parts were ended or opened.
  void feed();
  // Once a turn of the loop. `worker_turns` has grown if the worker lives; nullopt while it has ended and owes nothing.
  void turned(std::optional<std::uint64_t> worker_turns, const StatusSnapshot& snapshot);

 private:
  void send(const std::string& message);

  const NotifyOptions options_;
  const Clock& clock_;
  Log& log_;
  Fd socket_;
  std::int64_t fed_ns_ = 0;
  std::int64_t status_ns_ = 0;
  std::optional<std::uint64_t> worker_turns_;  // when it was last fed
  std::string status_;
  bool stuck_ = false;
  bool failed_ = false;
};

}  // namespace tapewatch

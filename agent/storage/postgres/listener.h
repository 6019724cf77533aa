// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgListener: a connection and a thread that hear what other processes say on the channel of commits. Whenever
// something may have been missed (lost connection, a new one), the listeners are told that any table changed.
// Thread: its own.

#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/postgres/commits.h"
#include "storage/postgres/wire.h"

namespace tapewatch {

class PgListener final {
 public:
  struct Options {
    std::string server;
    std::chrono::milliseconds connect_wait_max{2000};
    std::chrono::milliseconds ping_interval{10000};
    std::chrono::milliseconds reconnect_wait{200};
  };

  PgListener(Options options, PgCommits& commits, const Clock& clock, std::shared_ptr<PgCounts> counts);
  ~PgListener();
  PgListener(const PgListener&) = delete;
  PgListener& operator=(const PgListener&) = delete;

  [[nodiscard]] bool listening() const { return listening_.load(std::memory_order_relaxed); }

 private:
  void run();
  void listen(PgWire& wire);
  [[nodiscard]] Status ask(PgWire& wire, const std::string& command) const;

  const Options options_;
  PgCommits& commits_;
  const Clock& clock_;
  const std::shared_ptr<PgCounts> counts_;
  std::stop_source stop_;
  const std::stop_token stop_token_ = stop_.get_token();
  std::atomic<bool> listening_{false};
  Mutex mutex_;
  Condition stopping_;
  std::thread thread_;
};

}  // namespace tapewatch

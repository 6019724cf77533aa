// SPDX-License-Identifier: Apache-2.0
#pragma once
// RedisListener: a thread of its own that hears which tables any process invalidated, by the server's tracking of the
// tables' keys (RESP2: one connection tracks and redirects to another that is subscribed). Loses it the connection, it
// says so before and after: what was missed in between is not known. Owned by the Redis level.

#include <atomic>
#include <string>
#include <thread>

#include "base/files.h"
#include "storage/redis_connection.h"

namespace tapewatch {

class RedisListener final {
 public:
  // `connected` runs on the listener's thread whenever the server answers again.
  RedisListener(const RedisOptions& options, std::string prefix, SecondLevel::Heard heard,
                std::function<void()> connected);
  ~RedisListener();
  RedisListener(const RedisListener&) = delete;
  RedisListener& operator=(const RedisListener&) = delete;

  [[nodiscard]] std::int64_t heard() const { return heard_count_; }
  [[nodiscard]] std::int64_t losses() const { return losses_; }
  [[nodiscard]] bool listening() const { return listening_; }

 private:
  void run();
  [[nodiscard]] Status listen_once();
  [[nodiscard]] Status hear(RedisConnection& subscriber, RedisConnection& tracker);
  [[nodiscard]] Status ping(RedisConnection& subscriber, RedisConnection& tracker);
  void take_message(const RedisReply& message);
  // False when the thread is to end.
  [[nodiscard]] bool rest(std::chrono::milliseconds time, int also_fd, bool& readable) const;

  const RedisOptions options_;
  const std::string prefix_;
  const SecondLevel::Heard heard_;
  const std::function<void()> connected_;
  Fd stop_;
  std::atomic<std::int64_t> heard_count_{0};
  std::atomic<std::int64_t> losses_{0};
  std::atomic<bool> listening_{false};
  std::thread thread_;  // last
};

}  // namespace tapewatch

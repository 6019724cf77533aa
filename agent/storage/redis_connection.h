// SPDX-License-Identifier: Apache-2.0
#pragma once
// RedisConnection: one socket to a Redis server, every round trip with a deadline. Its own input and output (no signal
// when the peer is gone, no wait beyond the deadline); hiredis only takes replies apart. After any error it is of no
// more use. Thread: one at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "tapewatch/redis_level.h"

struct redisReader;

namespace tapewatch {

struct RedisReply {
  enum class Kind : std::uint8_t { nil, text, integer, error, list };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;
  std::vector<RedisReply> items;
};

class RedisConnection final {
 public:
  using Command = std::vector<std::string_view>;

  // Connects and signs in.
  [[nodiscard]] static Result<std::unique_ptr<RedisConnection>> open(const RedisOptions& options,
                                                                     std::chrono::milliseconds wait_max);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // All commands in one round trip; one reply each. A reply of kind error is a reply.
  [[nodiscard]] Result<std::vector<RedisReply>> call(const std::vector<Command>& commands,
                                                     std::chrono::milliseconds wait_max);
  [[nodiscard]] Status send(const std::vector<Command>& commands, std::chrono::milliseconds wait_max);
  // Code::timeout when none came in time: the one error after which the connection is still good, if `wait_max` was
  // spent waiting for a message that nobody promised.
  [[nodiscard]] Result<RedisReply> receive(std::chrono::milliseconds wait_max);
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  RedisConnection(Fd socket, std::size_t reply_bytes_max);
  [[nodiscard]] Status wait_until(short events, std::int64_t deadline_ns) const;
  [[nodiscard]] Result<RedisReply> receive_until(std::int64_t deadline_ns);

  struct CloseReader {
    void operator()(redisReader* reader) const;
  };
  const SystemClock clock_;
  const Fd socket_;
  const std::size_t reply_bytes_max_;
  std::unique_ptr<redisReader, CloseReader> reader_;
  std::size_t reply_bytes_ = 0;  // fed since the last whole reply
};

}  // namespace tapewatch

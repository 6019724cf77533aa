// SPDX-License-Identifier: Apache-2.0
#pragma once
// The second level of a Cache in Redis. A server that is away, slow or wrong costs the caller one deadline and, after a
// few, nothing: the circuit opens. A thread of its own hears what other processes invalidate; whenever it may have
// missed something, the cache forgets everything. Thread: any.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "tapewatch/cache.h"

namespace tapewatch {

struct RedisOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string unix_path;  // instead of host and port
  std::string user;
  std::string password;
  std::string prefix = "tapewatch";  // of every key
  std::string version = "1";         // of what the values mean: change it with the schema, old values are never read
  std::chrono::milliseconds connect_wait_max{50};
  std::chrono::milliseconds reply_wait_max{5};  // for one round trip, of a caller
  std::chrono::milliseconds ping_interval{1000};
  std::chrono::milliseconds listen_wait_max{500};  // for one round trip, of the listener
  int connections_max = 4;
  int failures_max = 3;                      // in a row, then the circuit opens
  std::chrono::milliseconds open_for{1000};  // then one caller tries again
  std::size_t value_bytes_max = 1u << 20;
};
// Connects when first used: that Redis is away is never an error.
[[nodiscard]] TAPEWATCH_API std::unique_ptr<SecondLevel> redis_level(RedisOptions options);

}  // namespace tapewatch

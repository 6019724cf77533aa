// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cache: values that were costly to get, by key, bounded by bytes. One load for concurrent misses, early refresh of
// what is about to expire, short-lived "there is none", invalidation by the tables that a value was made of. A second
// level (redis_level.h) may stand behind it; its troubles are counted and never reach the caller. Thread: any. Loads
// run on the caller's thread; no lock is held meanwhile.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tapewatch/api.h"
#include "tapewatch/result.h"

namespace tapewatch {

// What several processes share behind their caches. Nothing here fails: what cannot be had is a miss. Thread: any.
class TAPEWATCH_API SecondLevel {
 public:
  using Tables = std::span<const std::string_view>;
  struct Found {
    bool hit = false;
    std::optional<std::string> value;  // of a hit; nullopt: known not to exist
    std::chrono::milliseconds ttl{0};  // what is left of a hit's life
    std::string token;                 // state of the tables before the load that follows a miss; empty: do not put
  };
  struct Stats {
    std::int64_t hits = 0;
    std::int64_t misses = 0;
    std::int64_t puts = 0;
    std::int64_t failures = 0;  // time-outs, lost connections, replies that make no sense
    std::int64_t skipped = 0;   // not asked: the circuit is open, or every connection is in use
    std::int64_t invalidations_sent = 0;
    std::int64_t invalidations_waiting = 0;  // to be sent when the server is back
    std::int64_t invalidations_heard = 0;
    std::int64_t listener_losses = 0;
    bool listening = false;
    bool circuit_open = false;
  };
  // Called with a table that some process invalidated; empty: anything may have been missed, forget everything.
  using Heard = std::function<void(std::string_view table)>;

  virtual ~SecondLevel() = default;
  [[nodiscard]] virtual Found get(std::string_view key, Tables tables) = 0;
  virtual void put(std::string_view key, const std::optional<std::string>& value, std::chrono::milliseconds ttl,
                   Tables tables, std::string_view token) = 0;
  virtual void invalidate(Tables tables) = 0;
  // The same, soon and on another thread; get() misses values of these tables until then.
  virtual void invalidate_later(Tables tables) { invalidate(tables); }
  // Once, by the cache; `heard` may be called on another thread until the destructor has returned.
  virtual void listen(Heard heard) = 0;
  [[nodiscard]] virtual Stats stats() const = 0;
};

class TAPEWATCH_API Cache final {
 public:
  using Value = std::shared_ptr<const std::string>;  // null: the source says there is none
  using Load = std::function<Result<std::optional<std::string>>()>;
  using Tables = SecondLevel::Tables;

  struct Options {
    std::size_t bytes_max = 64u << 20;
    std::size_t shards = 16;
    std::size_t tables_max = 1024;         // names told apart; all further ones are invalidated together
    std::chrono::milliseconds ttl{60000};  // the last bound on stale values
    std::chrono::milliseconds negative_ttl{2000};
    double ttl_jitter = 0.1;  // a life is shortened by up to this share, so that few end together
    double early_beta = 1.0;  // how eager the early refresh is (XFetch); 0: none
    std::chrono::milliseconds load_wait_max{10000};       // for somebody else's load of the same key
    std::chrono::microseconds second_level_cost_min{50};  // cheaper loads do not go to the second level
    std::uint64_t seed = 0;                               // of jitter and early refresh; 0: the kernel's
    std::function<std::int64_t()> steady_ns;              // the clock; empty: the system's
  };

  struct Request {
    std::chrono::milliseconds ttl{0};   // 0: that of the options
    Tables tables{};                    // what the value is made of; the names need live during the call only
    std::chrono::microseconds cost{0};  // of a load, when known: below second_level_cost_min only this cache is asked
  };

  struct Stats {
    std::int64_t hits = 0;  // with the negative ones
    std::int64_t negative_hits = 0;
    std::int64_t misses = 0;
    std::int64_t joined = 0;  // misses that waited for somebody else's load
    std::int64_t loads = 0;
    std::int64_t loads_failed = 0;
    std::int64_t loads_outdated = 0;  // invalidated while they ran: given to their callers, not kept
    std::int64_t early_refreshes = 0;
    std::int64_t waits_expired = 0;
    std::int64_t expired = 0;
    std::int64_t invalidated = 0;
    std::int64_t evicted = 0;
    std::int64_t too_large = 0;
    std::int64_t entries = 0;
    std::int64_t bytes = 0;
    SecondLevel::Stats second;
  };

  explicit Cache(Options options, std::unique_ptr<SecondLevel> second = nullptr);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // The value, from here, the second level, or `load`. An error of `load` goes to everyone who waited for it and is not
  // kept. Code::timeout when somebody else's load takes too long, Code::invalid when `load` asks for its own key.
  [[nodiscard]] Result<Value> get_or_load(std::string_view key, const Request& request, const Load& load);
  // What is here; nullopt when nothing is.
  [[nodiscard]] std::optional<Value> peek(std::string_view key);
  // After the commit of a write to these tables, here and (through the second level) in the other processes. No load
  // that began before is kept; no caller that comes after gets its value.
  void invalidate(Tables tables);
  // The same without waiting for the second level: it sends the word as soon as it can, and is not asked for values of
  // these tables before it has. An empty name is every table (the second level knows only names).
  void invalidate_later(Tables tables);
  // Forgets everything, here only.
  void clear();
  [[nodiscard]] Stats stats() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewatch

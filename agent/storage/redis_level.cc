// SPDX-License-Identifier: Apache-2.0
// The second level in Redis. A table's state is a random token under <prefix>:<version>:t:<table>; a value carries the
// tokens that held before its load, and is one only while they still do. So invalidating is one SET, and a value that
// was loaded before it can be stored after it without harm.
#include "tapewatch/redis_level.h"

#include <algorithm>
#include <array>
#include <map>
#include <thread>

#include "base/hash.h"
#include "storage/circuit_breaker.h"
#include "storage/redis_listener.h"

namespace tapewatch {
namespace {

constexpr std::size_t token_size = 16;

std::string new_token() {
  Hash128 random{random64(), 0};
  return to_hex(random).substr(0, token_size);
}

class RedisLevel final : public SecondLevel {
 public:
  ~RedisLevel() override;
  explicit RedisLevel(RedisOptions options)
      : options_(std::move(options)),
        prefix_(options_.prefix + ":" + options_.version + ":"),
        breaker_(options_.failures_max, options_.open_for) {}

  Found get(std::string_view key, Tables tables) override;
  void put(std::string_view key, const std::optional<std::string>& value, std::chrono::milliseconds ttl, Tables tables,
           std::string_view token) override;
  void invalidate(Tables tables) override {
    note_waiting(tables);
    send_waiting();
  }
  void invalidate_later(Tables tables) override EXCLUDES(mutex_);
  void listen(Heard heard) override;
  Stats stats() const override;

 private:
  using Replies = std::vector<RedisReply>;

  std::string table_key(std::string_view table) const { return prefix_ + "t:" + std::string(table); }
  std::string value_key(std::string_view key) const { return prefix_ + "v:" + std::string(key); }
  // nullopt when it was not tried, or failed; both are counted.
  std::optional<Replies> ask(const std::vector<RedisConnection::Command>& commands);
  std::optional<Replies> ask_on(std::unique_ptr<RedisConnection> connection,
                                const std::vector<RedisConnection::Command>& commands);
  void note_waiting(Tables tables) EXCLUDES(mutex_);
  void send_waiting() EXCLUDES(mutex_);
  void run_sender() EXCLUDES(mutex_);
  void renew_missing(const std::vector<std::string>& keys, const RedisReply& states);
  void count(std::int64_t Stats::*what) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++(stats_.*what);
  }

  const RedisOptions options_;
  const std::string prefix_;
  const SystemClock clock_;
  CircuitBreaker breaker_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<RedisConnection>> idle_ GUARDED_BY(mutex_);
  int leased_ GUARDED_BY(mutex_) = 0;
  Stats stats_ GUARDED_BY(mutex_);
  // Tables whose invalidation is not sent yet, each with the number of the call that asked for it last.
  std::map<std::string, std::uint64_t, std::less<>> waiting_ GUARDED_BY(mutex_);
  std::uint64_t calls_ GUARDED_BY(mutex_) = 0;
  Condition wake_sender_;
  bool to_send_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread sender_ GUARDED_BY(mutex_);
  std::unique_ptr<RedisListener> listener_;  // last: its thread uses what is above
};

std::optional<RedisLevel::Replies> RedisLevel::ask(const std::vector<RedisConnection::Command>& commands) {
  std::unique_ptr<RedisConnection> connection;
  {
    MutexLock lock(mutex_);
    if (leased_ >= options_.connections_max || !breaker_.allow(clock_.steady_ns())) {
      ++stats_.skipped;
      return std::nullopt;
    }
    ++leased_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  std::optional<Replies> out = ask_on(std::move(connection), commands);
  MutexLock lock(mutex_);
  --leased_;
  if (out) {
    breaker_.succeeded();
  } else {
    breaker_.failed(clock_.steady_ns());
    ++stats_.failures;
    idle_.clear();  // of the same server: likely dead as well
  }
  return out;
}

std::optional<RedisLevel::Replies> RedisLevel::ask_on(std::unique_ptr<RedisConnection> connection,
                                                      const std::vector<RedisConnection::Command>& commands) {
  if (connection == nullptr) {
    Result<std::unique_ptr<RedisConnection>> opened = RedisConnection::open(options_, options_.connect_wait_max);
    if (!opened.ok()) return std::nullopt;
    connection = std::move(opened).value();
  }
  Result<Replies> replies = connection->call(commands, options_.reply_wait_max);
  if (!replies.ok()) return std::nullopt;
  const auto refused = [](const RedisReply& reply) { return reply.kind == RedisReply::Kind::error; };
  if (std::any_of(replies->begin(), replies->end(), refused)) return std::nullopt;
  MutexLock lock(mutex_);
  idle_.push_back(std::move(connection));
  return std::move(replies).value();
}

SecondLevel::Found RedisLevel::get(std::string_view key, Tables tables) {
  Found out;
  {
    // Until the others have been told of our own writes, what they left there may be outdated.
    MutexLock lock(mutex_);
    for (const std::string_view table : tables) {
      if (!waiting_.contains(table)) continue;
      ++stats_.skipped;
      return out;
    }
  }
  const std::string name = value_key(key);
  std::vector<std::string> names;
  for (const std::string_view table : tables) names.push_back(table_key(table));
  RedisConnection::Command states{"MGET", name};
  states.insert(states.end(), names.begin(), names.end());
  const std::optional<Replies> replies = ask({states, {"PTTL", name}});
  if (!replies || replies->front().items.size() != names.size() + 1) return out;
  const std::vector<RedisReply>& items = replies->front().items;
  std::string token = "-";  // never empty, also without tables
  for (std::size_t i = 1; i < items.size(); ++i) token += items[i].text;
  if (token.size() != 1 + names.size() * token_size) {
    renew_missing(names, replies->front());
    count(&Stats::misses);
    return out;
  }
  const std::string& stored = items.front().text;
  out.token = token;
  out.ttl = std::chrono::milliseconds((*replies)[1].integer);
  out.hit = stored.size() > token.size() && stored.starts_with(token) && out.ttl.count() > 0;
  count(out.hit ? &Stats::hits : &Stats::misses);
  if (out.hit && stored[token.size()] == 'v') out.value = stored.substr(token.size() + 1);
  return out;
}

// A table without a state gets one; what is loaded meanwhile is not shared.
void RedisLevel::renew_missing(const std::vector<std::string>& keys, const RedisReply& states) {
  const std::string token = new_token();
  std::vector<RedisConnection::Command> commands;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const RedisReply& state = states.items[i + 1];
    if (state.kind == RedisReply::Kind::nil) commands.push_back({"SET", keys[i], token, "NX"});
    if (state.kind != RedisReply::Kind::nil && state.text.size() != token_size)
      commands.push_back({"SET", keys[i], token});
  }
  (void)ask(commands);
}

void RedisLevel::put(std::string_view key, const std::optional<std::string>& value, std::chrono::milliseconds ttl,
                     Tables, std::string_view token) {
  if (token.empty() || ttl.count() <= 0 || (value && value->size() > options_.value_bytes_max)) return;
  const std::string bytes = std::string(token) + (value ? "v" + *value : "n");
  const std::string life = std::to_string(ttl.count());
  if (ask({{"SET", value_key(key), bytes, "PX", life}})) count(&Stats::puts);
}

void RedisLevel::note_waiting(Tables tables) {
  MutexLock lock(mutex_);
  ++calls_;
  for (const std::string_view table : tables) {
    if (!table.empty()) waiting_.insert_or_assign(std::string(table), calls_);
  }
}

void RedisLevel::invalidate_later(Tables tables) {
  note_waiting(tables);
  MutexLock lock(mutex_);
  if (!sender_.joinable()) sender_ = std::thread([this] { run_sender(); });
  to_send_ = true;
  wake_sender_.notify_one();
}

// What cannot be sent now waits for the listener, which tries again.
void RedisLevel::run_sender() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!to_send_ && !stopping_) wake_sender_.wait(mutex_);
      if (!to_send_) return;
      to_send_ = false;
    }
    send_waiting();
  }
}

RedisLevel::~RedisLevel() {
  std::thread sender;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_sender_.notify_one();
    sender = std::move(sender_);
  }
  if (sender.joinable()) sender.join();
}

void RedisLevel::send_waiting() {
  std::vector<std::pair<std::string, std::uint64_t>> tables;
  {
    MutexLock lock(mutex_);
    tables.assign(waiting_.begin(), waiting_.end());
  }
  if (tables.empty()) return;
  const std::string token = new_token();
  std::vector<std::string> keys;
  keys.reserve(tables.size());
  for (const auto& [table, call] : tables) keys.push_back(table_key(table));
  std::vector<RedisConnection::Command> commands;
  commands.reserve(keys.size());
  for (const std::string& key : keys) commands.push_back({"SET", key, token});
  if (!ask(commands)) return;
  MutexLock lock(mutex_);
  for (const auto& [table, call] : tables) {
    // Invalidated again meanwhile: that commit may be younger than what was sent.
    const auto entry = waiting_.find(table);
    if (entry != waiting_.end() && entry->second == call) waiting_.erase(entry);
  }
  stats_.invalidations_sent += static_cast<std::int64_t>(tables.size());
}

void RedisLevel::listen(Heard heard) {
  listener_ = std::make_unique<RedisListener>(options_, prefix_ + "t:", std::move(heard), [this] { send_waiting(); });
}

SecondLevel::Stats RedisLevel::stats() const {
  MutexLock lock(mutex_);
  Stats out = stats_;
  out.invalidations_waiting = static_cast<std::int64_t>(waiting_.size());
  out.circuit_open = breaker_.open();
  if (listener_ == nullptr) return out;
  out.invalidations_heard = listener_->heard();
  out.listener_losses = listener_->losses();
  out.listening = listener_->listening();
  return out;
}

}  // namespace

std::unique_ptr<SecondLevel> redis_level(RedisOptions options) {
  return std::make_unique<RedisLevel>(std::move(options));
}

}  // namespace tapewatch

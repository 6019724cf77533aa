// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgRowStream::State: a cursor in a read-only snapshot on a connection of its own, asked for about as many bytes at a
// time as the options say. The server is told to end the snapshot when nobody reads for its age, and a stream with a
// key then goes on behind its last row in a new one, as it does when the connection is lost. Thread: one at a time;
// cancel() any.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "storage/postgres/store_state.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

class PgRowStream::State final {
 public:
  State(PgStore::State& store, const std::string& sql, std::span<const Value> arguments, const StreamOptions& options);
  ~State() { let_go(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[nodiscard]] Result<bool> run(const std::function<bool(const PgRows&)>& visit);
  void cancel() { stop_.request_stop(); }
  [[nodiscard]] std::int64_t snapshots() const { return snapshots_.load(std::memory_order_relaxed); }
  [[nodiscard]] PgStore::State& store() { return store_; }

 private:
  struct Kept {
    Value value;
    std::string bytes;
    [[nodiscard]] Value view() const;
  };
  [[nodiscard]] static Kept keep(const Value& value) { return Kept{value, std::string(value.bytes)}; }

  [[nodiscard]] Status open();
  [[nodiscard]] Status declare();
  [[nodiscard]] Status fetch();
  [[nodiscard]] Status fetch_again();
  [[nodiscard]] Status receive();
  void remember();
  void let_go();
  [[nodiscard]] bool old() const;
  [[nodiscard]] Result<bool> walk(const std::function<bool(const PgRows&)>& visit);

  PgStore::State& store_;
  const std::string sql_;
  const StreamOptions options_;
  const std::int64_t age_max_ns_;
  std::vector<Kept> arguments_;
  std::stop_source stop_;
  const std::stop_token stop_token_ = stop_.get_token();
  std::atomic<std::int64_t> snapshots_{0};

  std::mutex mutex_;  // of what follows
  std::optional<PgPool::Lease> lease_;
  std::int64_t since_ns_ = 0;
  std::shared_ptr<PgRowBuffer> buffer_;
  std::optional<PgRows> rows_;
  bool on_row_ = false;       // rows_ stands on one
  bool in_answer_ = false;    // the answer of the last FETCH is not all here
  bool last_ = false;         // nothing is behind what is here
  std::size_t asked_ = 0;     // rows of the last FETCH
  std::size_t received_ = 0;  // of them
  std::size_t widest_ = 0;    // bytes of a row, seen so far
  std::optional<Error> failed_;
};

}  // namespace tapewatch

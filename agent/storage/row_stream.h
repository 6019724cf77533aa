// SPDX-License-Identifier: Apache-2.0
#pragma once
// RowStream::State: one statement that is stepped when somebody asks for rows, on a connection that it keeps only as
// long as its snapshot may live. Streams: all of a store's, so that the writer can let go of old snapshots that nobody
// is reading. Thread: any; a stream's rows one at a time.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/reader_pool.h"
#include "tapewatch/storage.h"

namespace tapewatch {

// An argument or key that owns its bytes.
struct KeptValue {
  Value value;
  std::string bytes;
  [[nodiscard]] Value view() const {
    Value out = value;
    out.bytes = bytes;
    return out;
  }
};
[[nodiscard]] KeptValue keep(const Value& value);

class RowStream::State final {
 public:
  using Submit = std::function<void(std::function<Status()> work, Store::Done done, CallOptions options)>;
  State(ReaderPool& readers, const Clock& clock, Submit submit, std::string sql, std::vector<KeptValue> arguments,
        StreamOptions options)
      : readers_(readers),
        clock_(clock),
        submit_(std::move(submit)),
        sql_(std::move(sql)),
        options_(options),
        arguments_(std::move(arguments)) {}
  ~State() { let_go(); }

  Result<bool> run(const std::function<bool(const Rows&)>& visit);
  // Lets go of a snapshot that is older than its limit, or of any when `pressed`, unless it is being read right now.
  void expire(std::int64_t now_ns, bool pressed);
  void cancel() { stop_.request_stop(); }
  [[nodiscard]] std::int64_t snapshots() const { return snapshots_; }
  // When the snapshot began; 0: there is none.
  [[nodiscard]] std::int64_t since_ns() const { return since_ns_; }
  [[nodiscard]] const Submit& submit() const { return submit_; }

 private:
  Status open();
  void let_go();
  Status go_on_later();
  Result<bool> step_rows(const std::function<bool(const Rows&)>& visit);
  [[nodiscard]] std::int64_t age_max_ns() const { return std::chrono::nanoseconds(options_.age_max).count(); }

  ReaderPool& readers_;
  const Clock& clock_;
  const Submit submit_;
  const std::string sql_;
  const StreamOptions options_;
  std::stop_source stop_;
  const std::stop_token stop_token_ = stop_.get_token();
  std::mutex mutex_;  // what follows; held while rows are read
  std::vector<KeptValue> arguments_;
  std::optional<ReaderPool::Lease> lease_;
  std::optional<Rows> rows_;
  bool on_row_ = false;  // the statement stands on the row that was given last
  bool ended_ = false;
  std::optional<Error> failed_;
  std::atomic<std::int64_t> since_ns_{0};
  std::atomic<std::int64_t> snapshots_{0};
};

class Streams final {
 public:
  void add(const std::shared_ptr<RowStream::State>& stream) EXCLUDES(mutex_);
  void expire(std::int64_t now_ns, bool pressed) EXCLUDES(mutex_);
  [[nodiscard]] std::int64_t open() const EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::vector<std::shared_ptr<RowStream::State>> alive() const EXCLUDES(mutex_);
  std::atomic<bool> any_{false};
  mutable Mutex mutex_;
  std::vector<std::weak_ptr<RowStream::State>> streams_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

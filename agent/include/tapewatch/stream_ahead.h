// SPDX-License-Identifier: Apache-2.0
#pragma once
// StreamAhead<Row>: a Stream that reads the next batch on a thread of the store while its consumer is busy with the one
// before: worth it when what is done with a batch takes about as long as reading it. Holds two batches, so twice the
// memory of a Stream, and no more. Thread: one, the consumer's. It does not outlive its store.

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "tapewatch/stream.h"

namespace tapewatch {

template <typename Row>
class StreamAhead final {
 public:
  explicit StreamAhead(Stream<Row> stream) : stream_(std::move(stream)) {}
  // Ends the reading that is under way, and waits for its end.
  ~StreamAhead() {
    stream_.cancel();
    if (reading_) static_cast<void>(std::move(*reading_).get());
  }
  StreamAhead(const StreamAhead&) = delete;
  StreamAhead& operator=(const StreamAhead&) = delete;

  // The next batch, which is valid until the next call; null at the end.
  [[nodiscard]] Result<const RowBatch<Row>*> next() {
    if (!reading_) begin();
    const Result<bool> more = std::move(*reading_).get();
    reading_.reset();
    if (!more.ok()) return more.error();
    if (!more.value()) return static_cast<const RowBatch<Row>*>(nullptr);
    const RowBatch<Row>* const ready = &batches_[into_];
    into_ = 1 - into_;
    begin();
    return ready;
  }
  template <typename Visit>
  [[nodiscard]] Status for_each(Visit&& visit) {
    for (;;) {
      const Result<const RowBatch<Row>*> batch = next();
      if (!batch.ok()) return batch.error();
      if (batch.value() == nullptr) return success();
      for (const Row& row : batch.value()->rows()) visit(row);
    }
  }
  void cancel() { stream_.cancel(); }

 private:
  void begin() { reading_.emplace(stream_.next_async(batches_[into_])); }

  Stream<Row> stream_;
  std::array<RowBatch<Row>, 2> batches_;
  std::size_t into_ = 0;
  std::optional<Pending<bool>> reading_;
};

}  // namespace tapewatch

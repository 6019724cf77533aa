// SPDX-License-Identifier: Apache-2.0
#include "sinks/store_sink.h"

#include <utility>

namespace tapewatch {
namespace {

std::size_t bytes_of(const StoreBatch& batch) { return batch.documents.documents.size(); }

}  // namespace

StoreSink::StoreSink(Options options, LogStore& store, Loop& loop, Log& log, Acked acked)
    : options_(options), store_(store), loop_(loop), log_(log), acked_(std::move(acked)), retry_(loop, [this] {
        pump();
      }) {}

StoreSink::~StoreSink() { *alive_ = false; }

void StoreSink::accept(StoreBatch batch) {
  queued_bytes_ += bytes_of(batch);
  queue_.push_back(std::move(batch));
  pump();
}

void StoreSink::pump() {
  if (in_flight_ > 0 || queue_.empty() || retry_.running()) return;
  LogBatch joined;
  std::size_t count = 0;
  for (const StoreBatch& batch : queue_) {
    if (count > 0 && joined.documents.size() + bytes_of(batch) > options_.batch_bytes_max) break;
    joined.add_all(batch.documents);
    ++count;
  }
  Loop& loop = loop_;
  const Status taken = store_.append(std::move(joined), [this, &loop, alive = alive_](const Status& status) {
    loop.post([this, alive, status] {
      if (*alive) committed(status);
    });
  });
  if (taken.ok()) {
    in_flight_ = count;
    return;
  }
  ++retries_;
  log_.warn("the embedded store takes nothing at the moment", {{"reason", taken.error().message}});
  retry_.start(options_.retry);
}

void StoreSink::committed(const Status& status) {
  const std::size_t count = std::exchange(in_flight_, 0);
  if (!status.ok()) {
    ++retries_;
    log_.error("the embedded store could not commit", {{"reason", status.error().message}});
    retry_.start(options_.retry);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    StoreBatch batch = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= bytes_of(batch);
    Delivered delivered;
    delivered.number = next_number_++;
    delivered.items = batch.documents.records.size();
    delivered.oldest_read_ns = batch.oldest_read_ns;
    delivered.spans = std::move(batch.spans);
    acked_(delivered);
  }
  pump();
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// StoreFeed: collects documents for the embedded log store, with the file positions they come from, and seals them by
// bytes or age. Thread: worker. Sealed batches leave through `emit`.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/batch.h"
#include "event/event.h"
#include "tapewatch/log_store.h"

namespace tapewatch {

struct StoreBatch {
  LogBatch documents;
  std::vector<Span> spans;
  std::int64_t oldest_read_ns = 0;  // steady
};

struct StoreFeedOptions {
  std::size_t bytes_max = 1u << 20;
  std::int64_t age_ns_max = 50 * ns_per_ms;
};

class StoreFeed final {
 public:
  using Emit = std::function<void(StoreBatch)>;
  StoreFeed(StoreFeedOptions options, Emit emit) : options_(options), emit_(std::move(emit)) {}

  void begin_block(std::uint64_t file, std::uint64_t begin, std::int64_t read_ns);
  // `document` is the event as it is delivered; copied.
  void add(const Event& event, const Hash128& id, std::string_view document);
  void end_block(std::uint64_t end);
  // A document of our own (an alert). With the line that gave rise to it, it is stored once even when that line is read
  // again after a crash; without (offset nullopt), it is always stored.
  void add_document(std::int64_t time_ns, Level level, const Hash128& id, std::optional<std::uint64_t> offset,
                    std::string_view document);

  void seal_if_due(std::int64_t steady_ns);
  void seal();

 private:
  void cover(std::uint64_t end);

  const StoreFeedOptions options_;
  const Emit emit_;
  StoreBatch batch_;
  Span open_span_;
  std::int64_t block_read_ns_ = 0;
  std::int64_t opened_ns_ = 0;  // 0: the batch is empty
};

}  // namespace tapewatch

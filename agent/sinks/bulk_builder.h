// SPDX-License-Identifier: Apache-2.0
#pragma once
// BulkBuilder: encodes events into the newline-delimited JSON of Elasticsearch's bulk interface, one `create` action
// and one document per event, straight into the body that will be sent: the one copy. Seals a Batch by bytes, count or
// age. Thread: worker. It never looks at the network; sealed batches leave through `emit`.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "event/batch.h"
#include "event/event.h"
#include "sinks/gzip.h"

namespace tapewatch {

struct BulkBuilderOptions {
  std::string data_stream = "logs-tapewatch.app-default";  // or
  std::string index;                 // "trading-%Y.%m.%d": named by each event's own time (UTC); empty: the data stream
  std::size_t bytes_max = 2u << 20;  // of one body; a single larger document goes alone
  std::size_t events_max = 50'000;
  std::int64_t age_ns_max = 500 * ns_per_ms;
  bool gzip = false;
};

class BulkBuilder final {
 public:
  using Emit = std::function<void(Batch)>;
  BulkBuilder(BulkBuilderOptions options, Emit emit);

  // A block of `file` starts at `begin`; its lines follow, then end_block().
  void begin_block(std::uint64_t file, std::uint64_t begin, std::int64_t read_ns);
  // Encodes the event; the document's bytes stay valid until the next call. Seals before it when the batch would pass
  // bytes_max.
  [[nodiscard]] std::string_view add(Event& event, const Hash128& id);
  // Everything of the block up to `end` is accounted for.
  void end_block(std::uint64_t end);

  // A document of our own (an alert) for an index or data stream of its own. It has no span.
  void add_document(std::string_view index, const Hash128& id, std::string_view document);

  // Seals when the oldest line of the batch is older than age_ns_max.
  void seal_if_due(std::int64_t steady_ns);
  void seal();

 private:
  void open_item(std::string_view index, const Hash128& id);
  void close_item();
  void cover(std::uint64_t end);
  [[nodiscard]] std::string_view index_of(std::int64_t time_ns);

  const BulkBuilderOptions options_;
  const Emit emit_;
  Batch batch_;
  std::uint64_t next_number_ = 1;
  Span open_span_;  // of the current block: what is not yet covered by a sealed batch
  bool in_block_ = false;
  std::int64_t opened_ns_ = 0;  // read time of the oldest block in the batch; 0: the batch is empty
  std::int64_t block_read_ns_ = 0;
  std::int64_t index_hour_ = -1;  // hour that index_name_ is for
  std::string index_name_;
  Gzip gzip_{1};
};

}  // namespace tapewatch

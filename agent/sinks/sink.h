// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sink: where sealed batches end. A sink takes every batch it is given, keeps it until each of its items is finally
// resolved (delivered, known to be there already, or written durably as a dead letter), and only then says so. It never
// drops: what is unresolved when the process ends was never acknowledged and is read again. Whoever feeds it watches
// queued_bytes(). Thread: loop.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "event/batch.h"
#include "tapewatch/result.h"

namespace tapewatch {

// One batch that is resolved. Batches may resolve out of order.
struct Delivered {
  std::uint64_t number = 0;
  std::vector<Span> spans;
  std::int64_t oldest_read_ns = 0;
  std::size_t items = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void accept(Batch batch) = 0;
  // Bytes of batches that are not resolved yet.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  // Goes on until everything is resolved or the steady clock reaches `deadline_ns`, then stops for good and calls
  // `done` with true if nothing was left. A batch that comes meanwhile is
  // taken too; one that comes after the end is not, and is never acknowledged.
  virtual void drain(std::int64_t deadline_ns, std::function<void(bool all_resolved)> done) = 0;
};

// One document that an engine refused for good, with its reason. Masked like everything else that leaves the pipeline.
struct RefusedDocument {
  std::string id;        // its _id; "" when the action line has none
  std::string action;    // the action line, for a replay as it was
  std::string document;  // JSON, one line
  int status = 0;
  std::string type;    // the engine's name of the error: "document_parsing_exception"
  std::string reason;  // the engine's words, cut at a limit
  std::int64_t wall_ns = 0;
};

// Writes a dead letter durably, then calls back. The item it holds counts as resolved on success only; after a failure
// the sink asks again.
using DeadLetterStore = std::function<void(RefusedDocument, std::function<void(Status)>)>;

}  // namespace tapewatch

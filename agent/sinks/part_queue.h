// SPDX-License-Identifier: Apache-2.0
#pragma once
// PartQueue: what waits to be sent, oldest batch first. A batch is one part until something splits it: an engine that
// took only some of its items, or found it too large. Thread: loop.

#include <cstdint>
#include <list>
#include <optional>

#include "sinks/bulk.h"

namespace tapewatch {

struct Part {
  std::uint64_t job = 0;    // which batch; counts up in the order of acceptance
  std::uint64_t place = 0;  // where in the batch its first item stood: parts of one batch keep their order
  Bulk bulk;
  int attempts = 0;             // in a row without any progress
  std::int64_t ready_ns = 0;    // not before
  bool waits_for_host = false;  // not for its own sake: a host that recovers makes it ready
  bool second_chance = false;   // has items that were refused once for a race of mappings
  std::int64_t refused_ns = 0;  // when the whole request was first called malformed; 0: never
};

class PartQueue final {
 public:
  // In order of batch and place.
  void push(Part part);
  // The first part that is ready. With `strict`, one of the oldest batch only.
  [[nodiscard]] std::optional<Part> take(std::int64_t now_ns, bool strict);
  [[nodiscard]] bool has_ready(std::int64_t now_ns, bool strict) const;
  // The next moment after `now_ns` when a part becomes ready.
  [[nodiscard]] std::optional<std::int64_t> next_ns(std::int64_t now_ns) const;
  void host_recovered(std::int64_t now_ns);
  [[nodiscard]] std::size_t size() const { return parts_.size(); }

 private:
  [[nodiscard]] std::list<Part>::const_iterator find_ready(std::int64_t now_ns, bool strict) const;
  std::list<Part> parts_;
};

}  // namespace tapewatch

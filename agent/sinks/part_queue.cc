// SPDX-License-Identifier: Apache-2.0
#include "sinks/part_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tapewatch {

void PartQueue::push(Part part) {
  auto at = parts_.end();
  while (at != parts_.begin() &&
         std::pair(std::prev(at)->job, std::prev(at)->place) > std::pair(part.job, part.place)) {
    --at;
  }
  parts_.insert(at, std::move(part));
}

std::list<Part>::const_iterator PartQueue::find_ready(std::int64_t now_ns, bool strict) const {
  for (auto at = parts_.begin(); at != parts_.end(); ++at) {
    if (strict && at->job != parts_.front().job) break;
    if (at->ready_ns <= now_ns) return at;
  }
  return parts_.end();
}

std::optional<Part> PartQueue::take(std::int64_t now_ns, bool strict) {
  const auto found = find_ready(now_ns, strict);
  if (found == parts_.end()) return std::nullopt;
  const auto at = parts_.erase(found, found);  // the same place, as an iterator that may change it
  Part part = std::move(*at);
  parts_.erase(at);
  return part;
}

bool PartQueue::has_ready(std::int64_t now_ns, bool strict) const { return find_ready(now_ns, strict) != parts_.end(); }

std::optional<std::int64_t> PartQueue::next_ns(std::int64_t now_ns) const {
  std::optional<std::int64_t> next;
  for (const Part& part : parts_) {
    if (part.ready_ns > now_ns && (!next || part.ready_ns < *next)) next = part.ready_ns;
  }
  return next;
}

void PartQueue::host_recovered(std::int64_t now_ns) {
  for (Part& part : parts_) {
    if (part.waits_for_host) part.ready_ns = std::min(part.ready_ns, now_ns);
  }
}

}  // namespace tapewatch

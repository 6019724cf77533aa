// SPDX-License-Identifier: Apache-2.0
#include "tail/acks.h"

#include <algorithm>

#include "base/check.h"

namespace tapewatch {

void RangeSet::add(std::uint64_t begin, std::uint64_t end) {
  if (end <= floor_ || begin >= end) return;
  if (begin <= floor_ && above_.empty()) {  // the usual case: acknowledgements in order
    floor_ = end;
    return;
  }
  begin = std::max(begin, floor_);
  auto first = std::lower_bound(above_.begin(), above_.end(), begin,
                                [](const auto& range, std::uint64_t at) { return range.second < at; });
  auto last = first;
  for (; last != above_.end() && last->first <= end; ++last) {
    begin = std::min(begin, last->first);
    end = std::max(end, last->second);
  }
  first = above_.erase(first, last);
  if (begin > floor_) {
    above_.insert(first, {begin, end});
  } else {
    CHECK(first == above_.begin());
    floor_ = end;
  }
}

void Acks::open(std::uint64_t file, std::uint64_t offset) {
  CHECK(!files_.contains(file));
  files_.emplace(file, File{offset, offset, std::vector<RangeSet>(sinks_, RangeSet(offset)), {}});
}

void Acks::close(std::uint64_t file) {
  const auto found = files_.find(file);
  if (found == files_.end()) return;
  in_flight_bytes_ -= found->second.delivered - found->second.committed;
  files_.erase(found);
  moved_.erase(file);
}

Acks::File& Acks::reach(std::uint64_t id, std::uint64_t begin, std::uint64_t end) {
  const auto found = files_.find(id);
  CHECK(found != files_.end() && found->second.delivered == begin && begin <= end);
  found->second.delivered = end;
  in_flight_bytes_ += end - begin;
  return found->second;
}

void Acks::delivered(std::uint64_t file, std::uint64_t begin, std::uint64_t end, std::int64_t read_ns) {
  File& entry = reach(file, begin, end);
  entry.deliveries.push_back({end, read_ns});
  if (sinks_ == 0) settle(file, entry);
}

void Acks::skipped(std::uint64_t file, std::uint64_t begin, std::uint64_t end) {
  File& entry = reach(file, begin, end);
  for (RangeSet& ranges : entry.sinks) ranges.add(begin, end);
  settle(file, entry);
}

void Acks::acked(std::size_t sink, const std::vector<Span>& spans) {
  CHECK(sink < sinks_);
  for (const Span& span : spans) {
    const auto found = files_.find(span.file);
    if (found == files_.end()) continue;
    CHECK(span.begin <= span.end && span.end <= found->second.delivered);
    found->second.sinks[sink].add(span.begin, span.end);
    settle(span.file, found->second);
  }
}

void Acks::settle(std::uint64_t id, File& file) {
  std::uint64_t lowest = file.delivered;
  for (const RangeSet& ranges : file.sinks) lowest = std::min(lowest, ranges.floor());
  if (lowest == file.committed) return;
  CHECK(lowest > file.committed);
  in_flight_bytes_ -= lowest - file.committed;
  file.committed = lowest;
  const auto waits = [lowest](const Delivery& delivery) { return delivery.end > lowest; };
  file.deliveries.erase(file.deliveries.begin(), std::find_if(file.deliveries.begin(), file.deliveries.end(), waits));
  moved_.insert(id);
}

std::uint64_t Acks::committed(std::uint64_t file) const {
  const auto found = files_.find(file);
  return found == files_.end() ? 0 : found->second.committed;
}

bool Acks::all_acked(std::uint64_t file) const {
  const auto found = files_.find(file);
  return found == files_.end() || found->second.committed == found->second.delivered;
}

std::optional<std::int64_t> Acks::oldest_read_ns() const {
  std::optional<std::int64_t> oldest;
  if (in_flight_bytes_ == 0) return oldest;
  for (const auto& [id, file] : files_) {
    if (file.deliveries.empty()) continue;
    oldest = std::min(oldest.value_or(INT64_MAX), file.deliveries.front().read_ns);
  }
  return oldest;
}

std::vector<std::uint64_t> Acks::take_moved() {
  std::vector<std::uint64_t> moved(moved_.begin(), moved_.end());
  moved_.clear();
  return moved;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Acks: what was read of each file and which of it every required sink has acknowledged. Owned by the tailer.
// Thread: loop.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "event/batch.h"

namespace tapewatch {

// Half-open ranges joined from a floor upwards: everything below floor() is in the set.
class RangeSet final {
 public:
  explicit RangeSet(std::uint64_t floor) : floor_(floor) {}
  // Ranges may come in any order, overlap and repeat.
  void add(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] std::uint64_t floor() const { return floor_; }

 private:
  std::uint64_t floor_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> above_;  // sorted, apart, all above floor_
};

class Acks final {
 public:
  // With no sinks everything read counts as acknowledged.
  explicit Acks(std::size_t sinks) : sinks_(sinks) {}

  // Reading of `file` starts at `offset`: all before it is settled.
  void open(std::uint64_t file, std::uint64_t offset);
  [[nodiscard]] bool is_open(std::uint64_t file) const { return files_.contains(file); }
  // The file's numbers are dropped; later acknowledgements of it are ignored.
  void close(std::uint64_t file);

  // [begin, end), read at `read_ns`, is on its way to the sinks. REQUIRES: open, and begin is where the last call for
  // `file` ended.
  void delivered(std::uint64_t file, std::uint64_t begin, std::uint64_t end, std::int64_t read_ns);
  // As delivered(), but there is nothing in it that a sink could acknowledge.
  void skipped(std::uint64_t file, std::uint64_t begin, std::uint64_t end);
  // REQUIRES: sink < sinks. Unknown files are ignored; what was never delivered ends the program.
  void acked(std::size_t sink, const std::vector<Span>& spans);

  // Every byte below is acknowledged by every sink; 0 for a file that is not open.
  [[nodiscard]] std::uint64_t committed(std::uint64_t file) const;
  [[nodiscard]] bool all_acked(std::uint64_t file) const;
  // Bytes delivered but not committed, over all files.
  [[nodiscard]] std::uint64_t in_flight_bytes() const { return in_flight_bytes_; }
  // When the oldest of these bytes was read; nothing when there are none. Looks at every file.
  [[nodiscard]] std::optional<std::int64_t> oldest_read_ns() const;
  // The files whose committed offset moved since the last call.
  [[nodiscard]] std::vector<std::uint64_t> take_moved();

 private:
  struct Delivery {
    std::uint64_t end = 0;
    std::int64_t read_ns = 0;
  };
  struct File {
    std::uint64_t delivered = 0;
    std::uint64_t committed = 0;
    std::vector<RangeSet> sinks;
    std::vector<Delivery> deliveries;  // not committed, in order
  };
  File& reach(std::uint64_t id, std::uint64_t begin, std::uint64_t end);
  void settle(std::uint64_t id, File& file);

  const std::size_t sinks_;
  std::unordered_map<std::uint64_t, File> files_;
  std::unordered_set<std::uint64_t> moved_;
  std::uint64_t in_flight_bytes_ = 0;
};

}  // namespace tapewatch

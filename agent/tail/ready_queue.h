// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReadyQueue: whose turn it is among the files with something to read. A backlog (a file not read in this run) comes
// first, oldest file first; files that grow take turns in the order in which they had news, so none starves another.
// Owned by the tailer. Thread: loop.

#include <cstdint>
#include <set>
#include <tuple>
#include <unordered_map>

namespace tapewatch {

class ReadyQueue final {
 public:
  // `rank`: among backlogs of one age the higher comes first.
  void add_backlog(std::uint64_t id, std::int64_t mtime_ns, std::uint64_t rank) {
    add(id, {false, mtime_ns, ~rank, ++turns_, id});
  }
  void add_growing(std::uint64_t id) { add(id, {true, 0, 0, ++turns_, id}); }
  void remove(std::uint64_t id) {
    const auto at = keys_.find(id);
    if (at == keys_.end()) return;
    order_.erase(at->second);
    keys_.erase(at);
  }
  [[nodiscard]] bool contains(std::uint64_t id) const { return keys_.contains(id); }
  [[nodiscard]] bool empty() const { return order_.empty(); }
  // REQUIRES: !empty().
  [[nodiscard]] std::uint64_t first() const { return std::get<4>(*order_.begin()); }

 private:
  using Key = std::tuple<bool, std::int64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
  void add(std::uint64_t id, const Key& key) {
    if (keys_.emplace(id, key).second) order_.insert(key);
  }
  std::set<Key> order_;
  std::unordered_map<std::uint64_t, Key> keys_;
  std::uint64_t turns_ = 0;
};

}  // namespace tapewatch

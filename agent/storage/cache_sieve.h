// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sieve: entries by key, at most so many bytes. A hit only sets a bit; a hand that walks from the oldest to the newest
// clears bits and evicts the first entry without one (SIEVE, NSDI 2024). Knows nothing of time or tables.
// Thread: one at a time.

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tapewatch {

struct CacheKey {
  std::string_view text;
  std::uint64_t hash = 0;
  friend bool operator==(const CacheKey& a, const CacheKey& b) { return a.hash == b.hash && a.text == b.text; }
};
struct CacheKeyHash {
  std::size_t operator()(const CacheKey& key) const { return key.hash; }
};

struct CacheEntry {
  std::string key;
  std::uint64_t hash = 0;
  std::shared_ptr<const std::string> value;
  std::int64_t expires_ns = 0;
  std::int64_t cost_ns = 0;
  std::vector<std::uint32_t> tables;
  std::uint64_t generations = 0;  // sum of the tables' counters when the load began
  std::uint64_t epoch = 0;        // at which that sum was last found to hold
  bool visited = false;

  [[nodiscard]] std::size_t bytes() const {
    // The entry, its list and map nodes, the control block of the value.
    constexpr std::size_t overhead = sizeof(CacheEntry) + 112;
    return overhead + key.capacity() + tables.capacity() * sizeof(std::uint32_t) +
           (value == nullptr ? 0 : sizeof(std::string) + value->capacity());
  }
};

class Sieve final {
 public:
  explicit Sieve(std::size_t bytes_max) : bytes_max_(bytes_max), hand_(entries_.end()) {}

  // Null when there is none. Valid until the next put, erase or clear.
  [[nodiscard]] CacheEntry* find(const CacheKey& key);
  // Replaces an entry of the same key. False when it is larger than the whole.
  bool put(CacheEntry entry);
  void erase(const CacheKey& key);
  void clear();
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::int64_t evicted() const { return evicted_; }

 private:
  using Entries = std::list<CacheEntry>;  // newest first
  void evict_one();
  void erase(Entries::iterator at);

  const std::size_t bytes_max_;
  Entries entries_;
  std::unordered_map<CacheKey, Entries::iterator, CacheKeyHash> index_;
  Entries::iterator hand_;  // end(): starts at the oldest
  std::size_t bytes_ = 0;
  std::int64_t evicted_ = 0;
};

}  // namespace tapewatch

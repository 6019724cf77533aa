// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sieve: entries by key, at most so many bytes. A hit only sets a bit; a hand that walks from the oldest to the newest
// clears bits and evicts the first entry without one (SIEVE, NSDI 2024). Knows nothing of time or tables. Entries lie
// in chunks and are found through a flat table of tags, so that a hit costs two cache lines. Thread: one at a time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

struct CacheKey {
  std::string_view text;
  std::uint64_t hash = 0;
};

// The one cache line that a hit reads.
struct alignas(64) CacheEntry {
  std::string key;
  std::shared_ptr<const std::string> value;
  std::int64_t sure_until_ns = 0;  // before that, neither expiry nor early refresh is to be thought of
  std::uint64_t epoch : 63 = 0;    // at which `generations` was last found to hold
  std::uint64_t visited : 1 = 0;
};
static_assert(sizeof(CacheEntry) == 64);

// What belongs to it besides.
struct CacheRest {
  std::int64_t expires_ns = 0;
  std::int64_t cost_ns = 0;
  std::vector<std::uint32_t> tables{};
  std::uint64_t generations = 0;  // sum of the tables' counters when the load began
  std::uint64_t hash = 0;
  std::uint32_t older = UINT32_MAX;
  std::uint32_t newer = UINT32_MAX;
};

class Sieve final {
 public:
  explicit Sieve(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Found {
    CacheEntry* entry = nullptr;  // null when there is none; valid until the next put, erase or clear
    CacheRest* rest = nullptr;
  };
  [[nodiscard]] Found find(const CacheKey& key);
  // Replaces an entry of the same key. False when it is larger than the whole.
  bool put(CacheEntry entry, CacheRest rest);
  void erase(const CacheKey& key);
  void clear();
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::int64_t evicted() const { return evicted_; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::size_t chunk_entries = 256;
  struct Place {
    std::uint32_t tag = 0;
    std::uint32_t entry = none;  // none: free
  };
  [[nodiscard]] CacheEntry& at(std::uint32_t entry) { return (*chunks_[entry / chunk_entries])[entry % chunk_entries]; }
  static std::size_t bytes_of(const CacheEntry& entry, const CacheRest& rest);
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
  // Where the probing for a hash begins: by the bits that choose neither the tag nor the shard.
  [[nodiscard]] std::size_t home(std::uint32_t tag) const { return (tag * 0x9E3779B1U) & (places_.size() - 1); }
  [[nodiscard]] std::size_t place_of(const CacheKey& key);
  void add_place(std::uint32_t tag, std::uint32_t entry);
  void remove_place(std::size_t place);
  void grow();
  std::uint32_t take_free();
  void evict_one();
  void erase_entry(std::uint32_t entry, std::size_t place);

  const std::size_t bytes_max_;
  std::vector<Place> places_;  // linear probing; a power of two, at most three quarters used
  std::vector<std::unique_ptr<std::array<CacheEntry, chunk_entries>>> chunks_;
  std::vector<CacheRest> rests_;  // by number of the entry
  std::vector<std::uint32_t> free_;
  std::uint32_t oldest_ = none;
  std::uint32_t newest_ = none;
  std::uint32_t hand_ = none;  // none: starts at the oldest
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::int64_t evicted_ = 0;
};

}  // namespace tapewatch

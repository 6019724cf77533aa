// SPDX-License-Identifier: Apache-2.0
#include "storage/cache_sieve.h"

#include <iterator>
#include <utility>

#include "base/check.h"

namespace tapewatch {

CacheEntry* Sieve::find(const CacheKey& key) {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &*found->second;
}

bool Sieve::put(CacheEntry entry) {
  erase(CacheKey{entry.key, entry.hash});
  const std::size_t bytes = entry.bytes();
  if (bytes > bytes_max_) return false;
  while (bytes_ + bytes > bytes_max_) evict_one();
  entries_.push_front(std::move(entry));
  bytes_ += entries_.front().bytes();
  index_.emplace(CacheKey{entries_.front().key, entries_.front().hash}, entries_.begin());
  return true;
}

void Sieve::erase(const CacheKey& key) {
  const auto found = index_.find(key);
  if (found != index_.end()) erase(found->second);
}

void Sieve::clear() {
  index_.clear();
  entries_.clear();
  hand_ = entries_.end();
  bytes_ = 0;
}

void Sieve::evict_one() {
  CHECK(!entries_.empty());
  if (hand_ == entries_.end()) hand_ = std::prev(entries_.end());
  while (hand_->visited) {
    hand_->visited = false;
    hand_ = hand_ == entries_.begin() ? std::prev(entries_.end()) : std::prev(hand_);
  }
  ++evicted_;
  erase(hand_);
}

void Sieve::erase(Entries::iterator at) {
  if (hand_ == at) hand_ = at == entries_.begin() ? entries_.end() : std::prev(at);
  bytes_ -= at->bytes();
  index_.erase(CacheKey{at->key, at->hash});
  entries_.erase(at);
}

}  // namespace tapewatch

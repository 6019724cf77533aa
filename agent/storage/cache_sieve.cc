// SPDX-License-Identifier: Apache-2.0
#include "storage/cache_sieve.h"

#include <utility>

#include "base/check.h"

namespace tapewatch {

// The place of a key, or places_.size().
std::size_t Sieve::place_of(const CacheKey& key) {
  if (places_.empty()) return 0;
  const std::uint32_t tag = tag_of(key.hash);
  for (std::size_t i = home(tag);; i = (i + 1) & (places_.size() - 1)) {
    const Place& place = places_[i];
    if (place.entry == none) return places_.size();
    if (place.tag == tag && at(place.entry).key == key.text) return i;
  }
}

Sieve::Found Sieve::find(const CacheKey& key) {
  const std::size_t place = place_of(key);
  if (place == places_.size()) return {};
  const std::uint32_t number = places_[place].entry;
  return {&at(number), &rests_[number]};
}

// With its place in the table, and the control block of the value.
std::size_t Sieve::bytes_of(const CacheEntry& entry, const CacheRest& rest) {
  constexpr std::size_t overhead = sizeof(CacheEntry) + sizeof(CacheRest) + 2 * sizeof(Place) + 32;
  return overhead + entry.key.capacity() + rest.tables.capacity() * sizeof(std::uint32_t) +
         (entry.value == nullptr ? 0 : sizeof(std::string) + entry.value->capacity());
}

void Sieve::add_place(std::uint32_t tag, std::uint32_t entry) {
  std::size_t i = home(tag);
  while (places_[i].entry != none) i = (i + 1) & (places_.size() - 1);
  places_[i] = Place{tag, entry};
}

// Moves what was probed past this place back, so that no search ends too early.
void Sieve::remove_place(std::size_t place) {
  const std::size_t mask = places_.size() - 1;
  std::size_t gap = place;
  for (std::size_t i = (gap + 1) & mask; places_[i].entry != none; i = (i + 1) & mask) {
    const std::size_t distance = (i - home(places_[i].tag)) & mask;
    if (distance < ((i - gap) & mask)) continue;
    places_[gap] = places_[i];
    gap = i;
  }
  places_[gap] = Place();
}

void Sieve::grow() {
  std::vector<Place> before = std::exchange(places_, std::vector<Place>(places_.empty() ? 64 : places_.size() * 2));
  for (const Place& place : before) {
    if (place.entry != none) add_place(place.tag, place.entry);
  }
}

std::uint32_t Sieve::take_free() {
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(chunks_.size() * chunk_entries);
    CHECK(first < none - chunk_entries);
    chunks_.push_back(std::make_unique<std::array<CacheEntry, chunk_entries>>());
    rests_.resize(rests_.size() + chunk_entries);
    for (std::uint32_t i = chunk_entries; i > 0; --i) free_.push_back(first + i - 1);
  }
  const std::uint32_t entry = free_.back();
  free_.pop_back();
  return entry;
}

bool Sieve::put(CacheEntry entry, CacheRest rest) {
  erase(CacheKey{entry.key, rest.hash});
  const std::size_t bytes = bytes_of(entry, rest);
  if (bytes > bytes_max_) return false;
  while (bytes_ + bytes > bytes_max_) evict_one();
  if ((size_ + 1) * 4 > places_.size() * 3) grow();
  const std::uint32_t number = take_free();
  rest.older = newest_;
  rest.newer = none;
  (newest_ == none ? oldest_ : rests_[newest_].newer) = number;
  newest_ = number;
  add_place(tag_of(rest.hash), number);
  at(number) = std::move(entry);
  rests_[number] = std::move(rest);
  bytes_ += bytes_of(at(number), rests_[number]);
  ++size_;
  return true;
}

void Sieve::erase(const CacheKey& key) {
  const std::size_t place = place_of(key);
  if (place != places_.size()) erase_entry(places_[place].entry, place);
}

void Sieve::clear() {
  places_.clear();
  chunks_.clear();
  rests_.clear();
  free_.clear();
  oldest_ = newest_ = hand_ = none;
  size_ = 0;
  bytes_ = 0;
}

void Sieve::evict_one() {
  CHECK(size_ > 0);
  if (hand_ == none) hand_ = oldest_;
  while (at(hand_).visited != 0) {
    at(hand_).visited = 0;
    hand_ = rests_[hand_].newer == none ? oldest_ : rests_[hand_].newer;
  }
  ++evicted_;
  erase_entry(hand_, place_of(CacheKey{at(hand_).key, rests_[hand_].hash}));
}

void Sieve::erase_entry(std::uint32_t entry, std::size_t place) {
  const CacheRest& rest = rests_[entry];
  if (hand_ == entry) hand_ = rest.newer;
  (rest.older == none ? oldest_ : rests_[rest.older].newer) = rest.newer;
  (rest.newer == none ? newest_ : rests_[rest.newer].older) = rest.older;
  bytes_ -= bytes_of(at(entry), rest);
  --size_;
  remove_place(place);
  at(entry) = CacheEntry();
  rests_[entry] = CacheRest();
  free_.push_back(entry);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "enrich/link_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace tapewatch {
namespace {

constexpr std::size_t saved_head = 16 + 8 + 1 + 1;
constexpr int renewal_shift = 36;  // 2^36 ns are 69 s

// What an index slot keeps of a key: enough to know its home without a look at its link.
std::uint32_t tag_of(const Hash128& key) { return static_cast<std::uint32_t>(key.low); }

}  // namespace

LinkTable::LinkTable(std::size_t entries_max) : entries_max_(std::max<std::size_t>(entries_max, 1)) {
  CHECK(entries_max_ < UINT32_MAX / 4);
  index_.resize(std::bit_ceil(entries_max_ * 2));
  index_mask_ = index_.size() - 1;
  links_.reserve(entries_max_);  // address space only: pages come with use
}

std::size_t LinkTable::slot_of(const Hash128& key) const {
  std::size_t at = key.low & index_mask_;
  for (; index_[at].link != 0; at = (at + 1) & index_mask_) {
    if (index_[at].hash == tag_of(key) && links_[index_[at].link - 1].key == key) break;
  }
  return at;
}

void LinkTable::set(Link& link, std::string_view text, LinkStrength how_sure, std::int64_t now_ns) {
  CHECK(text.size() <= id_bytes_max);
  const bool same = link.strength == how_sure && link.id_text() == text;
  if (!same || (link.time_ns ^ now_ns) >> renewal_shift != 0) {
    const auto place = static_cast<std::size_t>(&link - links_.data());
    if (!is_changed_[place]) changed_.push_back(static_cast<std::uint32_t>(place));
    is_changed_[place] = true;
  }
  link.time_ns = now_ns;
  if (same) return;
  link.strength = how_sure;
  link.id_bytes = static_cast<std::uint8_t>(text.size());
  std::memcpy(link.id, text.data(), text.size());
}

const LinkTable::Link* LinkTable::find(const Hash128& key) {
  const Slot& slot = index_[slot_of(key)];
  if (slot.link == 0) return nullptr;
  used_[slot.link - 1] = true;
  return &links_[slot.link - 1];
}

LinkTable::Link& LinkTable::at(const Hash128& key) {
  std::size_t at = slot_of(key);
  if (index_[at].link != 0) {
    used_[index_[at].link - 1] = true;
    return links_[index_[at].link - 1];
  }
  const bool full = links_.size() == entries_max_;
  const std::uint32_t place = take_place();
  if (full) at = slot_of(key);  // the place may have been a neighbour's
  index_[at] = Slot{tag_of(key), place + 1};
  used_[place] = false;
  Link& link = links_[place];
  link.key = key;
  link.id_bytes = 0;
  return link;
}

std::uint32_t LinkTable::take_place() {
  if (links_.size() < entries_max_) {
    links_.emplace_back();
    used_.push_back(false);
    is_changed_.push_back(false);
    return static_cast<std::uint32_t>(links_.size() - 1);
  }
  while (used_[hand_]) {
    used_[hand_] = false;
    hand_ = (hand_ + 1) % entries_max_;
  }
  const auto place = static_cast<std::uint32_t>(hand_);
  hand_ = (hand_ + 1) % entries_max_;
  erase_slot(slot_of(links_[place].key));
  prefetch(links_[hand_].key);  // the next to go, most likely
  ++evictions_;
  return place;
}

// Closes the gap, so that no search ends at it too early.
void LinkTable::erase_slot(std::size_t at) {
  std::size_t gap = at;
  for (std::size_t next = (at + 1) & index_mask_; index_[next].link != 0; next = (next + 1) & index_mask_) {
    const std::size_t home = index_[next].hash & index_mask_;
    if (((next - home) & index_mask_) < ((next - gap) & index_mask_)) continue;
    index_[gap] = index_[next];
    gap = next;
  }
  index_[gap] = Slot{};
}

void LinkTable::save_one(const Link& link, std::string& out) const {
  char bytes[saved_bytes_max];
  std::memcpy(bytes, &link.key.high, 8);
  std::memcpy(bytes + 8, &link.key.low, 8);
  std::memcpy(bytes + 16, &link.time_ns, 8);
  bytes[24] = static_cast<char>(link.strength);
  bytes[25] = static_cast<char>(link.id_bytes);
  std::memcpy(bytes + saved_head, link.id, link.id_bytes);
  out.append(bytes, saved_head + link.id_bytes);
}

std::size_t LinkTable::save(std::string& out, std::size_t from, std::size_t count) const {
  const std::size_t end = from + std::min(count, links_.size() - std::min(from, links_.size()));
  out.reserve(out.size() + (end - from) * saved_bytes_max);
  for (std::size_t place = from; place < end; ++place) save_one(links_[place], out);
  return end;
}

void LinkTable::save_changes(std::string& out) {
  std::size_t bytes = out.size();
  for (const std::uint32_t place : changed_) bytes += saved_head + links_[place].id_bytes;
  out.reserve(bytes);
  for (const std::uint32_t place : changed_) save_one(links_[place], out);
  forget_changes();
}

void LinkTable::forget_changes() {
  for (const std::uint32_t place : changed_) is_changed_[place] = false;
  changed_.clear();
}

void LinkTable::restore(std::string_view saved) {
  while (saved.size() >= saved_head) {
    Hash128 key;
    std::int64_t time_ns = 0;
    std::memcpy(&key.high, saved.data(), 8);
    std::memcpy(&key.low, saved.data() + 8, 8);
    std::memcpy(&time_ns, saved.data() + 16, 8);
    const auto strength = static_cast<std::uint8_t>(saved[24]);
    const auto bytes = static_cast<std::uint8_t>(saved[25]);
    if (strength > 3 || bytes > id_bytes_max || saved.size() < saved_head + bytes) return;
    set(at(key), saved.substr(saved_head, bytes), static_cast<LinkStrength>(strength), time_ns);
    saved.remove_prefix(saved_head + bytes);
  }
}

}  // namespace tapewatch

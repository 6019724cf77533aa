// SPDX-License-Identifier: Apache-2.0
#pragma once
// LinkTable: which correlation id an order, a trade or a session was last seen with. Its memory is bounded: when it is
// full, the clock algorithm takes out an entry that was not looked up since its hand came by. Keys are kept as 128-bit
// hashes, ids inline. It notes which links changed since they were last saved. Owned by the Correlator. Thread: worker.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace tapewatch {

// How sure an id is: a surer one replaces a less sure one, never the other way round.
enum class LinkStrength : std::uint8_t { generated, request, trace, explicit_id };

class LinkTable final {
 public:
  static constexpr std::size_t id_bytes_max = 64;
  static constexpr std::size_t saved_bytes_max = 26 + id_bytes_max;  // of one link

  struct Link {
    Hash128 key;
    std::int64_t time_ns = 0;
    LinkStrength strength = LinkStrength::generated;
    std::uint8_t id_bytes = 0;
    char id[id_bytes_max];
    [[nodiscard]] std::string_view id_text() const { return {id, id_bytes}; }
  };

  explicit LinkTable(std::size_t entries_max);

  // Start to load what find() and at() will need: first the index, some time later the link itself.
  void prefetch(const Hash128& key) const { __builtin_prefetch(&index_[key.low & index_mask_]); }
  void prefetch_link(const Hash128& key) const {
    const Slot& slot = index_[key.low & index_mask_];
    if (slot.link != 0) __builtin_prefetch(&links_[slot.link - 1]);
  }
  // The link of this key; nullptr when there is none. Valid until the next at().
  [[nodiscard]] const Link* find(const Hash128& key);
  // The link of this key, made without an id when there is none. Valid until the next at().
  [[nodiscard]] Link& at(const Hash128& key);

  // Gives `link`, which is of this table, an id. REQUIRES: text.size() <= id_bytes_max.
  void set(Link& link, std::string_view text, LinkStrength how_sure, std::int64_t now_ns);

  [[nodiscard]] std::size_t size() const { return links_.size(); }
  [[nodiscard]] std::uint64_t evictions() const { return evictions_; }
  // Appends at most `count` links from place `from` on, in a form that restore() reads; the place behind them. All have
  // been saved when that is size(). restore() ignores what it cannot read.
  [[nodiscard]] std::size_t save(std::string& out, std::size_t from = 0, std::size_t count = SIZE_MAX) const;
  // As save(), but those that changed since the last call. A link that was seen again is saved again about once a
  // minute of event time.
  void save_changes(std::string& out);
  void forget_changes();
  void restore(std::string_view saved);

 private:
  struct Slot {
    std::uint32_t hash = 0;  // the low bits of the key's
    std::uint32_t link = 0;  // index + 1; 0 is empty
  };
  [[nodiscard]] std::size_t slot_of(const Hash128& key) const;
  void erase_slot(std::size_t at);
  [[nodiscard]] std::uint32_t take_place();
  void save_one(const Link& link, std::string& out) const;

  const std::size_t entries_max_;
  std::size_t index_mask_;
  std::vector<Slot> index_;  // open addressing, at most half full
  std::vector<Link> links_;
  std::vector<bool> used_;  // looked up since the hand came by
  std::vector<bool> is_changed_;
  std::vector<std::uint32_t> changed_;  // places
  std::size_t hand_ = 0;
  std::uint64_t evictions_ = 0;
};

}  // namespace tapewatch

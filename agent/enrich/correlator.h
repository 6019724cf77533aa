// SPDX-License-Identifier: Apache-2.0
#pragma once
// Correlator: gives every event a correlation id, under labels.correlation_id. In this order: the event's own; its
// trace id; one learned from the stream, because its order (trade, session) was seen with it not longer than `ttl` ago,
// by event time; its request id; one made from its order, or else from its own id, so that a replay makes the same. All
// but the first say where they come from in labels.correlation_source. An event with several such keys links them: who
// knows the order then knows the trade. An id is copied into other events only when the masker finds nothing to hide in
// it. Thread: worker.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrich/ecs_fields.h"
#include "enrich/link_file.h"
#include "enrich/link_table.h"
#include "enrich/masker.h"
#include "event/event.h"

namespace tapewatch {

struct CorrelatorOptions {
  bool enabled = true;
  std::vector<std::string> keys = {"order.id", "trade.id", "session.id"};
  std::chrono::milliseconds ttl{900'000};
  std::size_t entries_max = 100'000;
};

struct CorrelatorStats {
  std::size_t entries = 0;
  std::uint64_t evictions = 0;
  std::uint64_t hits = 0;       // events that got a learned id
  std::uint64_t misses = 0;     // events that asked for one: no key of theirs is known
  std::uint64_t learned = 0;    // links made or renewed
  std::uint64_t generated = 0;  // events that got a made one
};

class Correlator final {
 public:
  static constexpr std::size_t keys_max = 16;

  // `masker` outlives the correlator.
  Correlator(const CorrelatorOptions& options, const EcsFields& ecs, FieldTable& table, Masker& masker);

  // Reads the keys of the event and starts to load what is known about them; correlate() may follow some time later.
  void prepare(Event& event);
  // Between the two, if there is something else to do: what prepare() began to load goes on.
  void prefetch() const {
    for (const Seen& seen : seen_) links_.prefetch_link(seen.hash);
  }
  // Sets correlation_id and adds the members it takes. `id` is the event's. REQUIRES: prepare() for the same event.
  void correlate(Event& event, const Hash128& id);

  [[nodiscard]] CorrelatorStats stats() const;
  // What was learned since the last call, for a LinkFile; now and then also everything, a piece a call, so that the
  // file stays short. The first call gives everything at once.
  [[nodiscard]] LinkRecords take_records();
  // The next take_records() is to give everything at once.
  void restart_records() { records_given_ = SIZE_MAX; }
  void restore(std::string_view records) { links_.restore(records); }

 private:
  struct Key {
    FieldId field = no_field;
    std::string name;  // as in labels.correlation_source
    std::uint64_t seed = 0;
  };
  struct Choice {
    std::string_view id;
    std::string_view source;  // "" for the event's own
    LinkStrength strength = LinkStrength::generated;
    bool is_in_line = false;  // stands under labels.correlation_id already
    bool is_clean = false;    // holds nothing to hide
  };
  [[nodiscard]] bool choose_own(Event& event, Choice& choice);
  [[nodiscard]] bool choose_trace(Event& event, Choice& choice);
  [[nodiscard]] bool choose_learned(Event& event, Choice& choice);
  [[nodiscard]] bool choose_request(Event& event, Choice& choice);
  void choose_made(Event& event, const Hash128& id, Choice& choice);
  void learn(const Event& event, const Choice& choice);
  void put_into(Event& event, const Choice& choice);
  [[nodiscard]] bool may_copy(const Event& event, std::string_view id);

  const bool enabled_;
  const EcsFields ecs_;
  const std::int64_t ttl_ns_;
  Masker& masker_;
  std::vector<Key> keys_;
  std::vector<FieldId> elsewhere_;  // where an event's own id may stand nested
  LinkTable links_;
  CorrelatorStats stats_;
  std::size_t records_given_ = SIZE_MAX;  // bytes, since everything was given; SIZE_MAX: it never was
  std::size_t records_whole_ = 0;         // bytes of everything
  std::size_t records_place_ = SIZE_MAX;  // up to which everything was given this time; SIZE_MAX: it is not wanted now

  struct Seen {
    const Key* key;
    Hash128 hash;
  };
  std::vector<Seen> seen_;  // keys of the current event
  std::string json_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Relation<K, V>: what the rows of one result refer to, loaded when it is first asked for. Each row gets a Lazy; how
// many are loaded when one of them is touched is the relation's mode, so that code which goes through a list row by row
// costs one fetch and not one a row. Made for one result set, over a Loader of the request, which outlives it. Thread:
// that of the loader.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tapewatch/loader.h"
#include "tapewatch/loader_turns.h"

namespace tapewatch {

enum class FetchMode : std::uint8_t {
  one,    // what is touched; loads of one turn still make one batch
  peers,  // with the first one touched, all rows of the result
  raise,  // nothing: touching what prefetch() has not loaded is an error (Code::repeated_query)
};

struct RelationStats {
  std::int64_t rows = 0;        // that have a Lazy
  std::int64_t touched = 0;     // rows that were asked for what they refer to
  std::int64_t prefetched = 0;  // keys asked for without having been touched; far more than `touched`: in vain
  std::int64_t refused = 0;     // touched in mode raise
};

template <typename K, typename V, typename Hash = std::hash<K>>
class Relation final {
 public:
  using Source = Loader<K, V, Hash>;
  using Done = typename Source::Done;

  // What one row refers to. A copy is the same row.
  class Lazy final {
   public:
    // `done` is called with its batch, never before this returns; at once when there is nothing to load.
    void get(Done done) const { group_->get(at_, std::move(done)); }
    // For those who have no loop: turns the scheduler of the loader until the answer is there.
    [[nodiscard]] Result<V> now(LoaderTurns& turns) const {
      std::optional<Result<V>> out;
      get([&out](const Result<V>& outcome) { out.emplace(outcome); });
      turns.run();
      if (!out) return Error{Code::closed, "nobody answered: these are not the turns of the loader"};
      return std::move(*out);
    }
    [[nodiscard]] const std::optional<K>& key() const { return group_->rows[at_].key; }

   private:
    friend class Relation;
    struct Group;
    Lazy(std::shared_ptr<Group> group, std::size_t at) : group_(std::move(group)), at_(at) {}
    std::shared_ptr<Group> group_;
    std::size_t at_;
  };

  explicit Relation(Source& loader, FetchMode mode = FetchMode::peers, std::string name = "a relation")
      : group_(std::make_shared<typename Lazy::Group>(loader, mode, std::move(name))) {}

  // The next row of the result. One without a key refers to V() and is never loaded.
  Lazy of(std::optional<K> key) {
    group_->rows.push_back({std::move(key), false});
    ++group_->stats.rows;
    return Lazy(group_, group_->rows.size() - 1);
  }
  // Asks for everything now, whatever the mode: when it is known that all of it is needed.
  void prefetch() { group_->ask_for_all(group_->rows.size()); }
  [[nodiscard]] const RelationStats& stats() const { return group_->stats; }

 private:
  std::shared_ptr<typename Lazy::Group> group_;
};

template <typename K, typename V, typename Hash>
struct Relation<K, V, Hash>::Lazy::Group final {
  struct Row {
    std::optional<K> key;
    bool touched;
  };
  Group(Source& l, FetchMode m, std::string n) : loader(l), mode(m), name(std::move(n)) {}

  void get(std::size_t at, Done done) {
    Row& row = rows[at];
    if (!std::exchange(row.touched, true)) ++stats.touched;

    if (!row.key) return done(Result<V>(V()));
    forget_what_was_cleared();
    if (mode == FetchMode::raise && at >= asked) {
      ++stats.refused;
      return done(Error{Code::repeated_query, name + " is loaded row by row, and that is to be refused: prefetch it"});
    }
    if (mode == FetchMode::peers) ask_for_all(at);
    loader.load(*row.key, std::move(done));
  }
  // `but`: the row that its caller asks for itself.
  void ask_for_all(std::size_t but) {
    forget_what_was_cleared();
    for (; asked < rows.size(); ++asked) {
      if (asked == but || !rows[asked].key) continue;
      if (!rows[asked].touched) ++stats.prefetched;
      loader.load(*rows[asked].key, [](const Result<V>&) {});
    }
  }
  // After a write of the request the rows are asked for together again.
  void forget_what_was_cleared() {
    if (std::exchange(clears_seen, loader.stats().clears) != loader.stats().clears && mode != FetchMode::raise)
      asked = 0;
  }

  Source& loader;
  const FetchMode mode;
  const std::string name;
  std::vector<Row> rows;
  std::size_t asked = 0;  // rows before it were asked for together
  std::int64_t clears_seen = 0;
  RelationStats stats;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Loader<K, V>: fetches with one call what many pieces of code ask for key by key, and remembers it for one request.
// Keys asked for in one turn of the scheduler become one batch, without duplicates and in the order of asking. Make one
// per request or unit of work and let it go with it: it never refreshes and never notices another's writes (`clear`).
// Thread: one, that of the scheduler (LoaderTurns in loader_turns.h, for those without a loop); answers come on it too.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

struct LoaderOptions {
  std::size_t batch_keys_max = 500;
  bool cache = true;                        // off: still no key twice in one batch
  bool cache_errors = false;                // on: a key that failed fails again until cleared
  std::size_t cached_keys_max = 1'000'000;  // keys beyond are fetched and not remembered
  // Is to call its argument at the end of the turn; empty: batches wait for dispatch().
  std::function<void(std::function<void()>)> at_turn_end;
};

struct LoaderStats {
  std::int64_t loads = 0;
  std::int64_t hits = 0;  // answered by the cache, or by a fetch already under way
  std::int64_t batches = 0;
  std::int64_t batches_failed = 0;
  std::int64_t keys_fetched = 0;
  std::int64_t keys_not_cached = 0;  // cached_keys_max was reached
  std::int64_t clears = 0;           // of a key, or of all
};

template <typename K, typename V, typename Hash = std::hash<K>>
class Loader final {
 public:
  // One outcome per key, in the order of the keys; an error among them is that key's alone.
  using Outcomes = Result<std::vector<Result<V>>>;
  using Reply = std::function<void(Outcomes)>;
  // May keep `reply` and call it later, once. A reply that is let go without being called fails the batch.
  using Fetch = std::function<void(const std::vector<K>& keys, Reply reply)>;
  // Does not throw. The outcome is valid during the call.
  using Done = std::function<void(const Result<V>&)>;
  using ManyDone = std::function<void(std::vector<Result<V>>)>;

  explicit Loader(Fetch fetch, LoaderOptions options = {})
      : state_(std::make_shared<State>(std::move(fetch), std::move(options))) {}
  // Whoever still waits is answered with Code::closed.
  ~Loader() { state_->close(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // For a fetch that answers at once.
  static Fetch at_once(std::function<Outcomes(const std::vector<K>&)> fetch) {
    return [fetch = std::move(fetch)](const std::vector<K>& keys, const Reply& reply) { reply(fetch(keys)); };
  }

  // `done` is called with its batch, never before load() returns, also when the key is known already.
  void load(const K& key, Done done) { state_->load(key, std::move(done)); }
  // All outcomes in the order of the keys, once the last one is there.
  void load_many(const std::vector<K>& keys, ManyDone done);
  // Sends what waits now, whatever the scheduler.
  void dispatch() { state_->dispatch_all(); }

  // Gives a key its outcome unless it has one or one is under way; true when it was taken.
  bool prime(const K& key, Result<V> outcome) { return state_->prime(key, std::move(outcome)); }
  // The next load fetches again. One that was sent before is answered with what it fetched and not remembered: call
  // this after a write, and nobody who asks after the write sees a value from before it.
  void clear(const K& key) {
    ++state_->stats.clears;
    state_->cache.erase(key);
  }
  void clear_all() {
    ++state_->stats.clears;
    state_->cache.clear();
  }
  [[nodiscard]] const LoaderStats& stats() const { return state_->stats; }

 private:
  struct Slot {
    std::optional<Result<V>> outcome;
    std::vector<Done> waiting;
  };
  using SlotPointer = std::shared_ptr<Slot>;
  struct Batch {
    std::vector<K> keys;
    std::vector<SlotPointer> slots;
    std::unordered_map<K, std::size_t, Hash> index;
    std::vector<std::pair<SlotPointer, Done>> hits;
    bool sent = false;
    bool settled = false;
  };
  using BatchPointer = std::shared_ptr<Batch>;

  struct State final : std::enable_shared_from_this<State> {
    State(Fetch f, LoaderOptions o) : fetch(std::move(f)), options(std::move(o)) {}
    void load(const K& key, Done done);
    bool prime(const K& key, Result<V> outcome);
    void dispatch_all();
    void close();
    Batch& current();
    void send(const BatchPointer& batch);
    void settle(Batch& batch, Outcomes outcomes);
    void answer(Batch& batch);
    void forget(Batch& batch, std::size_t at);

    Fetch fetch;
    LoaderOptions options;
    LoaderStats stats;
    std::unordered_map<K, SlotPointer, Hash> cache;
    std::vector<BatchPointer> batches;  // not settled yet, oldest first
    bool closed = false;
  };

  // Answers a batch once, at the latest with an error when the last copy of its Reply is let go.
  struct Ticket {
    Ticket(std::weak_ptr<State> s, BatchPointer b) : state(std::move(s)), batch(std::move(b)) {}
    ~Ticket() { answer(Error{Code::closed, "the fetch gave up its keys without an answer"}); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    void answer(Outcomes outcomes) {
      const std::shared_ptr<State> alive = state.lock();
      if (alive != nullptr && !batch->settled) alive->settle(*batch, std::move(outcomes));
    }
    std::weak_ptr<State> state;
    BatchPointer batch;
  };

  std::shared_ptr<State> state_;
};

// Puts rows that a query returned in any order into that of the keys; a key without a row gets nullopt.
template <typename K, typename Row, typename KeyOf>
std::vector<Result<std::optional<Row>>> in_key_order(const std::vector<K>& keys, std::vector<Row> rows, KeyOf key_of) {
  std::unordered_map<K, std::size_t> at;
  for (std::size_t i = 0; i < rows.size(); ++i) at.emplace(key_of(rows[i]), i);
  std::vector<Result<std::optional<Row>>> out;
  out.reserve(keys.size());
  for (const K& key : keys) {
    const auto found = at.find(key);
    out.emplace_back(found == at.end() ? std::optional<Row>() : std::optional<Row>(rows[found->second]));
  }
  return out;
}

template <typename K, typename V, typename Hash>
typename Loader<K, V, Hash>::Batch& Loader<K, V, Hash>::State::current() {
  if (!batches.empty()) {
    Batch& last = *batches.back();
    if (!last.sent && last.keys.size() < options.batch_keys_max) return last;
  }
  const BatchPointer batch = std::make_shared<Batch>();
  batches.push_back(batch);
  if (options.at_turn_end)
    options.at_turn_end([weak = this->weak_from_this(), batch] {
      const std::shared_ptr<State> alive = weak.lock();
      if (alive != nullptr) alive->send(batch);
    });
  return *batch;
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::load(const K& key, Done done) {
  if (closed) return done(Error{Code::closed, "the loader is gone"});
  ++stats.loads;
  Batch& batch = current();
  const auto cached = cache.find(key);
  if (cached != cache.end()) {
    ++stats.hits;
    batch.hits.emplace_back(cached->second, std::move(done));
    return;
  }
  const auto [at, fresh] = batch.index.emplace(key, batch.keys.size());
  if (!fresh) {
    ++stats.hits;
    batch.slots[at->second]->waiting.push_back(std::move(done));
    return;
  }
  batch.keys.push_back(key);
  batch.slots.push_back(std::make_shared<Slot>());
  batch.slots.back()->waiting.push_back(std::move(done));
  if (!options.cache) return;
  if (cache.size() < options.cached_keys_max)
    cache.emplace(key, batch.slots.back());
  else
    ++stats.keys_not_cached;
}

template <typename K, typename V, typename Hash>
bool Loader<K, V, Hash>::State::prime(const K& key, Result<V> outcome) {
  if (!options.cache || cache.size() >= options.cached_keys_max) return false;
  const auto [at, fresh] = cache.emplace(key, nullptr);
  if (!fresh) return false;
  at->second = std::make_shared<Slot>();
  at->second->outcome.emplace(std::move(outcome));
  return true;
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::dispatch_all() {
  for (const BatchPointer& batch : std::vector<BatchPointer>(batches)) send(batch);
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::send(const BatchPointer& batch) {
  if (batch->sent || closed) return;
  batch->sent = true;
  if (batch->keys.empty()) return settle(*batch, std::vector<Result<V>>());
  ++stats.batches;
  stats.keys_fetched += static_cast<std::int64_t>(batch->keys.size());
  const auto ticket = std::make_shared<Ticket>(this->weak_from_this(), batch);
  try {
    fetch(batch->keys, [ticket](Outcomes outcomes) { ticket->answer(std::move(outcomes)); });
  } catch (const std::exception& e) {
    ticket->answer(Error{Code::internal, std::string("a fetch threw: ") + e.what()});
  } catch (...) {
    ticket->answer(Error{Code::internal, "a fetch threw"});
  }
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::settle(Batch& batch, Outcomes outcomes) {
  if (outcomes.ok() && outcomes->size() != batch.keys.size())
    outcomes = Error{Code::invalid, "a fetch of " + std::to_string(batch.keys.size()) + " keys returned " +
                                        std::to_string(outcomes->size()) + " outcomes"};
  if (!outcomes.ok()) ++stats.batches_failed;
  for (std::size_t i = 0; i < batch.slots.size(); ++i) {
    Slot& slot = *batch.slots[i];
    slot.outcome.emplace(outcomes.ok() ? std::move(outcomes.value()[i]) : Result<V>(outcomes.error()));
    if (!outcomes.ok() || (!slot.outcome->ok() && !options.cache_errors)) forget(batch, i);
  }
  answer(batch);
}

// Every outcome is set before the first answer, so that an answer that loads or clears finds the end of the batch.
template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::answer(Batch& batch) {
  const std::shared_ptr<State> self = this->shared_from_this();  // an answer may be the loader's end
  batch.settled = true;
  std::erase_if(batches, [&](const BatchPointer& other) { return other.get() == &batch; });
  const auto hits = std::exchange(batch.hits, {});
  const auto slots = std::exchange(batch.slots, {});
  for (const SlotPointer& slot : slots) {
    for (const Done& done : std::exchange(slot->waiting, {})) done(*slot->outcome);
  }
  for (const auto& [slot, done] : hits) {
    if (slot->outcome)
      done(*slot->outcome);
    else
      slot->waiting.push_back(done);  // of a batch sent earlier that has no answer yet
  }
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::forget(Batch& batch, std::size_t at) {
  const auto cached = cache.find(batch.keys[at]);
  if (cached != cache.end() && cached->second == batch.slots[at]) cache.erase(cached);
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::State::close() {
  closed = true;
  for (const BatchPointer& batch : std::vector<BatchPointer>(batches)) {
    if (!batch->settled) settle(*batch, Error{Code::closed, "the loader is gone"});
  }
}

template <typename K, typename V, typename Hash>
void Loader<K, V, Hash>::load_many(const std::vector<K>& keys, ManyDone done) {
  struct Gather {
    std::vector<std::optional<Result<V>>> outcomes;
    std::size_t missing = 0;
    ManyDone done;
  };
  if (keys.empty()) return done({});
  const auto gather = std::make_shared<Gather>(
      Gather{std::vector<std::optional<Result<V>>>(keys.size()), keys.size(), std::move(done)});
  for (std::size_t i = 0; i < keys.size(); ++i) {
    load(keys[i], [gather, i](const Result<V>& outcome) {
      gather->outcomes[i].emplace(outcome);
      if (--gather->missing > 0) return;
      std::vector<Result<V>> all;
      all.reserve(gather->outcomes.size());
      for (std::optional<Result<V>>& each : gather->outcomes) all.push_back(std::move(*each));
      gather->done(std::move(all));
    });
  }
}

}  // namespace tapewatch

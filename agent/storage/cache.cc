// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "storage/cache_sieve.h"
#include "storage/cache_tables.h"

namespace tapewatch {
namespace {

// One load that is under way, shared by everyone who misses the same key meanwhile.
class Flight final {
 public:
  Flight(std::uint64_t generations_of_tables, TableGenerations::Ids table_ids)
      : generations(generations_of_tables), tables(std::move(table_ids)) {}

  void land(const Result<Cache::Value>& result) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    result_.emplace(result);
    landed_.notify_all();
  }
  std::optional<Result<Cache::Value>> wait(std::chrono::nanoseconds limit) EXCLUDES(mutex_) {
    const SystemClock clock;
    const std::int64_t until = clock.steady_ns() + limit.count();
    MutexLock lock(mutex_);
    while (!result_) {
      const std::int64_t left = until - clock.steady_ns();
      if (left <= 0) break;
      landed_.wait_for(mutex_, std::chrono::nanoseconds(left));
    }
    return result_;
  }

  const std::uint64_t generations;
  const TableGenerations::Ids tables;
  const std::thread::id owner = std::this_thread::get_id();

 private:
  Mutex mutex_;
  Condition landed_;
  std::optional<Result<Cache::Value>> result_ GUARDED_BY(mutex_);
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};

struct Counts {
  std::int64_t hits = 0, negative_hits = 0, misses = 0, joined = 0, loads = 0, loads_failed = 0, loads_outdated = 0;
  std::int64_t early_refreshes = 0, waits_expired = 0, expired = 0, invalidated = 0, too_large = 0;
};

struct Shard {
  explicit Shard(std::size_t bytes_max) : sieve(bytes_max) {}
  Mutex mutex;
  Sieve sieve GUARDED_BY(mutex);
  std::unordered_map<std::string, std::shared_ptr<Flight>, StringHash, std::equal_to<>> flights GUARDED_BY(mutex);
  Counts counts GUARDED_BY(mutex);
  std::uint64_t random GUARDED_BY(mutex) = 0;
};

constexpr std::uint64_t epoch_mask = UINT64_MAX >> 1;
// -ln of the least draw, 2^-53: an early refresh reaches no further.
constexpr double reach_max = 37;

// In (0, 1]: xorshift64*, enough for spreading lives.
double draw(std::uint64_t& state) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (static_cast<double>((state * 0x2545F4914F6CDD1DULL) >> 11) + 1) / 9007199254740992.0;
}

std::int64_t nanoseconds(std::chrono::nanoseconds time) { return time.count(); }

}  // namespace

class Cache::State final {
 public:
  State(Options options, std::unique_ptr<SecondLevel> second);

  Result<Value> get_or_load(std::string_view text, const Request& request, const Load& load);
  std::optional<Value> peek(std::string_view text);
  void invalidate(Tables tables);
  void invalidate_later(Tables tables);
  void clear();
  Stats stats() const;

 private:
  struct Loaded {
    std::optional<std::string> value;
    std::int64_t ttl_ns = 0;
    std::int64_t cost_ns = 0;
  };
  // What a look under the shard's lock led to: a value, a flight to wait for, or a flight of one's own.
  struct Look {
    std::optional<Value> value;
    std::shared_ptr<Flight> join;
    std::shared_ptr<Flight> mine;
    bool nested = false;
  };

  Shard& shard_of(const CacheKey& key) const { return *shards_[(key.hash >> 48) % shards_.size()]; }
  std::int64_t now() const { return options_.steady_ns ? options_.steady_ns() : clock_.steady_ns(); }
  Look look(Shard& shard, const CacheKey& key, const Request& request) EXCLUDES(shard.mutex);
  Sieve::Found find_valid(Shard& shard, const CacheKey& key, std::int64_t now_ns) REQUIRES(shard.mutex);
  bool refresh_early(Shard& shard, const CacheRest& entry, std::int64_t now_ns) REQUIRES(shard.mutex);
  Result<Value> fly(Shard& shard, const CacheKey& key, const Request& request, const Load& load, Flight& flight,
                    const std::optional<Value>& kept);
  Result<Loaded> fetch(std::string_view key, const Request& request, const Load& load, Shard& shard, bool early);
  void bump(Tables tables);
  static Result<std::optional<std::string>> call(const Load& load);
  void keep(Shard& shard, const CacheKey& key, const Flight& flight, const Value& value, const Loaded& loaded);

  const Options options_;
  const SystemClock clock_;
  TableGenerations generations_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<SecondLevel> second_;  // last: its listener uses what is above
};

Cache::State::State(Options options, std::unique_ptr<SecondLevel> second)
    : options_(std::move(options)), generations_(options_.tables_max), second_(std::move(second)) {
  const std::size_t count = std::max<std::size_t>(options_.shards, 1);
  for (std::size_t i = 0; i < count; ++i) {
    shards_.push_back(std::make_unique<Shard>(options_.bytes_max / count));
    MutexLock lock(shards_.back()->mutex);
    shards_.back()->random = (options_.seed != 0 ? options_.seed + i : random64()) | 1;
  }
  if (second_ == nullptr) return;
  second_->listen([this](std::string_view table) { table.empty() ? clear() : generations_.bump(table); });
}

Result<Cache::Value> Cache::State::get_or_load(std::string_view text, const Request& request, const Load& load) {
  const CacheKey key{text, hash64(text)};
  Shard& shard = shard_of(key);
  Look found = look(shard, key, request);
  if (found.nested) return Error{Code::invalid, "the load of a key asks for the key itself"};
  if (found.mine != nullptr) return fly(shard, key, request, load, *found.mine, found.value);
  if (found.value) return std::move(*found.value);
  std::optional<Result<Value>> landed = found.join->wait(options_.load_wait_max);
  if (landed) return std::move(*landed);
  MutexLock lock(shard.mutex);
  ++shard.counts.waits_expired;
  return Error{Code::timeout, "somebody else's load of the same key takes too long"};
}

Cache::State::Look Cache::State::look(Shard& shard, const CacheKey& key, const Request& request) {
  Look out;
  MutexLock lock(shard.mutex);
  const std::int64_t now_ns = now();
  if (const auto [entry, rest] = find_valid(shard, key, now_ns); entry != nullptr) {
    entry->visited = 1;
    ++shard.counts.hits;
    if (entry->value == nullptr) ++shard.counts.negative_hits;
    out.value = entry->value;
    if (now_ns < entry->sure_until_ns) return out;
    if (!refresh_early(shard, *rest, now_ns) || shard.flights.find(key.text) != shard.flights.end()) return out;
    ++shard.counts.early_refreshes;
  } else {
    ++shard.counts.misses;
    const auto flying = shard.flights.find(key.text);
    // A load that began before an invalidation is not for those who come after it.
    if (flying != shard.flights.end() && generations_.sum(flying->second->tables) == flying->second->generations) {
      out.nested = flying->second->owner == std::this_thread::get_id();
      if (!out.nested) ++shard.counts.joined;
      out.join = flying->second;
      return out;
    }
  }
  TableGenerations::Ids ids = generations_.ids(request.tables);
  const std::uint64_t sum = generations_.sum(ids);
  out.mine = std::make_shared<Flight>(sum, std::move(ids));
  shard.flights.insert_or_assign(std::string(key.text), out.mine);
  return out;
}

Sieve::Found Cache::State::find_valid(Shard& shard, const CacheKey& key, std::int64_t now_ns) {
  const Sieve::Found found = shard.sieve.find(key);
  if (found.entry == nullptr) return {};
  if (now_ns >= found.entry->sure_until_ns && now_ns >= found.rest->expires_ns) {
    ++shard.counts.expired;
    shard.sieve.erase(key);
    return {};
  }
  const std::uint64_t epoch = generations_.epoch() & epoch_mask;
  if (found.entry->epoch == epoch) return found;
  if (generations_.sum(found.rest->tables) != found.rest->generations) {
    ++shard.counts.invalidated;
    shard.sieve.erase(key);
    return {};
  }
  found.entry->epoch = epoch & epoch_mask;
  return found;
}

// XFetch (Vattani and others, VLDB 2015): the nearer the end and the costlier the load, the likelier.
bool Cache::State::refresh_early(Shard& shard, const CacheRest& entry, std::int64_t now_ns) {
  if (options_.early_beta <= 0) return false;
  const auto left = static_cast<double>(entry.expires_ns - now_ns);
  const double reach = static_cast<double>(entry.cost_ns) * options_.early_beta;
  return -std::log(draw(shard.random)) * reach >= left;
}

Result<Cache::Value> Cache::State::fly(Shard& shard, const CacheKey& key, const Request& request, const Load& load,
                                       Flight& flight, const std::optional<Value>& kept) {
  Result<Loaded> loaded = fetch(key.text, request, load, shard, kept.has_value());
  Result<Value> result = loaded.ok() ? Result<Value>(Value()) : Result<Value>(loaded.error());
  if (loaded.ok() && loaded->value) result = Value(std::make_shared<const std::string>(std::move(*loaded->value)));
  // An early refresh that fails leaves what is still valid.
  if (!result.ok() && kept) result = *kept;
  if (loaded.ok()) keep(shard, key, flight, result.value(), loaded.value());
  {
    MutexLock lock(shard.mutex);
    const auto flying = shard.flights.find(key.text);
    if (flying != shard.flights.end() && flying->second.get() == &flight) shard.flights.erase(flying);
  }
  flight.land(result);
  return result;
}

Result<Cache::State::Loaded> Cache::State::fetch(std::string_view key, const Request& request, const Load& load,
                                                 Shard& shard, bool early) {
  Loaded out;
  const auto ttl = request.ttl.count() > 0 ? request.ttl : options_.ttl;
  const bool shared =
      second_ != nullptr && (request.cost.count() == 0 || request.cost >= options_.second_level_cost_min);
  SecondLevel::Found found;
  const std::int64_t begun_ns = now();
  if (shared) found = second_->get(key, request.tables);
  if (found.hit && !early) {
    out.value = std::move(found.value);
    out.ttl_ns = std::min(nanoseconds(found.ttl), nanoseconds(out.value ? ttl : options_.negative_ttl));
    out.cost_ns = now() - begun_ns;
    return out;
  }
  const std::int64_t load_ns = now();
  Result<std::optional<std::string>> loaded = call(load);
  out.cost_ns = now() - load_ns;
  {
    MutexLock lock(shard.mutex);
    ++shard.counts.loads;
    if (!loaded.ok()) ++shard.counts.loads_failed;
  }
  if (!loaded.ok()) return std::move(loaded).error();
  out.value = std::move(loaded).value();
  const auto life = out.value ? ttl : std::min(ttl, options_.negative_ttl);
  out.ttl_ns = nanoseconds(life);
  if (shared && !found.token.empty() && out.cost_ns >= nanoseconds(options_.second_level_cost_min))
    second_->put(key, out.value, life, request.tables, found.token);
  return out;
}

// The one place where an exception of a caller's load ends.
Result<std::optional<std::string>> Cache::State::call(const Load& load) {
  try {
    return load();
  } catch (const std::exception& e) {
    return Error{Code::internal, std::string("a load threw: ") + e.what()};
  } catch (...) {
    return Error{Code::internal, "a load threw"};
  }
}

void Cache::State::keep(Shard& shard, const CacheKey& key, const Flight& flight, const Value& value,
                        const Loaded& loaded) {
  CacheEntry entry;
  entry.key = std::string(key.text);
  entry.value = value;
  CacheRest rest;
  rest.hash = key.hash;
  rest.cost_ns = loaded.cost_ns;
  rest.tables = flight.tables;
  rest.generations = flight.generations;
  MutexLock lock(shard.mutex);
  // The epoch first: what is invalidated after it was read is seen at the next hit.
  entry.epoch = generations_.epoch() & epoch_mask;
  if (generations_.sum(flight.tables) != flight.generations) {
    ++shard.counts.loads_outdated;
    return;
  }
  const double share = 1 - options_.ttl_jitter * draw(shard.random);
  rest.expires_ns = now() + static_cast<std::int64_t>(static_cast<double>(loaded.ttl_ns) * share);
  entry.sure_until_ns = rest.expires_ns - static_cast<std::int64_t>(reach_max * static_cast<double>(loaded.cost_ns) *
                                                                    std::max(options_.early_beta, 0.0));
  if (!shard.sieve.put(std::move(entry), std::move(rest))) ++shard.counts.too_large;
}

std::optional<Cache::Value> Cache::State::peek(std::string_view text) {
  const CacheKey key{text, hash64(text)};
  Shard& shard = shard_of(key);
  MutexLock lock(shard.mutex);
  const Sieve::Found found = find_valid(shard, key, now());
  if (found.entry == nullptr) return std::nullopt;
  return found.entry->value;
}

void Cache::State::invalidate(Tables tables) {
  bump(tables);
  if (second_ == nullptr) return;
  second_->invalidate(tables);
  // Once more: between the two, the second level may still have given out an old value.
  bump(tables);
}

void Cache::State::invalidate_later(Tables tables) {
  // The second level first: from then on it gives out nothing of these tables that is older.
  if (second_ != nullptr) second_->invalidate_later(tables);
  bump(tables);
}

void Cache::State::bump(Tables tables) {
  for (const std::string_view table : tables) table.empty() ? generations_.bump_all() : generations_.bump(table);
}

void Cache::State::clear() {
  generations_.bump_all();
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mutex);
    shard->counts.invalidated += static_cast<std::int64_t>(shard->sieve.size());
    shard->sieve.clear();
  }
}

Cache::Stats Cache::State::stats() const {
  Stats out;
  for (const auto& owner : shards_) {
    Shard& shard = *owner;
    MutexLock lock(shard.mutex);
    const Counts counts = shard.counts;
    out.hits += counts.hits;
    out.negative_hits += counts.negative_hits;
    out.misses += counts.misses;
    out.joined += counts.joined;
    out.loads += counts.loads;
    out.loads_failed += counts.loads_failed;
    out.loads_outdated += counts.loads_outdated;
    out.early_refreshes += counts.early_refreshes;
    out.waits_expired += counts.waits_expired;
    out.expired += counts.expired;
    out.invalidated += counts.invalidated;
    out.too_large += counts.too_large;
    out.evicted += shard.sieve.evicted();
    out.entries += static_cast<std::int64_t>(shard.sieve.size());
    out.bytes += static_cast<std::int64_t>(shard.sieve.bytes());
  }
  if (second_ != nullptr) out.second = second_->stats();
  return out;
}

Cache::Cache(Options options, std::unique_ptr<SecondLevel> second)
    : state_(std::make_unique<State>(std::move(options), std::move(second))) {}
Cache::~Cache() = default;

Result<Cache::Value> Cache::get_or_load(std::string_view key, const Request& request, const Load& load) {
  return state_->get_or_load(key, request, load);
}
std::optional<Cache::Value> Cache::peek(std::string_view key) { return state_->peek(key); }
void Cache::invalidate(Tables tables) { state_->invalidate(tables); }
void Cache::invalidate_later(Tables tables) { state_->invalidate_later(tables); }
void Cache::clear() { state_->clear(); }
Cache::Stats Cache::stats() const { return state_->stats(); }

}  // namespace tapewatch

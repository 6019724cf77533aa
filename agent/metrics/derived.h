// SPDX-License-Identifier: Apache-2.0
#pragma once
// Metrics derived from lines: counters, gauges and histograms whose label values come out of events, and which are
// therefore bounded, each on its own: beyond `series_max` sets of values everything is counted under "_other", and a
// set that is not seen for `idle_ns` is forgotten. A DerivedFamily is one metric, a DerivedShard one worker's numbers
// of it. A worker counts into its own shard with plain relaxed stores; the lock of a shard is taken for a new series,
// for forgetting one, and for an exemplar, at most once a second per bucket. Who collects sums the shards. Thread: as
// told.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "metrics/exposition.h"
#include "metrics/series.h"

namespace tapewatch {

inline constexpr std::string_view derived_other = "_other";
inline constexpr std::size_t label_bytes_max = 128;  // of one value; what is longer is cut

struct DerivedOptions {
  std::string name;  // as it is shown: a counter's ends in _total
  std::string help;
  FamilyType type = FamilyType::counter;  // counter, gauge or histogram
  std::string unit;                       // "seconds", "bytes" or ""
  std::vector<std::string> labels;
  std::vector<double> bounds;    // of a histogram, ascending
  std::size_t series_max = 200;  // of all shards together
  std::int64_t idle_ns = 0;      // 0: nothing is forgotten
  bool exemplars = true;
};

class DerivedShard;

// Thread: any.
class DerivedFamily final {
 public:
  // `overflows` counts what goes under "_other"; it outlives the family.
  DerivedFamily(DerivedOptions options, Counter& overflows);
  ~DerivedFamily();
  DerivedFamily(const DerivedFamily&) = delete;
  DerivedFamily& operator=(const DerivedFamily&) = delete;

  // For one more worker; lives as long as the family.
  [[nodiscard]] DerivedShard& add_shard() EXCLUDES(mutex_);
  [[nodiscard]] const DerivedOptions& options() const { return options_; }
  [[nodiscard]] std::size_t series() const { return series_.load(std::memory_order_relaxed); }
  [[nodiscard]] SampleFamily collect() const EXCLUDES(mutex_);

 private:
  friend class DerivedShard;
  [[nodiscard]] bool take_room();

  const DerivedOptions options_;
  Counter& overflows_;
  std::atomic<std::size_t> series_{0};  // in all shards, without those of "_other"
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<DerivedShard>> shards_ GUARDED_BY(mutex_);
};

// The numbers of one set of label values; written by one thread.
class DerivedSeries final {
 public:
  DerivedSeries(std::vector<std::string> values, std::size_t buckets) : values_(std::move(values)), counts_(buckets) {}

 private:
  friend class DerivedFamily;
  friend class DerivedShard;

  const std::vector<std::string> values_;
  std::atomic<double> number_{0};        // counter, gauge; a histogram's sum
  std::atomic<std::int64_t> set_ns_{0};  // when the gauge was set
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::vector<Exemplar> exemplars_;  // per bucket; under the shard's lock
  std::int64_t seen_ns_ = 0;         // the owner's alone
};

// Thread: the worker's, but for what the family does under the lock.
class DerivedShard final {
 public:
  explicit DerivedShard(DerivedFamily& family) : family_(family) {}
  DerivedShard(const DerivedShard&) = delete;
  DerivedShard& operator=(const DerivedShard&) = delete;

  // The series of the values that `key` stands for; `make` gives those, one a label, and is asked only when they are
  // new. `now_ns` is steady. Valid until the next expire().
  template <typename Make>
  [[nodiscard]] DerivedSeries& with(const Hash128& key, std::int64_t now_ns, const Make& make);

  void add(DerivedSeries& series, double value);
  void set(DerivedSeries& series, double value, std::int64_t now_ns);
  // Answers which bucket that was.
  std::size_t observe(DerivedSeries& series, double value);
  // For a counter the bucket is 0. Kept at most once a second of event time, and never an older one.
  void exemplify(DerivedSeries& series, std::size_t bucket, double value, std::string_view trace_id,
                 std::int64_t time_ns) EXCLUDES(mutex_);
  // Forgets what was not seen for the family's time.
  void expire(std::int64_t now_ns) EXCLUDES(mutex_);

 private:
  friend class DerivedFamily;
  struct KeyHash {
    std::size_t operator()(const Hash128& key) const { return key.low; }
  };
  using Map = std::unordered_map<Hash128, std::unique_ptr<DerivedSeries>, KeyHash>;
  // The owner alone changes the map, so that it may look without the lock.
  [[nodiscard]] const Map& own() const NO_THREAD_SAFETY_ANALYSIS { return series_; }
  DerivedSeries& insert(const Hash128& key, std::vector<std::string> values) EXCLUDES(mutex_);
  DerivedSeries& other() EXCLUDES(mutex_);

  DerivedFamily& family_;
  DerivedSeries* other_ = nullptr;
  mutable Mutex mutex_;
  Map series_ GUARDED_BY(mutex_);
  std::unique_ptr<DerivedSeries> other_series_ GUARDED_BY(mutex_);
};

template <typename Make>
DerivedSeries& DerivedShard::with(const Hash128& key, std::int64_t now_ns, const Make& make) {
  const auto known = own().find(key);
  DerivedSeries* series = known != own().end() ? known->second.get() : nullptr;
  if (series == nullptr) series = family_.take_room() ? &insert(key, make()) : &other();
  series->seen_ns_ = now_ns;
  return *series;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "metrics/derived.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace tapewatch {
namespace {

constexpr std::int64_t exemplar_interval_ns = ns_per_second;
// "trace_id" and what is left of the 128 characters.
constexpr std::size_t trace_bytes_max = exemplar_characters_max - 8;

template <typename T>
void raise(std::atomic<T>& number, T by) {  // one thread writes: no need for an atomic addition
  number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// What the shards say of one set of label values.
struct Sum {
  double number = 0;
  std::int64_t set_ns = 0;
  std::vector<std::uint64_t> counts;
  std::vector<Exemplar> exemplars;
};

}  // namespace

DerivedFamily::DerivedFamily(DerivedOptions options, Counter& overflows)
    : options_(std::move(options)), overflows_(overflows) {}

DerivedFamily::~DerivedFamily() = default;

// A metric without labels is there from the start, at 0.
DerivedShard& DerivedFamily::add_shard() {
  auto shard = std::make_unique<DerivedShard>(*this);
  if (options_.labels.empty() && options_.type != FamilyType::gauge) {
    (void)shard->with(Hash128{}, 0, [] { return std::vector<std::string>(); });
  }
  MutexLock lock(mutex_);
  shards_.push_back(std::move(shard));
  return *shards_.back();
}

bool DerivedFamily::take_room() {
  if (options_.labels.empty()) return true;
  if (series_.fetch_add(1, std::memory_order_relaxed) < options_.series_max) return true;
  series_.fetch_sub(1, std::memory_order_relaxed);
  overflows_.add();
  return false;
}

SampleFamily DerivedFamily::collect() const {
  std::map<std::vector<std::string>, Sum> sums;
  const auto add = [&](const DerivedSeries& series) {
    Sum& sum = sums[series.values_];
    const std::int64_t set_ns = series.set_ns_.load(std::memory_order_relaxed);
    const double number = series.number_.load(std::memory_order_relaxed);
    if (options_.type != FamilyType::gauge) {
      sum.number += number;
    } else if (set_ns >= sum.set_ns) {
      sum.number = number;
      sum.set_ns = set_ns;
    }
    sum.counts.resize(series.counts_.size());
    for (std::size_t i = 0; i < sum.counts.size(); ++i) {
      sum.counts[i] += series.counts_[i].load(std::memory_order_relaxed);
    }
    sum.exemplars.resize(std::max(sum.exemplars.size(), series.exemplars_.size()));
    for (std::size_t i = 0; i < series.exemplars_.size(); ++i) {
      if (series.exemplars_[i].time_ns > sum.exemplars[i].time_ns) sum.exemplars[i] = series.exemplars_[i];
    }
  };
  {
    MutexLock lock(mutex_);
    for (const std::unique_ptr<DerivedShard>& shard : shards_) {
      MutexLock shard_lock(shard->mutex_);
      for (const auto& [key, series] : shard->series_) add(*series);
      if (shard->other_series_) add(*shard->other_series_);
    }
  }
  auto [name, suffix] = family_and_suffix(options_.name, options_.type);
  SampleFamily out{std::move(name), options_.type, options_.help, options_.unit, {}};
  for (const auto& [values, sum] : sums) {
    std::string labels;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i].empty()) append_label(labels, options_.labels[i], values[i]);  // an empty one is none
    }
    if (options_.type == FamilyType::histogram) {
      append_histogram(out, labels, options_.bounds, sum.counts, sum.number, sum.exemplars);
      continue;
    }
    Sample sample{suffix, std::move(labels), number_text(sum.number), {}, {}};
    if (!sum.exemplars.empty() && !sum.exemplars[0].trace_id.empty()) sample.exemplar = exemplar_text(sum.exemplars[0]);
    out.samples.push_back(std::move(sample));
  }
  return out;
}

DerivedSeries& DerivedShard::insert(const Hash128& key, std::vector<std::string> values) {
  const DerivedOptions& options = family_.options_;
  values.resize(options.labels.size());
  const std::size_t buckets = options.type == FamilyType::histogram ? options.bounds.size() + 1 : 0;
  auto series = std::make_unique<DerivedSeries>(std::move(values), buckets);
  DerivedSeries& made = *series;
  MutexLock lock(mutex_);
  series_.emplace(key, std::move(series));
  return made;
}

DerivedSeries& DerivedShard::other() {
  if (other_ != nullptr) return *other_;
  const DerivedOptions& options = family_.options_;
  const std::size_t buckets = options.type == FamilyType::histogram ? options.bounds.size() + 1 : 0;
  auto series = std::make_unique<DerivedSeries>(
      std::vector<std::string>(options.labels.size(), std::string(derived_other)), buckets);
  other_ = series.get();
  MutexLock lock(mutex_);
  other_series_ = std::move(series);
  return *other_;
}

void DerivedShard::add(DerivedSeries& series, double value) { raise(series.number_, value); }

void DerivedShard::set(DerivedSeries& series, double value, std::int64_t now_ns) {
  series.number_.store(value, std::memory_order_relaxed);
  series.set_ns_.store(now_ns, std::memory_order_relaxed);
}

std::size_t DerivedShard::observe(DerivedSeries& series, double value) {
  const std::vector<double>& bounds = family_.options_.bounds;
  const auto at = static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin());
  raise(series.counts_[at], std::uint64_t{1});
  raise(series.number_, value);
  return at;
}

// The owner alone writes exemplars, so that it may look at them without the lock.
void DerivedShard::exemplify(DerivedSeries& series, std::size_t bucket, double value, std::string_view trace_id,
                             std::int64_t time_ns) {
  if (!family_.options_.exemplars || trace_id.empty() || trace_id.size() > trace_bytes_max) return;
  if (bucket < series.exemplars_.size() && time_ns < series.exemplars_[bucket].time_ns + exemplar_interval_ns) return;
  MutexLock lock(mutex_);
  if (series.exemplars_.empty()) series.exemplars_.resize(std::max<std::size_t>(1, series.counts_.size()));
  series.exemplars_[bucket] = {std::string(trace_id), value, time_ns};
}

void DerivedShard::expire(std::int64_t now_ns) {
  const DerivedOptions& options = family_.options_;
  if (options.idle_ns == 0 || options.labels.empty()) return;
  std::vector<Hash128> idle;
  for (const auto& [key, series] : own()) {
    if (now_ns - series->seen_ns_ >= options.idle_ns) idle.push_back(key);
  }
  if (idle.empty()) return;
  MutexLock lock(mutex_);
  for (const Hash128& key : idle) series_.erase(key);
  family_.series_.fetch_sub(idle.size(), std::memory_order_relaxed);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// OrderedValues: numbers in order, to be added, taken away and asked for the one of a given rank; short sorted runs, so
// that an insertion moves little whatever their number. Owned by an Aggregate. Thread: worker.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tapewatch {

class OrderedValues final {
 public:
  void insert(double value) {
    ++size_;
    if (runs_.empty()) runs_.emplace_back();
    const std::size_t at = run_of(value);
    std::vector<double>& run = runs_[at];
    run.insert(std::lower_bound(run.begin(), run.end(), value), value);
    if (run.size() < run_max) return;
    std::vector<double> upper(run.begin() + run_max / 2, run.end());
    run.resize(run_max / 2);
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
  }
  // Takes one such value away; nothing when there is none.
  void erase(double value) {
    if (runs_.empty()) return;
    const std::size_t at = run_of(value);
    std::vector<double>& run = runs_[at];
    const auto found = std::lower_bound(run.begin(), run.end(), value);
    if (found == run.end() || *found != value) return;
    run.erase(found);
    --size_;
    if (run.empty()) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  // REQUIRES: rank < size().
  [[nodiscard]] double at(std::size_t rank) const {
    std::size_t run = 0;
    while (rank >= runs_[run].size()) rank -= runs_[run++].size();
    return runs_[run][rank];
  }
  // Between two ranks in proportion, so that half of an even number is the mean of the middle two. REQUIRES: not empty.
  [[nodiscard]] double percentile(double percent) const {
    const double rank = percent / 100 * static_cast<double>(size_ - 1);
    const auto low = static_cast<std::size_t>(rank);
    const double below = at(low);
    const double part = rank - static_cast<double>(low);
    return part == 0 ? below : below + (at(low + 1) - below) * part;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t run_max = 256;

  // The first run that reaches up to `value`, or the last.
  [[nodiscard]] std::size_t run_of(double value) const {
    const auto run = std::partition_point(runs_.begin(), runs_.end() - 1,
                                          [value](const std::vector<double>& r) { return r.back() < value; });
    return static_cast<std::size_t>(run - runs_.begin());
  }

  std::vector<std::vector<double>> runs_;  // none is empty
  std::size_t size_ = 0;
};

}  // namespace tapewatch

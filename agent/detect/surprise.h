// SPDX-License-Identifier: Apache-2.0
#pragma once
// Surprise: how unlikely the next point of one series is, after all the points before it. Five plain statistics are
// looked at: the distance to a robust level, the shift of a fast mean, the rate of change lately against that of
// longer, the distance to what the time of day (or another season) brings, and the distance beyond all that was seen.
// Each is turned into a tail probability by a histogram of its own past that slowly forgets, with an exponential tail
// beyond the largest; the score is the largest of -log10 p and a part of the others. An alarm is raised only by the
// largest score of the last `rest` points. What works and why was measured on the Numenta Anomaly Benchmark
// (tests/bench/nab); the constants are rounded from what was best there.
// No look-ahead, at most 4 kB and 1 us a point. Owned by a group of a Window. Thread: worker.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/state_bytes.h"

namespace tapewatch {

enum class Direction : std::uint8_t { both, up, down };

struct SurpriseOptions {
  std::vector<std::int64_t> seasons_ns = {86'400'000'000'000};  // at most seasons_max
  Direction direction = Direction::both;
  double sensitivity = 2e-4;      // the probability below which a point is an alarm
  std::uint32_t points_min = 40;  // before that nothing is
};

class Surprise final {
 public:
  static constexpr std::size_t seasons_max = 2;

  struct Verdict {
    double expected = 0;  // before the point was seen
    double lower = 0;     // within these the value alone is no alarm
    double upper = 0;
    double score = 0;  // -log10 of a probability
    bool alarm = false;
  };

  // `options` outlives this.
  explicit Surprise(const SurpriseOptions& options);

  // Judges the point and learns from it. `value` is finite; `time_ns` only matters to seasons.
  [[nodiscard]] Verdict see(std::int64_t time_ns, double value);

  // Everything learned. Read again under the same options, it goes on as if nothing had been.
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  // How often a statistic has been how large.
  class Tail final {
   public:
    // Where a size stands among the bins.
    [[nodiscard]] static double position_of(double size);
    // -log10 of the probability of as much or more.
    [[nodiscard]] double surprise(double position) const;
    // The size that is as surprising.
    [[nodiscard]] double size_at(double surprise) const;
    void learn(double position);
    void save(StateWriter& out) const;
    void load(StateReader& in);

   private:
    static constexpr std::size_t bins = 80;
    [[nodiscard]] int top() const;
    [[nodiscard]] double beyond() const;  // the surprise of the first bin that nothing was in
    std::array<float, bins> weights_{};
    double unit_ = 1;  // the weight of the newest: it grows, so that what is older weighs less
    double total_ = 0;
  };
  struct Season {
    static constexpr std::size_t bins = 24;
    std::array<float, bins> mean{};
    std::array<std::uint8_t, bins> seen{};
    double scale = 0;
    Tail tail;
  };
  struct Part {
    double size = 0;    // of the statistic
    double weight = 1;  // of its surprise
    bool counts = true;
    Tail* tail = nullptr;
  };

  [[nodiscard]] Part seasonal(Season& season, std::int64_t period_ns, std::int64_t time_ns, double value);
  void learn(double value);
  [[nodiscard]] bool points_up(double distance) const;
  [[nodiscard]] bool is_peak(double score);

  const SurpriseOptions& options_;
  std::uint64_t seen_ = 0;
  double level_ = 0;
  double scale_ = 0;  // mean distance to the level
  double fast_ = 0;
  double previous_ = 0;
  double change_ = 0;       // mean change from point to point, lately
  double long_change_ = 0;  // and of longer
  double least_ = 0;
  double most_ = 0;
  Tail level_tail_;
  Tail shift_tail_;
  Tail change_tail_;
  Tail range_tail_;
  std::vector<Season> seasons_;
  static constexpr std::size_t rest = 120;
  std::array<float, rest> scores_{};  // the last ones
};

}  // namespace tapewatch

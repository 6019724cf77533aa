// SPDX-License-Identifier: Apache-2.0
#include "detect/surprise.h"

#include <algorithm>
#include <cmath>

namespace tapewatch {
namespace {

// How much of the distance each new point moves an average.
constexpr double level_rate = 0.01;
constexpr double scale_rate = 0.0035;
constexpr double fast_rate = 0.2;
constexpr double change_rate = 0.045;
constexpr double long_change_rate = 0.006;
constexpr double season_rate = 0.012;
// Distances are cut there, in scales, before they move it.
constexpr double clip = 20;
constexpr double season_clip = 5;
constexpr double change_clip = 10;
// Of the surprises of the statistics.
constexpr double shift_weight = 0.7;
constexpr double season_weight = 0.8;
constexpr double range_weight = 4;
constexpr double others_share = 0.2;

constexpr double forget_rate = 0.0006;
constexpr double unit_max = 1e12;
constexpr double bins_per_octave = 4;
constexpr double least_exponent = -8;  // of two: smaller sizes are one
constexpr double tail_slope = 0.8686;  // 2 / ln 10
constexpr double size_max = 4096;
constexpr double weight_min = 1e-3;
constexpr double surprise_max = 300;
constexpr std::uint64_t young_points = 10;  // before that a scale says little
constexpr std::uint8_t season_points_min = 2;

double size_of(double position) { return std::exp2(position / bins_per_octave + least_exponent); }

double cut(double distance, double scale, double limit) { return std::clamp(distance, -limit * scale, limit * scale); }

}  // namespace

double Surprise::Tail::position_of(double size) {
  if (!(size > 0)) return 0;
  return std::max(0.0, (std::log2(std::min(size, size_max)) - least_exponent) * bins_per_octave);
}

int Surprise::Tail::top() const {
  int bin = static_cast<int>(bins) - 1;
  while (bin >= 0 && weights_[static_cast<std::size_t>(bin)] <= weight_min * unit_) --bin;
  return bin;
}

double Surprise::Tail::beyond() const { return -std::log10(0.5 * unit_ / (total_ + unit_)); }

double Surprise::Tail::surprise(double position) const {
  const std::size_t bin = std::min(static_cast<std::size_t>(position), bins - 1);
  const int highest = top();
  if (highest >= 0 && static_cast<int>(bin) > highest) {
    return std::min(surprise_max, beyond() + tail_slope * (std::exp2((position - highest - 1) / bins_per_octave) - 1));
  }
  double mass = weights_[bin] * (1 - std::min(1.0, position - static_cast<double>(bin)));
  for (std::size_t i = bin + 1; i < bins; ++i) mass += weights_[i];
  return -std::log10((mass + 0.5 * unit_) / (total_ + unit_));
}

double Surprise::Tail::size_at(double surprise) const {
  const int highest = top();
  if (highest < 0) return 0;
  const double further = surprise - beyond();
  if (further >= 0) return size_of(highest + 1 + bins_per_octave * std::log2(1 + further / tail_slope));
  const double wanted = std::pow(10.0, -surprise) * (total_ + unit_) - 0.5 * unit_;
  double mass = 0;
  for (int bin = highest; bin >= 0; --bin) {
    const double weight = weights_[static_cast<std::size_t>(bin)];
    if (mass + weight >= wanted) return size_of(bin + 1 - (weight > 0 ? (wanted - mass) / weight : 0));
    mass += weight;
  }
  return 0;
}

void Surprise::Tail::learn(double position) {
  unit_ /= 1 - forget_rate;
  total_ += unit_;
  weights_[std::min(static_cast<std::size_t>(position), bins - 1)] += static_cast<float>(unit_);
  if (unit_ < unit_max) return;
  for (float& weight : weights_) weight = static_cast<float>(weight / unit_);
  total_ /= unit_;
  unit_ = 1;
}

Surprise::Surprise(const SurpriseOptions& options)
    : options_(options), seasons_(std::min(options.seasons_ns.size(), seasons_max)) {}

bool Surprise::points_up(double distance) const {
  return options_.direction == Direction::both || (options_.direction == Direction::up) == (distance >= 0);
}

Surprise::Part Surprise::seasonal(Season& season, std::int64_t period_ns, std::int64_t time_ns, double value) {
  const std::int64_t phase = ((time_ns % period_ns) + period_ns) % period_ns;
  const auto bin = std::min(Season::bins - 1, static_cast<std::size_t>(static_cast<double>(phase) /
                                                                       static_cast<double>(period_ns) * Season::bins));
  float& mean = season.mean[bin];
  std::uint8_t& seen = season.seen[bin];
  const double least = 1e-9 + 1e-4 * std::fabs(level_);
  const double scale = season.scale + least;
  const double distance = value - mean;
  Part part{0, season_weight, points_up(distance), &season.tail};
  if (seen < season_points_min) {
    mean += static_cast<float>(distance / (seen + 1));
    ++seen;
    return part;
  }
  part.size = std::fabs(distance) / scale;
  mean += static_cast<float>(season_rate * cut(distance, scale, season_clip));
  const double near = season.scale > 0 ? std::min(std::fabs(distance), clip * scale) : std::fabs(distance);
  season.scale += std::max(scale_rate, 1.0 / static_cast<double>(seen_)) * (near - season.scale);
  return part;
}

void Surprise::learn(double value) {
  const double young = 1.0 / static_cast<double>(seen_);
  const double least = 1e-9 + 1e-4 * std::fabs(level_);
  const double distance = value - level_;
  level_ += std::max(level_rate, young) * (scale_ > 0 ? cut(distance, scale_ + least, clip) : distance);
  const double near =
      seen_ > young_points ? std::min(std::fabs(distance), clip * (scale_ + least)) : std::fabs(distance);
  scale_ += std::max(scale_rate, young) * (near - scale_);
  fast_ += fast_rate * (value - fast_);
  double change = std::fabs(value - previous_);
  if (seen_ > 20) change = std::min(change, change_clip * (long_change_ + least));
  change_ += std::max(change_rate, young) * (change - change_);
  long_change_ += std::max(long_change_rate, young) * (change - long_change_);
  least_ = std::min(least_, value);
  most_ = std::max(most_, value);
  previous_ = value;
}

// Whether no score among the last is as large.
bool Surprise::is_peak(double score) {
  const float most = *std::max_element(scores_.begin(), scores_.end());
  scores_[seen_ % rest] = static_cast<float>(score);
  return score > static_cast<double>(most);
}

Surprise::Verdict Surprise::see(std::int64_t time_ns, double value) {
  if (++seen_ == 1) {
    level_ = fast_ = previous_ = least_ = most_ = value;
    return {value, value, value, 0, false};
  }
  const double least = 1e-9 + 1e-4 * std::fabs(level_);
  const double scale = scale_ + least;
  const double outside = value > most_ ? value - most_ : std::min(0.0, value - least_);
  const double limit = -std::log10(options_.sensitivity);
  const double reach = level_tail_.size_at(limit) * scale;
  // Of one direction a change counts beyond the bounds alone: the way back from the other side is none.
  const bool changes =
      options_.direction == Direction::both || (points_up(value - level_) && std::fabs(value - level_) > reach);
  std::array<Part, 4 + seasons_max> parts;
  parts[0] = {std::fabs(value - level_) / scale, 1, points_up(value - level_), &level_tail_};
  parts[1] = {std::fabs(fast_ - level_) / scale, shift_weight, points_up(fast_ - level_), &shift_tail_};
  parts[2] = {std::fabs(std::log((change_ + least) / (long_change_ + least))), 1, changes, &change_tail_};
  parts[3] = {std::fabs(outside) / (most_ - least_ + least), range_weight, outside != 0 && points_up(outside),
              &range_tail_};
  std::size_t count = 4;
  for (std::size_t i = 0; i < seasons_.size(); ++i) {
    parts[count++] = seasonal(seasons_[i], options_.seasons_ns[i], time_ns, value);
  }

  Verdict verdict{level_, level_ - reach, level_ + reach, 0, false};
  double most = 0;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double position = Tail::position_of(parts[i].size);
    const double surprise = parts[i].counts ? parts[i].weight * parts[i].tail->surprise(position) : 0;
    if (seen_ > young_points) parts[i].tail->learn(position);
    most = std::max(most, surprise);
    sum += surprise;
  }
  learn(value);
  if (seen_ < options_.points_min) return verdict;
  verdict.score = most + others_share * (sum - most);
  verdict.alarm = is_peak(verdict.score) && verdict.score >= limit;
  return verdict;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// What a series has taught, saved and read again. Most of its numbers are zero for long: those take a bit each.
#include <bit>
#include <span>

#include "detect/surprise.h"

namespace tapewatch {
namespace {

constexpr std::size_t bits_in_byte = 8;

bool is_zero(float value) { return std::bit_cast<std::uint32_t>(value) == 0; }

void save_sparse(StateWriter& out, std::span<const float> values) {
  for (std::size_t i = 0; i < values.size(); i += bits_in_byte) {
    unsigned bits = 0;
    for (std::size_t bit = 0; bit < bits_in_byte && i + bit < values.size(); ++bit)
      bits |= is_zero(values[i + bit]) ? 0u : 1u << bit;
    out.byte(static_cast<std::uint8_t>(bits));
    for (std::size_t bit = 0; bit < bits_in_byte && i + bit < values.size(); ++bit) {
      if (!is_zero(values[i + bit])) out.short_real(values[i + bit]);
    }
  }
}

void load_sparse(StateReader& in, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); i += bits_in_byte) {
    const unsigned bits = in.byte();
    for (std::size_t bit = 0; bit < bits_in_byte && i + bit < values.size(); ++bit)
      values[i + bit] = (bits >> bit & 1u) != 0 ? in.short_real() : 0;
  }
}

}  // namespace

void Surprise::Tail::save(StateWriter& out) const {
  save_sparse(out, weights_);
  out.real(unit_);
  out.real(total_);
}

void Surprise::Tail::load(StateReader& in) {
  load_sparse(in, weights_);
  unit_ = in.real();
  total_ = in.real();
}

void Surprise::save(StateWriter& out) const {
  out.number(seen_);
  for (const double value : {level_, scale_, fast_, previous_, change_, long_change_, least_, most_}) out.real(value);
  for (const Tail* tail : {&level_tail_, &shift_tail_, &change_tail_, &range_tail_}) tail->save(out);
  for (const Season& season : seasons_) {
    save_sparse(out, season.mean);
    for (const std::uint8_t seen : season.seen) out.byte(seen);
    out.real(season.scale);
    season.tail.save(out);
  }
  save_sparse(out, scores_);
}

void Surprise::load(StateReader& in) {
  seen_ = in.number();
  for (double* value : {&level_, &scale_, &fast_, &previous_, &change_, &long_change_, &least_, &most_})
    *value = in.real();
  for (Tail* tail : {&level_tail_, &shift_tail_, &change_tail_, &range_tail_}) tail->load(in);
  for (Season& season : seasons_) {
    load_sparse(in, season.mean);
    for (std::uint8_t& seen : season.seen) seen = in.byte();
    season.scale = in.real();
    season.tail.load(in);
  }
  load_sparse(in, scores_);
}

}  // namespace tapewatch

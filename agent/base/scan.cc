// SPDX-License-Identifier: Apache-2.0
#include "base/scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tapewatch {
namespace {

constexpr std::size_t word = 64;  // characters of one step

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_separator(char c) { return c == ' ' || c == '-'; }

// Bit i tells about character i of 64.
struct Masks {
  std::uint64_t digits = 0;
  std::uint64_t separators = 0;
};

#if defined(__SSE2__)
Masks masks_of(const char* text) {
  Masks masks;
  for (unsigned part = 0; part < 4; ++part) {
    const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * part));
    // '0'..'9' become the ten smallest signed bytes.
    const __m128i shifted = _mm_add_epi8(c, _mm_set1_epi8(static_cast<char>(-128 - '0')));
    const __m128i digits = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 10));
    const __m128i separators =
        _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(c, _mm_set1_epi8('-')));
    masks.digits |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(digits))) << (16 * part);
    masks.separators |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(separators))) << (16 * part);
  }
  return masks;
}
#else
Masks masks_of(const char* text) {
  Masks masks;
  for (std::size_t i = 0; i < word; ++i) {
    masks.digits |= static_cast<std::uint64_t>(is_digit(text[i])) << i;
    masks.separators |= static_cast<std::uint64_t>(is_separator(text[i])) << i;
  }
  return masks;
}
#endif

// Whether 13 bits in a row are set somewhere.
bool has_run(std::uint64_t bits) {
  static_assert(digit_run_min == 13);
  bits &= bits >> 1;
  bits &= bits >> 2;
  bits &= bits >> 4;
  return (bits & bits >> 5) != 0;
}

// Appends the long runs that touch [begin, end) and start at or behind `done`; returns the end of the last run seen.
std::size_t append_runs(std::string_view text, TextRange part, std::size_t done, std::vector<TextRange>& runs) {
  const auto in_run = [&](std::size_t i) {
    if (is_digit(text[i])) return true;
    return is_separator(text[i]) && i > 0 && is_digit(text[i - 1]) && i + 1 < text.size() && is_digit(text[i + 1]);
  };
  std::size_t i = std::max(part.begin, done);
  while (i > done && in_run(i) && in_run(i - 1)) --i;
  while (i < part.end) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && in_run(end)) ++end;
    if (end - i >= digit_run_min) runs.push_back({i, end});
    i = done = end;
  }
  return done;
}

}  // namespace

void find_digit_runs(std::string_view text, std::vector<TextRange>& runs) {
  Masks before;  // of the 64 characters before `at`
  std::uint64_t run_before = 0;
  std::size_t done = 0;
  char rest[word];
  for (std::size_t at = 0; at < text.size(); at += word) {
    const char* from = text.data() + at;
    if (text.size() - at < word) {
      std::memset(rest, 0, word);
      std::memcpy(rest, from, text.size() - at);
      from = rest;
    }
    const Masks masks = masks_of(from);
    // The last separator of a word counts without a look at what follows: at worst a run is looked at for nothing.
    const std::uint64_t behind = masks.digits << 1 | before.digits >> 63;
    const std::uint64_t ahead = masks.digits >> 1 | std::uint64_t{1} << 63;
    const std::uint64_t run = masks.digits | (masks.separators & behind & ahead);
    const std::uint64_t across = run << 12 | run_before >> 52;
    if (has_run(run) || has_run(across)) {
      const std::size_t begin = at >= 12 ? at - 12 : 0;
      done = append_runs(text, {begin, std::min(at + word, text.size())}, done, runs);
    }
    before = masks;
    run_before = run;
  }
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "storage/text_search.h"

#if defined(__SSE2__)
#include <emmintrin.h>

#include "base/ascii.h"
#endif

namespace tapewatch {
namespace {

// Offsets where the first and the last byte of the pattern fit are candidates; everything between is compared only
// there. Sixteen offsets are tried at once where the processor can.
std::size_t find_scalar(std::string_view text, std::string_view folded, std::size_t from) {
  const std::size_t last = text.size() - folded.size();
  for (std::size_t at = from; at <= last; ++at) {
    if (ascii_lower(text[at]) == folded.front() && fold_equal(text.substr(at, folded.size()), folded)) return at;
  }
  return std::string_view::npos;
}

#if defined(__SSE2__)

__m128i fold_16(__m128i bytes) {
  const __m128i above = _mm_cmpgt_epi8(bytes, _mm_set1_epi8('A' - 1));
  const __m128i below = _mm_cmplt_epi8(bytes, _mm_set1_epi8('Z' + 1));
  return _mm_or_si128(bytes, _mm_and_si128(_mm_and_si128(above, below), _mm_set1_epi8(0x20)));
}

std::size_t find_wide(std::string_view text, std::string_view folded, std::size_t from) {
  const std::size_t size = folded.size();
  const __m128i first = _mm_set1_epi8(folded.front());
  const __m128i last = _mm_set1_epi8(folded.back());
  std::size_t at = from;
  for (; at + size - 1 + 16 <= text.size(); at += 16) {
    const __m128i heads = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i tails = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at + size - 1));
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(fold_16(heads), first), _mm_cmpeq_epi8(fold_16(tails), last));
    auto fits = static_cast<unsigned>(_mm_movemask_epi8(both));
    while (fits != 0) {
      const std::size_t candidate = at + static_cast<std::size_t>(__builtin_ctz(fits));
      if (fold_equal(text.substr(candidate, size), folded)) return candidate;
      fits &= fits - 1;
    }
  }
  return at + size <= text.size() ? find_scalar(text, folded, at) : std::string_view::npos;
}

#endif

}  // namespace

std::string fold(std::string_view text) { return ascii_lower(text); }

bool fold_equal(std::string_view text, std::string_view folded) {
  if (text.size() != folded.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ascii_lower(text[i]) != folded[i]) return false;
  }
  return true;
}

std::size_t fold_find(std::string_view text, std::string_view folded, std::size_t from) {
  if (from > text.size() || text.size() - from < folded.size()) return std::string_view::npos;
  if (folded.empty()) return from;
#if defined(__SSE2__)
  return find_wide(text, folded, from);
#else
  return find_scalar(text, folded, from);
#endif
}

}  // namespace tapewatch

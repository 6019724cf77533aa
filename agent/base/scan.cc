// SPDX-License-Identifier: Apache-2.0
#include "base/scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tapewatch {
namespace {

constexpr std::size_t word_size = 64;

// Bit i tells about character i of 64.
struct Word {
  std::uint64_t digits = 0;
  std::uint64_t separators = 0;
  std::uint64_t at_signs = 0;
  std::uint64_t quotes = 0;
  std::uint64_t percents = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_separator(char c) { return c == ' ' || c == '-'; }

Word read_portable(const char* text, std::size_t size) {
  Word word;
  for (std::size_t i = 0; i < size; ++i) {
    word.digits |= static_cast<std::uint64_t>(is_digit(text[i])) << i;
    word.separators |= static_cast<std::uint64_t>(is_separator(text[i])) << i;
    word.at_signs |= static_cast<std::uint64_t>(text[i] == '@') << i;
    word.quotes |= static_cast<std::uint64_t>(text[i] == '"') << i;
    word.percents |= static_cast<std::uint64_t>(text[i] == '%') << i;
  }
  return word;
}

#if defined(__x86_64__)
Word read_sse2(const char* text, std::size_t size) {
  char rest[word_size];
  if (size < word_size) {
    std::memset(rest, 0, word_size);
    std::memcpy(rest, text, size);
    text = rest;
  }
  Word word;
  for (unsigned part = 0; part < 4; ++part) {
    const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * part));
    const auto bits = [part](__m128i mask) {
      return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(mask))) << (16 * part);
    };
    const auto is = [c](char wanted) { return _mm_cmpeq_epi8(c, _mm_set1_epi8(wanted)); };
    // '0'..'9' become the ten smallest signed bytes.
    const __m128i shifted = _mm_add_epi8(c, _mm_set1_epi8(static_cast<char>(-128 - '0')));
    word.digits |= bits(_mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 10)));
    word.separators |= bits(_mm_or_si128(is(' '), is('-')));
    word.at_signs |= bits(is('@'));
    word.quotes |= bits(is('"'));
    word.percents |= bits(is('%'));
  }
  return word;
}

[[gnu::target("avx512bw,avx512f")]] inline Word read_avx512(const char* text, std::size_t size) {
  const __mmask64 valid = size < word_size ? (std::uint64_t{1} << size) - 1 : ~std::uint64_t{0};
  const __m512i c = _mm512_maskz_loadu_epi8(valid, text);
  const __m512i from_zero = _mm512_sub_epi8(c, _mm512_set1_epi8('0'));
  Word word;
  word.digits = _mm512_cmplt_epu8_mask(from_zero, _mm512_set1_epi8(10));
  word.separators = _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8(' ')) | _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8('-'));
  word.at_signs = _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8('@'));
  word.quotes = _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8('"'));
  word.percents = _mm512_cmpeq_epi8_mask(c, _mm512_set1_epi8('%'));
  return word;
}
#endif

// Bit i of the result: bits i to i+12 are set.
std::uint64_t run_starts(std::uint64_t bits) {
  static_assert(LineScan::run_min == 13);
  bits &= bits >> 1;
  bits &= bits >> 2;
  bits &= bits >> 4;
  return bits & bits >> 5;
}

// A dash counts as a digit: it may stand between two.
enum class CharKind : std::uint8_t { other, letter, digit };
constexpr auto char_kinds = [] {
  std::array<CharKind, 256> kinds{};
  for (const char c : {'a', 'b', 'c', 'd', 'e', 'f', 'A', 'B', 'C', 'D', 'E', 'F'}) {
    kinds[static_cast<unsigned char>(c)] = CharKind::letter;
  }
  for (std::size_t c = '0'; c <= '9'; ++c) kinds[c] = CharKind::digit;
  kinds['-'] = CharKind::digit;
  return kinds;
}();

struct Carry {
  std::uint64_t digits = 0;
  std::uint64_t run = 0;
  std::uint64_t quotes = 0;
};
constexpr int overlap = static_cast<int>(LineScan::run_min) - 1;  // how far before a word a run in it may have begun

// Hands every word with long runs to `found`(offset, run bits, starts within, starts across the word before).
template <auto read, typename Found>
[[gnu::always_inline]] inline void scan_words(std::string_view text, bool& at_sign, bool& percent, const Found& found) {
  Carry before;
  std::uint64_t at_signs = 0;
  std::uint64_t percents = 0;
  for (std::size_t at = 0; at < text.size(); at += word_size) {
    const Word word = read(text.data() + at, std::min(text.size() - at, word_size));
    at_signs |= word.at_signs & ~(word.quotes << 1 | before.quotes >> 63);
    percents |= word.percents;
    // The last separator of a word counts without a look at what follows: at worst a run is looked at for nothing.
    const std::uint64_t behind = word.digits << 1 | before.digits >> 63;
    const std::uint64_t ahead = word.digits >> 1 | std::uint64_t{1} << 63;
    const std::uint64_t run = word.digits | (word.separators & behind & ahead);
    const std::uint64_t across =
        run_starts(run << overlap | before.run >> (64 - overlap)) & ((std::uint64_t{1} << overlap) - 1);
    const std::uint64_t within = run_starts(run);
    if ((across | within) != 0) found(at, run, within, across);
    before = {word.digits, run, word.quotes};
  }
  at_sign = at_signs != 0;
  percent = percents != 0;
}

}  // namespace

LineScan::LineScan(Engine engine) : engine_(engine) {
#if defined(__x86_64__)
  if (engine == Engine::best && !__builtin_cpu_supports("avx512bw")) engine_ = Engine::sse2;
#else
  engine_ = Engine::portable;
#endif
}

void LineScan::scan(std::string_view text) {
  runs_.clear();
  done_ = 0;
#if defined(__x86_64__)
  if (engine_ == Engine::best) {
    scan_avx512(text);
    return;
  }
  if (engine_ == Engine::sse2) {
    scan_words<read_sse2>(text, has_at_sign_, has_percent_, Found{*this, text});
    return;
  }
#endif
  scan_words<read_portable>(text, has_at_sign_, has_percent_, Found{*this, text});
}

#if defined(__x86_64__)
[[gnu::target("avx512bw,avx512f")]] void LineScan::scan_avx512(std::string_view text) {
  scan_words<read_avx512>(text, has_at_sign_, has_percent_, Found{*this, text});
}
#else
void LineScan::scan_avx512(std::string_view) {}
#endif

void LineScan::Found::operator()(std::size_t at, std::uint64_t run, std::uint64_t within, std::uint64_t across) const {
  if (across != 0) scan.add_runs(text, at - overlap, across);
  scan.add_runs_within(text, at, run, within);
}

// Appends the runs of one word, of which `starts` has those that are long enough.
void LineScan::add_runs_within(std::string_view text, std::size_t at, std::uint64_t run, std::uint64_t starts) {
  while (starts != 0) {
    const int begin = std::countr_zero(starts);
    const int length = std::countr_one(run >> begin);
    const std::uint64_t one = ((std::uint64_t{1} << (length - 1) << 1) - 1) << begin;
    if (begin == 0 || begin + length == 64) {
      add_runs(text, at, starts & -starts);  // goes on in another word
    } else if (at + static_cast<std::size_t>(begin) >= done_) {
      done_ = at + static_cast<std::size_t>(begin + length);
      runs_.push_back({at + static_cast<std::size_t>(begin), done_});
    }
    starts &= ~one;
  }
}

// Appends the runs around the places first + i for every bit i of `starts`, once each.
void LineScan::add_runs(std::string_view text, std::size_t first, std::uint64_t starts) {
  const auto in_run = [&](std::size_t i) {
    if (is_digit(text[i])) return true;
    return is_separator(text[i]) && i > 0 && is_digit(text[i - 1]) && i + 1 < text.size() && is_digit(text[i + 1]);
  };
  for (; starts != 0; starts &= starts - 1) {
    std::size_t begin = first + static_cast<std::size_t>(std::countr_zero(starts));
    if (begin < done_) continue;
    while (begin > done_ && in_run(begin - 1)) --begin;
    if (!is_digit(text[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size() && in_run(end)) ++end;
    if (end - begin >= run_min) runs_.push_back({begin, end});
    done_ = end;
  }
}

bool is_plain_id(std::string_view text) {
  if (text.size() > 64) return false;
  std::uint64_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const CharKind kind = char_kinds[static_cast<unsigned char>(text[i])];
    if (kind == CharKind::other) return false;
    digits |= static_cast<std::uint64_t>(kind == CharKind::digit) << i;
  }
  return run_starts(digits) == 0;
}

}  // namespace tapewatch

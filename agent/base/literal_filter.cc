// SPDX-License-Identifier: Apache-2.0
#include "base/literal_filter.h"

#include <algorithm>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tapewatch {
namespace {

constexpr std::size_t word_size = 64;

// How common a character is in logs, roughly.
double weight(std::size_t c) {
  static constexpr std::string_view rare_first = "zqj:/-.%_9876543210xkvbywgf pmucdlhrsnioate\"";
  const bool upper = c >= 'A' && c <= 'Z';
  const std::size_t at = rare_first.find(static_cast<char>(upper ? c + 32 : c));
  return at == std::string_view::npos ? 1 : static_cast<double>(upper ? at / 4 + 1 : at + 2);
}

}  // namespace

bool LiteralFilter::takes(const std::vector<Literal>& literals) {
  constexpr std::size_t literals_max = 96;  // with more of them most texts have something of some
  return literals.size() <= literals_max && std::all_of(literals.begin(), literals.end(), [](const Literal& literal) {
           return literal.text.size() + 1 >= gram_size &&
                  std::all_of(literal.text.begin(), literal.text.end(), [](char c) { return (c & 0x80) == 0; });
         });
}

// The four characters of the literal from `at` on.
LiteralFilter::Gram LiteralFilter::gram_of(const Literal& literal, std::size_t at) {
  Gram gram{};
  for (std::size_t i = 0; i < gram_size; ++i) {
    if (at + i >= literal.text.size()) {
      gram[i].fill(true);  // the literal has no such place
      continue;
    }
    const char c = literal.text[at + i];
    CHECK(static_cast<unsigned char>(c) < 128);
    gram[i][static_cast<std::size_t>(c)] = true;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (literal.ignore_case && letter) gram[i][static_cast<std::size_t>(c ^ 32)] = true;
  }
  return gram;
}

LiteralFilter::LiteralFilter(const std::vector<Literal>& literals) {
#if defined(__x86_64__)
  usable_ = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi");
#endif
  CHECK(takes(literals));
  if (literals.size() <= 8) sets_ = 1;
  std::array<Gram, group_count> groups{};
  for (const Literal& literal : literals) add(literal, {groups.data(), sets_ * 8});
  for (std::size_t g = 0; g < group_count; ++g) {
    for (std::size_t place = 0; place < gram_size; ++place) {
      for (std::size_t c = 0; c < 128; ++c) {
        if (groups[g][place][c]) tables_[g / 8][place][c] |= static_cast<std::uint8_t>(1u << g % 8);
      }
    }
  }
}

// Chooses of all grams of the literal and all groups those that make the fewest further texts count.
void LiteralFilter::add(const Literal& literal, std::span<Gram> groups) {
  const auto texts = [](const Gram& gram) {
    double product = 1;
    for (const auto& place : gram) {
      double sum = 0;
      for (std::size_t c = 0; c < place.size(); ++c) sum += place[c] ? weight(c) : 0;
      product *= sum;
    }
    return product;
  };
  double best_growth = -1;
  std::size_t best_group = 0;
  Gram best{};
  const std::size_t windows = literal.text.size() < gram_size ? 1 : literal.text.size() - gram_size + 1;
  for (std::size_t at = 0; at < windows; ++at) {
    const Gram gram = gram_of(literal, at);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Gram sum = groups[g];
      for (std::size_t place = 0; place < gram_size; ++place) {
        for (std::size_t c = 0; c < 128; ++c) sum[place][c] = sum[place][c] || gram[place][c];
      }
      const double growth = texts(sum) - texts(groups[g]);
      if (best_growth >= 0 && growth >= best_growth) continue;
      best_growth = growth;
      best_group = g;
      best = sum;
    }
  }
  groups[best_group] = best;
}

#if defined(__x86_64__)
// A byte above 127 is looked up as one 128 less: that can only say yes too often.
template <std::size_t sets>
[[gnu::target("avx512f,avx512bw,avx512vbmi"), gnu::always_inline]] inline bool LiteralFilter::scan(
    std::string_view text) const {
  const auto table = [this](std::size_t set, std::size_t place, std::size_t half) {
    return tables_[set][place].data() + half * word_size;
  };
  for (std::size_t at = 0; at < text.size(); at += word_size) {
    __m512i groups[sets];
    for (__m512i& group : groups) group = _mm512_set1_epi8(-1);
    for (std::size_t place = 0; place < gram_size; ++place) {
      const std::size_t left = text.size() - std::min(text.size(), at + place);
      const __mmask64 valid = left < word_size ? (std::uint64_t{1} << left) - 1 : ~std::uint64_t{0};
      const __m512i c = _mm512_maskz_loadu_epi8(valid, text.data() + at + place);
      for (std::size_t set = 0; set < sets; ++set) {
        const __m512i low = _mm512_load_si512(table(set, place, 0));
        const __m512i high = _mm512_load_si512(table(set, place, 1));
        groups[set] = _mm512_and_si512(groups[set], _mm512_permutex2var_epi8(low, c, high));
      }
    }
    __m512i any = groups[0];
    for (std::size_t set = 1; set < sets; ++set) any = _mm512_or_si512(any, groups[set]);
    if (_mm512_test_epi8_mask(any, any) != 0) return true;
  }
  return false;
}

[[gnu::target("avx512f,avx512bw,avx512vbmi")]] bool LiteralFilter::scan_few(std::string_view text) const {
  return scan<1>(text);
}
[[gnu::target("avx512f,avx512bw,avx512vbmi")]] bool LiteralFilter::scan_many(std::string_view text) const {
  return scan<set_count>(text);
}
#else
bool LiteralFilter::scan_few(std::string_view) const { return true; }
bool LiteralFilter::scan_many(std::string_view) const { return true; }
#endif

}  // namespace tapewatch

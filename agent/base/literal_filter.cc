// SPDX-License-Identifier: Apache-2.0
#include "base/literal_filter.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tapewatch {
namespace {

constexpr std::size_t word_size = 64;

constexpr std::size_t ascii_count = 128;

// How common each character is in logs, roughly.
constexpr std::array<double, ascii_count> weights = [] {
  constexpr std::string_view rare_first = "zqj:/-.%_9876543210xkvbywgf pmucdlhrsnioate\"";
  std::array<double, ascii_count> table{};
  for (std::size_t c = 0; c < table.size(); ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const std::size_t at = rare_first.find(static_cast<char>(upper ? c + 32 : c));
    table[c] = at == std::string_view::npos ? 1 : static_cast<double>(upper ? at / 4 + 1 : at + 2);
  }
  return table;
}();

constexpr double weight_of_all = std::accumulate(weights.begin(), weights.end(), 0.0);

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
    if (at + i >= literal.text.size()) continue;  // the literal has no such place
    const char c = literal.text[at + i];
    CHECK(static_cast<unsigned char>(c) < 128);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    gram[i] = {static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(literal.ignore_case && letter ? c ^ 32 : c),
               false};
  }
  return gram;
}

LiteralFilter::LiteralFilter(const std::vector<Literal>& literals) {
#if defined(__x86_64__)
  usable_ = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi");
#endif
  CHECK(takes(literals));
  if (literals.size() <= 8) sets_ = 1;
  std::array<Group, group_count> groups{};
  for (const Literal& literal : literals) add(literal, {groups.data(), sets_ * 8});
  for (std::size_t g = 0; g < group_count; ++g) {
    for (std::size_t place = 0; place < gram_size; ++place) {
      for (std::size_t c = 0; c < ascii_count; ++c) {
        if (groups[g][place].takes[c]) tables_[g / 8][place][c] |= static_cast<std::uint8_t>(1u << g % 8);
      }
    }
  }
}

void LiteralFilter::Chars::insert(std::uint8_t c) {
  if (takes[c]) return;
  takes.set(c);
  weight_sum += weights[c];
}

double LiteralFilter::Chars::sum_with(const Place& place) const {
  if (place.any) return weight_of_all;
  double sum = weight_sum;
  if (!takes[place.c]) sum += weights[place.c];
  if (place.other != place.c && !takes[place.other]) sum += weights[place.other];
  return sum;
}

// Chooses of all grams of the literal and all groups those that make the fewest further texts count.
void LiteralFilter::add(const Literal& literal, std::span<Group> groups) {
  double best_growth = -1;
  Group* best_group = nullptr;
  Gram best{};
  const std::size_t windows = literal.text.size() < gram_size ? 1 : literal.text.size() - gram_size + 1;
  for (std::size_t at = 0; at < windows; ++at) {
    const Gram gram = gram_of(literal, at);
    for (Group& group : groups) {
      double before = 1;
      double after = 1;
      for (std::size_t place = 0; place < gram_size; ++place) {
        before *= group[place].weight_sum;
        after *= group[place].sum_with(gram[place]);
      }
      const double growth = after - before;
      if (best_growth >= 0 && growth >= best_growth) continue;
      best_growth = growth;
      best_group = &group;
      best = gram;
    }
  }
  for (std::size_t place = 0; place < gram_size; ++place) {
    Chars& chars = (*best_group)[place];
    for (std::uint8_t c = 0; best[place].any && c < ascii_count; ++c) chars.insert(c);
    if (best[place].any) continue;
    chars.insert(best[place].c);
    chars.insert(best[place].other);
  }
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

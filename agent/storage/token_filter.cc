// SPDX-License-Identifier: Apache-2.0
#include "storage/token_filter.h"

#include <cstring>

#include "storage/text_search.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tapewatch {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the filters on disk are little-endian");

constexpr std::uint64_t mix_a = 0x9E3779B97F4A7C15;
constexpr std::uint64_t mix_b = 0xD6E8FEB86659FD93;
constexpr std::uint64_t fold_bits = 0x2020202020202020;  // folds letters; keeps digits and '_' apart from letters
constexpr std::array<std::uint32_t, 8> salts = {0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D,
                                                0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31};

std::uint64_t load_8(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// By size, for tokens that hold a digit.
constexpr std::array<std::uint32_t, 7> words_of_codes = {8, 2, 2, 2, 4, 6, 7};
constexpr std::uint64_t letter_bits = 0x4040404040404040;  // set in letters and '_', not in digits

// REQUIRES: size > 0 and eight readable bytes behind the end.
TokenKey key_padded(const char* at, std::size_t size) {
  TokenKey key;
  std::uint64_t hash = size * mix_b;
  if (size < words_of_codes.size()) {
    const std::uint64_t kept = ~std::uint64_t{0} >> (64 - 8 * size);
    if ((~load_8(at) & letter_bits & kept) != 0) key.words = words_of_codes[size];
  }
  for (; size > 8; size -= 8, at += 8) {
    hash = (hash ^ (load_8(at) | fold_bits)) * mix_a;
    hash ^= hash >> 32;
  }
  const std::uint64_t kept = ~std::uint64_t{0} >> (64 - 8 * size);
  hash = (hash ^ ((load_8(at) | fold_bits) & kept)) * mix_a;
  hash = (hash ^ hash >> 32) * mix_b;
  key.hash = hash ^ hash >> 29;
  return key;
}

bool bucket_holds(const char* bucket, const TokenKey& token) {
  const auto key = static_cast<std::uint32_t>(token.hash);
  std::array<std::uint32_t, 8> words;
  std::memcpy(words.data(), bucket, sizeof words);
  for (std::size_t i = 0; i < token.words; ++i) {
    if ((words[i] >> (key * salts[i] >> 27) & 1) == 0) return false;
  }
  return true;
}

// Bit i is set when byte i of the 16 (or fewer, near the end) is a token character.
#if defined(__SSE2__)
std::uint32_t token_bits_16(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  const auto within = [](__m128i x, char low, char high) {
    return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(static_cast<char>(low - 1))),
                         _mm_cmplt_epi8(x, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  const __m128i is_token = _mm_or_si128(_mm_or_si128(within(lower, 'a', 'z'), within(bytes, '0', '9')),
                                        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(is_token));
}
#else
std::uint32_t token_bits_16(const char* at) {
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < 16; ++i) bits |= static_cast<std::uint32_t>(is_token_char(at[i])) << i;
  return bits;
}
#endif

std::uint64_t token_bits_64(const char* at, std::size_t available) {
  std::uint64_t bits = 0;
  if (available >= 64) {
    for (unsigned i = 0; i < 4; ++i) bits |= static_cast<std::uint64_t>(token_bits_16(at + 16 * i)) << (16 * i);
    return bits;
  }
  for (std::size_t i = 0; i < available; ++i) bits |= static_cast<std::uint64_t>(is_token_char(at[i])) << i;
  return bits;
}

// Calls take(begin, end) for every token: walks the places where "is a token character" changes.
template <typename Take>
void for_each_token(std::string_view text, const Take& take) {
  std::size_t begin = 0;
  std::uint64_t inside = 0;  // the previous byte belongs to a token
  for (std::size_t base = 0; base < text.size(); base += 64) {
    const std::uint64_t bits = token_bits_64(text.data() + base, text.size() - base);
    std::uint64_t edges = bits ^ (bits << 1 | inside);
    inside = bits >> 63;
    while (edges != 0) {
      const auto bit = static_cast<unsigned>(__builtin_ctzll(edges));
      if (bits >> bit & 1)
        begin = base + bit;
      else
        take(begin, base + bit);
      edges &= edges - 1;
    }
  }
  if (inside != 0) take(begin, text.size());
}

}  // namespace

TokenKey token_key(std::string_view token) {
  if (token.empty()) return {};
  std::vector<char> padded(token.size() + 8);
  std::memcpy(padded.data(), token.data(), token.size());
  return key_padded(padded.data(), token.size());
}

std::vector<TokenKey> token_keys(std::string_view text) {
  std::vector<TokenKey> out;
  for_each_token(
      text, [&](std::size_t begin, std::size_t end) { out.push_back(token_key(text.substr(begin, end - begin))); });
  return out;
}

void TokenFilter::clear() {
  words_.fill(0);
  seen_.fill(0);
}

void TokenFilter::add_text(std::string_view text) {
  for_each_token(text, [&](std::size_t begin, std::size_t end) {
    const TokenKey key = key_padded(text.data() + begin, end - begin);
    std::uint64_t& seen = seen_[key.hash >> 20 & (seen_.size() - 1)];
    if (seen == key.hash) return;
    seen = key.hash;
    add_key(key);
  });
}

void TokenFilter::add_key(const TokenKey& token) {
  std::uint32_t* const bucket = words_.data() + bucket_of(token.hash, buckets) * 8;
  const auto key = static_cast<std::uint32_t>(token.hash);
  for (std::size_t i = 0; i < token.words; ++i) bucket[i] |= 1u << (key * salts[i] >> 27);
}

bool TokenFilter::may_hold(std::string_view bits, const TokenKey& key) {
  const std::size_t stored = bits.size() / bucket_bytes;
  if (bits.size() % bucket_bytes != 0 || (stored != buckets && stored != buckets_of_version_1)) return true;
  return bucket_holds(bits.data() + bucket_of(key.hash, stored) * bucket_bytes, key);
}

std::uint64_t TokenFilter::slice_may_hold(std::string_view slice, const TokenKey& key) {
  std::uint64_t blocks = 0;
  for (std::size_t i = 0; i < 64 && (i + 1) * bucket_bytes <= slice.size(); ++i)
    blocks |= static_cast<std::uint64_t>(bucket_holds(slice.data() + i * bucket_bytes, key)) << i;
  return blocks;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// TokenFilter: says of a block whether a token may be in it (a split-block Bloom filter: buckets of 8 words, one bit in
// each word). Tokens are runs of [A-Za-z0-9_], case folded; bytes of other alphabets are no tokens. Short numbers and
// codes, of which a block holds a good part of all that there are, set a bit in fewer words: to know them exactly would
// rule out few blocks and cost as much room as all words together. It has no false negative, and few false positives.
// Thread: one writes; reading a finished one is free.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tapewatch {

// What a filter knows of a token; case does not count. Part of the format on disk.
struct TokenKey {
  std::uint64_t hash = 0;
  std::uint32_t words = 8;  // that it sets a bit in
};
[[nodiscard]] TokenKey token_key(std::string_view token);
// Those of all tokens of a text.
[[nodiscard]] std::vector<TokenKey> token_keys(std::string_view text);

class TokenFilter final {
 public:
  static constexpr std::size_t buckets = 480;               // for 512 KiB of text
  static constexpr std::size_t buckets_of_version_1 = 384;  // where every token has a bit in all words
  static constexpr std::size_t bucket_bytes = 32;
  static constexpr std::size_t bytes = buckets * bucket_bytes;

  TokenFilter() { clear(); }
  void clear();
  // Adds every token of `text`. REQUIRES: eight readable bytes behind its end.
  void add_text(std::string_view text);

  [[nodiscard]] std::string_view bits() const { return {reinterpret_cast<const char*>(words_.data()), bytes}; }
  // `bits` as stored, of either version. Of another size nothing is known: then true.
  [[nodiscard]] static bool may_hold(std::string_view bits, const TokenKey& key);

  // Filters of several blocks are stored sliced, the same bucket of all of them side by side: one read then answers
  // for all.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t hash, std::size_t of_buckets) {
    return (hash >> 32) * of_buckets >> 32;
  }
  // Bit i of the answer: whether block i may hold the token; `slice` is the token's bucket of each block.
  [[nodiscard]] static std::uint64_t slice_may_hold(std::string_view slice, const TokenKey& key);

 private:
  void add_key(const TokenKey& key);

  std::array<std::uint32_t, bytes / 4> words_;
  std::array<std::uint64_t, 4096> seen_;  // last hash per slot: most tokens of a log repeat
};

}  // namespace tapewatch

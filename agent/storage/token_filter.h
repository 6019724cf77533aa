// SPDX-License-Identifier: Apache-2.0
#pragma once
// TokenFilter: says of a block whether a token may be in it (a split-block Bloom filter: 384 buckets of 8 words, one
// bit in each word). Tokens are runs of [A-Za-z0-9_], case folded; bytes of other alphabets are no tokens. It has no
// false negative, and few false positives. Thread: one writes; reading a finished one is free.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tapewatch {

// Hash of one token; case does not count. Part of the format on disk.
[[nodiscard]] std::uint64_t token_hash(std::string_view token);
// The hashes of all tokens of a text.
[[nodiscard]] std::vector<std::uint64_t> token_hashes(std::string_view text);

class TokenFilter final {
 public:
  static constexpr std::size_t buckets = 384;
  static constexpr std::size_t bucket_bytes = 32;
  static constexpr std::size_t bytes = buckets * bucket_bytes;

  TokenFilter() { clear(); }
  void clear();
  // Adds every token of `text`. REQUIRES: eight readable bytes behind its end.
  void add_text(std::string_view text);

  [[nodiscard]] std::string_view bits() const { return {reinterpret_cast<const char*>(words_.data()), bytes}; }
  // `bits` as stored. Of a wrong size nothing is known: then true.
  [[nodiscard]] static bool may_hold(std::string_view bits, std::uint64_t hash);

  // Filters of several blocks are stored sliced, the same bucket of all of them side by side: one read then answers
  // for all.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t hash) { return (hash >> 32) * buckets >> 32; }
  // Bit i of the answer: whether block i may hold the token; `slice` is bucket_of(hash) of each block.
  [[nodiscard]] static std::uint64_t slice_may_hold(std::string_view slice, std::uint64_t hash);

 private:
  void add_hash(std::uint64_t hash);

  std::array<std::uint32_t, bytes / 4> words_;
  std::array<std::uint64_t, 4096> seen_;  // last hash per slot: most tokens of a log repeat
};

}  // namespace tapewatch

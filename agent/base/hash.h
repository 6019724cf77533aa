// SPDX-License-Identifier: Apache-2.0
#pragma once
// Hashes. Fast ones (XXH3, xxhash.com) identify; the keyed one (HMAC-SHA-256, RFC 2104) hides. Thread: any.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tapewatch {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

[[nodiscard]] std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);
[[nodiscard]] Hash128 hash128(std::string_view bytes, std::uint64_t seed = 0);

// 22 characters of base64url (RFC 4648 section 5, no padding), big-endian, into `out`. Returns its end.
inline constexpr int base64url_length = 22;
char* base64url(const Hash128& hash, char* out);
// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(const Hash128& hash);

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

[[nodiscard]] std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view message);
// 64 random bits of the kernel's generator.
[[nodiscard]] std::uint64_t random64();

}  // namespace tapewatch

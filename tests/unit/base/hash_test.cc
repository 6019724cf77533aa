// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

TEST(Hash, KnownVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);  // RFC 3720 B.4
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283u);
  // RFC 4231 test case 2.
  const auto mac = hmac_sha256("Jefe", "what do ya want for nothing?");
  EXPECT_EQ(mac[0], 0x5B);
  EXPECT_EQ(mac[31], 0x43);
}

TEST(Hash, Base64UrlOf128BitsIs22Characters) {
  char out[base64url_length];
  EXPECT_EQ(base64url({0, 0}, out), out + base64url_length);
  EXPECT_EQ(std::string_view(out, base64url_length), "AAAAAAAAAAAAAAAAAAAAAA");
  base64url({~0ull, ~0ull}, out);
  EXPECT_EQ(std::string_view(out, base64url_length), "_____________________w");
  base64url({0x0123456789ABCDEF, 0xFEDCBA9876543210}, out);
  EXPECT_EQ(std::string_view(out, base64url_length), "ASNFZ4mrze_-3LqYdlQyEA");
  EXPECT_EQ(to_hex({0x0123456789ABCDEF, 0xFEDCBA9876543210}), "0123456789abcdeffedcba9876543210");
}

}  // namespace
}  // namespace tapewatch

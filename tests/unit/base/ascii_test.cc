// SPDX-License-Identifier: Apache-2.0
#include "base/ascii.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

TEST(Ascii, LowersLettersAlone) {
  EXPECT_EQ(ascii_lower("AZaz@[`{09 \xC3\x84"), "azaz@[`{09 \xC3\x84");
  EXPECT_TRUE(same_ascii_word("Content-Type", "content-TYPE"));
  EXPECT_FALSE(same_ascii_word("date", "dates"));
  EXPECT_FALSE(same_ascii_word("[", "{"));
}

TEST(Ascii, TrimsBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("\ra\r", " \t"), "\ra\r");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
}

}  // namespace
}  // namespace tapewatch

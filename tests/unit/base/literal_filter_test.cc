// SPDX-License-Identifier: Apache-2.0
#include "base/literal_filter.h"

#include <gtest/gtest.h>

#include <random>

namespace tapewatch {
namespace {

TEST(LiteralFilter, NeverMissesALiteral) {
  std::mt19937 random(5);
  const auto word = [&](std::size_t least, std::size_t most) {
    std::string text;
    for (std::size_t n = least + random() % (most - least); n > 0; --n) text.push_back("abAB-_\xE3"[random() % 6]);
    return text;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<Literal> literals;
    for (std::size_t i = 0; i < 1 + random() % 30; ++i) literals.push_back({word(3, 8), random() % 2 == 0});
    const LiteralFilter filter(literals);
    const auto set = LiteralSet::build(literals);
    const auto scratch = (*set)->make_scratch();
    for (int i = 0; i < 200; ++i) {
      const std::string text = word(0, 200);
      std::vector<std::uint32_t> hits;
      (*set)->find(text, *scratch, hits);
      ASSERT_TRUE(hits.empty() || filter.may_contain(text)) << text;
    }
  }
}

TEST(LiteralFilter, EveryPlaceOfALine) {
  const LiteralFilter filter({{"pwd", true}, {"secret", true}, {"AKIA", false}});
  for (std::size_t offset = 0; offset < 200; ++offset) {
    for (const char* literal : {"pwd", "PwD", "secret", "SECRET", "AKIA"}) {
      EXPECT_TRUE(filter.may_contain(std::string(offset, 'x') + literal)) << offset << literal;
      EXPECT_TRUE(filter.may_contain(std::string(offset, 'x') + literal + "\xE3\x81\x82")) << offset << literal;
    }
    EXPECT_EQ(filter.may_contain(std::string(offset, 'x') + "akia PW sec"), !filter.usable()) << offset;
  }
}

}  // namespace
}  // namespace tapewatch

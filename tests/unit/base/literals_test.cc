// SPDX-License-Identifier: Apache-2.0
#include "base/literals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tapewatch {
namespace {

std::vector<std::uint32_t> found(LiteralSet& set, std::string_view text) {
  const auto scratch = set.make_scratch();
  std::vector<std::uint32_t> hits;
  set.find(text, *scratch, hits);
  std::sort(hits.begin(), hits.end());
  return hits;
}

class Literals : public testing::TestWithParam<LiteralSet::Engine> {};

TEST_P(Literals, FindsEachOnceWithItsOwnCase) {
  auto set = LiteralSet::build(
      {{"he", false}, {"She", false}, {"HERS", true}, {"a.b*", false}, {"\xE7\xB4\x84", false}}, GetParam());
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(found(**set, "ushers she"), (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(found(**set, "She"), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(found(**set, "a.b* a.b*"), (std::vector<std::uint32_t>{3}));
  EXPECT_EQ(found(**set, "aXbb"), (std::vector<std::uint32_t>{}));
  EXPECT_EQ(found(**set, "約定"), (std::vector<std::uint32_t>{4}));
  EXPECT_EQ(found(**set, ""), (std::vector<std::uint32_t>{}));
}

INSTANTIATE_TEST_SUITE_P(Engines, Literals, testing::Values(LiteralSet::Engine::best, LiteralSet::Engine::portable));

TEST(LiteralSet, BothEnginesGiveTheSameAnswers) {
  std::mt19937 random(7);
  const auto word = [&](std::size_t most) {
    std::string text;
    for (std::size_t n = 1 + random() % most; n > 0; --n) text.push_back("abAB"[random() % 4]);
    return text;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<Literal> literals;
    for (int i = 0; i < 20; ++i) literals.push_back({word(5), random() % 2 == 0});
    auto best = LiteralSet::build(literals, LiteralSet::Engine::best);
    auto portable = LiteralSet::build(literals, LiteralSet::Engine::portable);
    for (int i = 0; i < 20; ++i) {
      const std::string text = word(40);
      EXPECT_EQ(found(**best, text), found(**portable, text)) << text;
    }
  }
}

}  // namespace
}  // namespace tapewatch

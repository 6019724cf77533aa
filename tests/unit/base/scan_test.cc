// SPDX-License-Identifier: Apache-2.0
#include "base/scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tapewatch {
namespace {

std::vector<TextRange> runs_of(std::string_view text, LineScan::Engine engine = LineScan::Engine::best) {
  LineScan scan(engine);
  scan.scan(text);
  return scan.digit_runs();
}

// The definition, character by character.
std::vector<TextRange> plain_runs_of(std::string_view text) {
  const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::vector<TextRange> runs;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (digit(end) || (end > i && end < text.size() && (text[end] == ' ' || text[end] == '-') && digit(end - 1) &&
                          digit(end + 1))) {
      ++end;
    }
    if (end - i >= LineScan::run_min) runs.push_back({i, end});
    i = end == i ? i + 1 : end;
  }
  return runs;
}

TEST(Scan, FindsLongRunsOnly) {
  EXPECT_EQ(runs_of("card 4111-1111-1111-1111."), (std::vector<TextRange>{{5, 24}}));
  EXPECT_EQ(runs_of("2026-01-05T00:00:00.000144Z"), std::vector<TextRange>{});
  EXPECT_EQ(runs_of("123456789012"), std::vector<TextRange>{});
  EXPECT_EQ(runs_of("1234567890123"), (std::vector<TextRange>{{0, 13}}));
  EXPECT_EQ(runs_of("1234567 -8901234"), std::vector<TextRange>{}) << "two separators end a run";
  EXPECT_EQ(runs_of(""), std::vector<TextRange>{});
}

TEST(Scan, EveryOffsetAndLength) {
  for (std::size_t offset = 0; offset < 140; ++offset) {
    for (std::size_t length : {12u, 13u, 16u, 19u, 70u, 200u}) {
      const std::string text = std::string(offset, 'x') + std::string(length, '7') + "x";
      EXPECT_EQ(runs_of(text), plain_runs_of(text)) << offset << " " << length;
    }
  }
}

TEST(Scan, RandomTextsAgreeWithTheDefinition) {
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t n = random() % 300; n > 0; --n)
      text.push_back("0123456789012345678901234567890 -x"[random() % 34]);
    for (const auto engine : {LineScan::Engine::best, LineScan::Engine::sse2, LineScan::Engine::portable}) {
      ASSERT_EQ(runs_of(text, engine), plain_runs_of(text)) << text;
    }
  }
}

TEST(Scan, Signs) {
  for (const auto engine : {LineScan::Engine::best, LineScan::Engine::sse2, LineScan::Engine::portable}) {
    LineScan scan(engine);
    for (std::size_t offset : {0u, 1u, 61u, 62u, 63u, 64u, 200u}) {
      scan.scan(std::string(offset, 'x') + "\"@x");
      EXPECT_FALSE(scan.has_at_sign()) << offset;
      EXPECT_FALSE(scan.has_percent()) << offset;
      scan.scan(std::string(offset, 'x') + "x@%");
      EXPECT_TRUE(scan.has_at_sign()) << offset;
      EXPECT_TRUE(scan.has_percent()) << offset;
    }
  }
}

TEST(Scan, LongRunIsReadOnce) {
  const std::string text(1'000'000, '1');
  EXPECT_EQ(runs_of(text), (std::vector<TextRange>{{0, text.size()}}));
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "base/state_bytes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tapewatch {
namespace {

enum class Colour : std::uint8_t { red, green };

std::string everything() {
  std::string bytes;
  StateWriter out(bytes);
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX}) out.number(n);
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) out.signed_number(n);
  out.flag(true);
  out.word(0x0123456789ABCDEFu);
  out.real(-0.0);
  out.short_real(std::numeric_limits<float>::infinity());
  out.hash({1, 2});
  out.text("text");
  const std::size_t outer = out.begin_part();
  const std::size_t inner = out.begin_part();
  out.byte(7);
  out.end_part(inner);
  out.pairs({{"name", "value"}, {"", ""}});
  out.end_part(outer);
  out.number(static_cast<std::uint64_t>(Colour::green));
  return bytes;
}

bool reads_everything(std::string_view bytes) {
  StateReader in(bytes);
  bool same = true;
  for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX})
    same = in.number() == n && same;
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX})
    same = in.signed_number() == n && same;
  same = in.flag() && same;
  same = in.word() == 0x0123456789ABCDEFu && same;
  same = std::signbit(in.real()) && same;
  same = std::isinf(in.short_real()) && same;
  same = in.hash() == Hash128{1, 2} && same;
  same = in.text() == "text" && same;
  StateReader outer(in.part());
  StateReader inner(outer.part());
  same = inner.byte() == 7 && inner.at_end() && same;
  same = outer.pairs() == std::vector<std::pair<std::string, std::string>>{{"name", "value"}, {"", ""}} && same;
  same = in.choice(Colour::green) == Colour::green && same;
  return same && in.at_end() && !in.failed() && !outer.failed() && !inner.failed();
}

TEST(StateBytes, WhatIsWrittenIsReadAgain) { EXPECT_TRUE(reads_everything(everything())); }

TEST(StateBytes, WhatIsCutShortFails) {
  const std::string bytes = everything();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(reads_everything(std::string_view(bytes).substr(0, size))) << size;
}

TEST(StateBytes, NothingIsReadBehindAFailure) {
  StateReader in(std::string_view("\x02\x05", 2));
  EXPECT_FALSE(in.flag());
  EXPECT_EQ(in.number(), 0u);
  EXPECT_EQ(in.text(), "");
  EXPECT_TRUE(in.failed());
}

TEST(StateBytes, CountsAreNoLargerThanWhatIsLeft) {
  std::string bytes;
  StateWriter(bytes).number(3);
  bytes.append(11, 'x');
  EXPECT_EQ(StateReader(bytes).count(4), 0u);
  EXPECT_EQ(StateReader(bytes).count(3), 3u);
}

TEST(StateBytes, NumbersOfMoreThan64BitsFail) {
  StateReader in("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02");
  EXPECT_EQ(in.number(), 0u);
  EXPECT_TRUE(in.failed());
}

TEST(StateBytes, AChoiceIsOneOfThose) {
  StateReader in("\x02");
  EXPECT_EQ(in.choice(Colour::green), Colour::red);
  EXPECT_TRUE(in.failed());
}

}  // namespace
}  // namespace tapewatch

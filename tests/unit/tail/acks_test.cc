// SPDX-License-Identifier: Apache-2.0
#include "tail/acks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tapewatch {
namespace {

TEST(Acks, TheAgeIsThatOfTheOldestByte) {
  Acks acks(1);
  acks.open(1, 0);
  acks.open(2, 0);
  EXPECT_EQ(acks.oldest_read_ns(), std::nullopt);
  acks.delivered(1, 0, 10, 30);
  acks.delivered(2, 0, 10, 20);
  acks.delivered(1, 10, 20, 40);
  acks.skipped(1, 20, 25);
  EXPECT_EQ(acks.oldest_read_ns(), 20);
  acks.acked(0, {{2, 0, 10}});
  EXPECT_EQ(acks.oldest_read_ns(), 30);
  acks.acked(0, {{1, 10, 20}});
  EXPECT_EQ(acks.oldest_read_ns(), 30) << "what is before it is still under way";
  acks.acked(0, {{1, 0, 5}});
  EXPECT_EQ(acks.oldest_read_ns(), 30) << "half of it";
  acks.acked(0, {{1, 5, 10}});
  EXPECT_EQ(acks.oldest_read_ns(), std::nullopt);
  acks.delivered(1, 25, 30, 50);
  acks.close(1);
  EXPECT_EQ(acks.oldest_read_ns(), std::nullopt) << "nobody waits for it any more";
}

TEST(Acks, CommittedIsTheLowestOverAllSinks) {
  Acks acks(2);
  acks.open(1, 100);
  acks.delivered(1, 100, 200, 7);
  acks.delivered(1, 200, 300, 7);
  EXPECT_EQ(acks.in_flight_bytes(), 200u);
  acks.acked(0, {{1, 100, 300}});
  EXPECT_EQ(acks.committed(1), 100u);
  acks.acked(1, {{1, 200, 300}});
  EXPECT_EQ(acks.committed(1), 100u);
  EXPECT_TRUE(acks.take_moved().empty());
  acks.acked(1, {{1, 100, 150}});
  EXPECT_EQ(acks.committed(1), 150u);
  EXPECT_EQ(acks.in_flight_bytes(), 150u);
  acks.acked(1, {{1, 150, 200}});
  EXPECT_EQ(acks.committed(1), 300u);
  EXPECT_EQ(acks.in_flight_bytes(), 0u);
  EXPECT_TRUE(acks.all_acked(1));
  EXPECT_EQ(acks.take_moved(), (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(acks.take_moved().empty());
}

TEST(Acks, SpansMayJoinBlocksAndRepeat) {
  Acks acks(1);
  acks.open(1, 0);
  acks.open(2, 50);
  acks.delivered(1, 0, 10, 7);
  acks.delivered(2, 50, 60, 7);
  acks.delivered(1, 10, 25, 7);
  acks.acked(0, {{1, 0, 25}, {2, 50, 55}});
  acks.acked(0, {{1, 5, 25}, {2, 50, 55}});
  EXPECT_EQ(acks.committed(1), 25u);
  EXPECT_EQ(acks.committed(2), 55u);
  EXPECT_EQ(acks.in_flight_bytes(), 5u);
}

TEST(Acks, SkippedBytesNeedNoAcknowledgement) {
  Acks acks(2);
  acks.open(1, 0);
  acks.skipped(1, 0, 1000);
  EXPECT_EQ(acks.committed(1), 1000u);
  acks.delivered(1, 1000, 1010, 7);
  acks.skipped(1, 1010, 5000);
  EXPECT_EQ(acks.committed(1), 1000u);
  acks.acked(0, {{1, 1000, 1010}});
  acks.acked(1, {{1, 1000, 1010}});
  EXPECT_EQ(acks.committed(1), 5000u);
}

TEST(Acks, WithoutSinksReadIsCommitted) {
  Acks acks(0);
  acks.open(1, 0);
  acks.delivered(1, 0, 10, 7);
  EXPECT_EQ(acks.committed(1), 10u);
  EXPECT_EQ(acks.in_flight_bytes(), 0u);
}

TEST(Acks, ClosedFilesAreForgotten) {
  Acks acks(1);
  acks.open(1, 0);
  acks.delivered(1, 0, 10, 7);
  acks.close(1);
  EXPECT_EQ(acks.in_flight_bytes(), 0u);
  acks.acked(0, {{1, 0, 10}, {99, 0, 5}});
  EXPECT_FALSE(acks.is_open(1));
  EXPECT_TRUE(acks.take_moved().empty());
}

TEST(AcksDeathTest, AcknowledgingWhatWasNeverDeliveredEndsTheProgram) {
  Acks acks(1);
  acks.open(1, 0);
  acks.delivered(1, 0, 10, 7);
  EXPECT_DEATH(acks.acked(0, {{1, 0, 11}}), "CHECK");
  EXPECT_DEATH(acks.delivered(1, 11, 12, 7), "CHECK");
}

// Against the plainest model there is: one flag a byte.
TEST(Acks, AnyOrderOfAnyRangesMatchesTheModel) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    constexpr std::uint64_t bytes = 200;
    RangeSet set(0);
    std::vector<bool> model(bytes, false);
    for (int i = 0; i < 60; ++i) {
      std::uint64_t begin = random() % bytes;
      std::uint64_t end = std::min<std::uint64_t>(bytes, begin + random() % 12);
      set.add(begin, end);
      std::fill(model.begin() + static_cast<long>(begin), model.begin() + static_cast<long>(end), true);
      const auto floor = static_cast<std::uint64_t>(std::find(model.begin(), model.end(), false) - model.begin());
      ASSERT_EQ(set.floor(), floor) << "seed " << seed << " step " << i;
    }
  }
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace tapewatch {
namespace {

TEST(Mailbox, IsBoundedByWeightButNeverStuckOnOneLargeItem) {
  Mailbox<int> box(100);
  EXPECT_TRUE(box.try_put(1, 500));
  EXPECT_FALSE(box.try_put(2, 1));
  EXPECT_EQ(box.take(), 1);
  EXPECT_TRUE(box.try_put(2, 60));
  EXPECT_FALSE(box.try_put(3, 60));
  EXPECT_TRUE(box.try_put(3, 40));
}

TEST(Mailbox, ClosingLetsTheRestBeTakenAndThenEndsTheTaker) {
  Mailbox<std::unique_ptr<int>> box(10);
  ASSERT_TRUE(box.try_put(std::make_unique<int>(7), 1));
  std::thread closer([&] { box.close(); });
  EXPECT_EQ(**box.take(), 7);
  EXPECT_EQ(box.take(), std::nullopt);
  closer.join();
  EXPECT_TRUE(box.drained());
  EXPECT_FALSE(box.try_put(std::make_unique<int>(8), 1));
}

}  // namespace
}  // namespace tapewatch

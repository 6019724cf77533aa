// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "fake/http_server.h"
#include "fake/scheduler.h"
#include "loop/signal_watch.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LoopTest : public testing::Test {
 protected:
  SystemClock clock_;
  std::unique_ptr<Loop> loop_ = Loop::open(clock_).value();
};

TEST_F(LoopTest, PostsFromAnotherThreadRunInOrderOnTheLoopThread) {
  std::vector<int> seen;
  bool on_loop = true;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      loop_->post([&, i] {
        on_loop = on_loop && loop_->on_thread();
        seen.push_back(i);
        if (i == 999) loop_->stop();
      });
    }
  });
  loop_->run();
  other.join();
  ASSERT_EQ(seen.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
  EXPECT_TRUE(on_loop);
}

TEST_F(LoopTest, StopBeforeRunIsKept) {
  loop_->stop();
  loop_->run();
}

TEST_F(LoopTest, TimersRunInOrderOfDeadline) {
  std::string order;
  loop_->after(milliseconds(3), [&] { order += 'c'; });
  loop_->after(milliseconds(1), [&] { order += 'a'; });
  loop_->after(milliseconds(1), [&] { order += 'b'; });
  const TimerId gone = loop_->after(milliseconds(1), [&] { order += 'x'; });
  loop_->cancel(gone);
  loop_->cancel(0);
  EXPECT_TRUE(run_until(*loop_, [&] { return order.size() == 3; }));
  EXPECT_EQ(order, "abc");
}

TEST_F(LoopTest, WhatIsPostedOrTimedWhenTheLoopEndsIsDestroyed) {
  auto posted = std::make_shared<int>(1);
  auto timed = std::make_shared<int>(2);
  loop_->post([posted] {});
  loop_->after(seconds(100), [timed] {});
  loop_.reset();
  EXPECT_EQ(posted.use_count(), 1);
  EXPECT_EQ(timed.use_count(), 1);
}

TEST_F(LoopTest, SignalsArriveOnTheLoop) {
  int count = 0;
  auto watch = SignalWatch::open(*loop_, SIGUSR2, [&] { ++count; }).value();
  std::raise(SIGUSR2);
  EXPECT_TRUE(run_until(*loop_, [&] { return count == 1; }));
  EXPECT_FALSE(SignalWatch::open(*loop_, SIGKILL, [] {}).ok());
}

TEST(Timer, RepeatsAndMayDestroyItself) {
  FakeScheduler scheduler;
  int count = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(scheduler, [&] {
    if (++count == 3) timer.reset();
  });
  timer->start(seconds(1), seconds(2));
  scheduler.advance(milliseconds(999));
  EXPECT_EQ(count, 0);
  scheduler.advance(milliseconds(1));
  EXPECT_EQ(count, 1);
  scheduler.advance(seconds(100));
  EXPECT_EQ(count, 3);
  EXPECT_EQ(scheduler.timers(), 0U);
}

TEST(Timer, StartsAgainAndStops) {
  FakeScheduler scheduler;
  int count = 0;
  Timer timer(scheduler, [&] { ++count; });
  timer.start(seconds(1));
  timer.start(seconds(5));
  scheduler.advance(seconds(4));
  EXPECT_EQ(count, 0);
  scheduler.advance(seconds(1));
  EXPECT_EQ(count, 1);
  EXPECT_FALSE(timer.running());
  timer.start(seconds(1));
  timer.stop();
  scheduler.advance(seconds(10));
  EXPECT_EQ(count, 1);
}

TEST(TimerQueue, ATimerMadeInARoundWaitsForTheNext) {
  TimerQueue queue;
  int count = 0;
  queue.add(0, [&] { queue.add(0, [&] { ++count; }); });
  const TimerId limit = queue.next_id();
  while (queue.run_one(0, limit)) {
  }
  EXPECT_EQ(count, 0);
  EXPECT_TRUE(queue.run_one(0, queue.next_id()));
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace tapewatch

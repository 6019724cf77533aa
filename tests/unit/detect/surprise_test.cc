// SPDX-License-Identifier: Apache-2.0
#include "detect/surprise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace tapewatch {
namespace {

constexpr std::int64_t minute = 60'000'000'000;

static_assert(sizeof(Surprise) <= 2048, "with the tail of each season a series stays below 4 kB");

class SurpriseTest : public testing::Test {
 protected:
  // Noise around `level`; how many points were alarms.
  int noise(Surprise& surprise, int points, double level = 100) {
    int alarms = 0;
    for (int i = 0; i < points; ++i) {
      last_ = surprise.see(now_ += minute, level + noise_(random_));
      alarms += last_.alarm ? 1 : 0;
    }
    return alarms;
  }

  std::mt19937 random_{7};
  std::normal_distribution<double> noise_{0, 3};
  std::int64_t now_ = 0;
  Surprise::Verdict last_;
  SurpriseOptions options_;
};

TEST_F(SurpriseTest, AJumpIsAnAlarmAndNoiseIsNot) {
  Surprise surprise(options_);
  EXPECT_LE(noise(surprise, 2000), 2);
  const auto verdict = surprise.see(now_ += minute, 160);
  EXPECT_TRUE(verdict.alarm);
  EXPECT_GT(verdict.score, 3.7);
  EXPECT_NEAR(verdict.expected, 100, 2);
  EXPECT_LT(verdict.upper, 160);
  EXPECT_GT(verdict.upper, verdict.expected);
  EXPECT_LT(verdict.lower, verdict.expected);
}

TEST_F(SurpriseTest, OneAlarmAStory) {
  Surprise surprise(options_);
  (void)noise(surprise, 2000);
  ASSERT_TRUE(surprise.see(now_ += minute, 160).alarm);
  int more = 0;
  for (int i = 0; i < 100; ++i) more += surprise.see(now_ += minute, 155).alarm ? 1 : 0;
  EXPECT_EQ(more, 0) << "what goes on is not new";
}

TEST_F(SurpriseTest, NothingIsSaidBeforeThereIsAPast) {
  Surprise surprise(options_);
  for (int i = 0; i < 38; ++i) EXPECT_EQ(surprise.see(now_ += minute, i == 30 ? 1e6 : 1).score, 0);
}

TEST_F(SurpriseTest, ADirectionLeavesTheOtherOut) {
  options_.direction = Direction::up;
  Surprise up(options_);
  (void)noise(up, 2000);
  EXPECT_FALSE(up.see(now_ += minute, 40).alarm);
  Surprise again(options_);
  (void)noise(again, 2000);
  EXPECT_TRUE(again.see(now_ += minute, 160).alarm);
  options_.direction = Direction::down;
  Surprise down(options_);
  (void)noise(down, 2000);
  EXPECT_TRUE(down.see(now_ += minute, 40).alarm);
}

// Every day has the same hours of noise; the last has them at another hour.
TEST_F(SurpriseTest, ASeasonKnowsTheTimeOfDay) {
  const auto day = [&](Surprise& surprise, int busy_hour) {
    double most = 0;
    for (int i = 0; i < 96; ++i) {
      const double level = i / 4 == busy_hour ? 200 : 100;
      most = std::max(most, surprise.see(now_ += 15 * minute, level + noise_(random_)).score);
    }
    return most;
  };
  const auto run = [&] {
    now_ = 0;
    Surprise surprise(options_);
    for (int i = 0; i < 30; ++i) (void)day(surprise, 9);
    return day(surprise, 15);
  };
  const double with_season = run();
  options_.seasons_ns.clear();
  EXPECT_GT(with_season, run() + 0.3);
}

TEST_F(SurpriseTest, ExtremesDoNoHarm) {
  Surprise surprise(options_);
  const double most = std::numeric_limits<double>::max();
  for (const double value : {0.0, most, -most, 0.0, most, 1e-300, -0.0}) {
    for (int i = 0; i < 30; ++i) EXPECT_FALSE(std::isnan(surprise.see(now_ += minute, value).score));
  }
  EXPECT_FALSE(std::isnan(surprise.see(INT64_MIN, 1).score));
}

TEST_F(SurpriseTest, AConstantSeriesIsSurprisedByAnything) {
  Surprise surprise(options_);
  for (int i = 0; i < 500; ++i) EXPECT_FALSE(surprise.see(now_ += minute, 5).alarm);
  EXPECT_TRUE(surprise.see(now_ += minute, 6).alarm);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/redis_level.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "fake/redis_server.h"

namespace tapewatch {
namespace {

using namespace std::chrono_literals;
using Found = Result<std::optional<std::string>>;

constexpr std::array<std::string_view, 1> orders{"orders"};
constexpr std::array<std::string_view, 1> prices{"prices"};

// Two caches of two "processes" on one real server.
class RedisLevelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) {
      const char* ci = std::getenv("CI");
      if (ci != nullptr && std::string_view(ci) == "true") FAIL() << "redis-server is not installed";
      GTEST_SKIP() << "redis-server is not installed";
    }
    ASSERT_TRUE(server_.start());
  }
  RedisOptions redis() const {
    RedisOptions out;
    out.unix_path = server_.socket();
    out.reply_wait_max = 50ms;
    out.ping_interval = 50ms;
    out.listen_wait_max = 200ms;
    out.open_for = 50ms;
    return out;
  }
  static Cache::Options options() {
    Cache::Options out;
    out.early_beta = 0;
    out.second_level_cost_min = 0us;
    return out;
  }
  std::unique_ptr<Cache> cache(const RedisOptions& redis_options) {
    auto out = std::make_unique<Cache>(options(), redis_level(redis_options));
    EXPECT_TRUE(eventually([&] { return out->stats().second.listening; }));
    return out;
  }
  static std::string get(Cache& cache, std::string_view key, std::string fresh, Cache::Tables tables = orders) {
    Cache::Request request;
    request.tables = tables;
    const Result<Cache::Value> value =
        cache.get_or_load(key, request, [&]() -> Found { return std::optional<std::string>(fresh); });
    if (!value.ok()) return "error: " + value.error().message;
    return value.value() == nullptr ? "none" : *value.value();
  }
  // The first miss of a table only gives it a state; what is shared begins with the second.
  static void warm(Cache& cache) {
    (void)get(cache, "warm orders", "1", orders);
    (void)get(cache, "warm prices", "1", prices);
  }

  RedisServer server_;
};

TEST_F(RedisLevelTest, WhatOneLoadedTheOtherFinds) {
  const auto one = cache(redis());
  const auto two = cache(redis());
  warm(*one);
  EXPECT_EQ(get(*one, "a", "1"), "1");
  EXPECT_EQ(get(*one, "b", std::string("\0\r\n", 3)), std::string("\0\r\n", 3));
  EXPECT_EQ(get(*two, "a", "2"), "1");
  EXPECT_EQ(get(*two, "b", "2"), std::string("\0\r\n", 3));
  EXPECT_EQ(two->stats().loads, 0);
  EXPECT_EQ(two->stats().second.hits, 2);
  RedisOptions later = redis();
  later.version = "2";
  const auto three = cache(later);
  warm(*three);
  EXPECT_EQ(get(*three, "a", "3"), "3");
}

TEST_F(RedisLevelTest, ThatThereIsNoneIsSharedToo) {
  const auto one = cache(redis());
  const auto two = cache(redis());
  warm(*one);
  Cache::Request request;
  request.tables = orders;
  EXPECT_TRUE(one->get_or_load("a", request, []() -> Found { return std::optional<std::string>(); }).ok());
  EXPECT_EQ(get(*two, "a", "2"), "none");
}

TEST_F(RedisLevelTest, AWriteOfOneIsHeardByTheOther) {
  const auto one = cache(redis());
  warm(*one);
  const auto two = cache(redis());  // later: it does not hear how the tables got their states
  EXPECT_EQ(get(*one, "a", "1"), "1");
  EXPECT_EQ(get(*two, "a", "2"), "1");
  EXPECT_EQ(get(*two, "p", "1", prices), "1");
  one->invalidate(orders);
  EXPECT_TRUE(eventually([&] { return !two->peek("a").has_value(); }));
  EXPECT_TRUE(two->peek("p").has_value());
  EXPECT_EQ(get(*two, "a", "2"), "2");
  EXPECT_EQ(get(*one, "a", "3"), "2");
  EXPECT_EQ(one->stats().second.invalidations_sent, 1);
}

TEST_F(RedisLevelTest, AValueLoadedBeforeAWriteMayBeStoredAfterIt) {
  const auto one = cache(redis());
  const auto two = cache(redis());
  warm(*one);
  Cache::Request request;
  request.tables = orders;
  const Result<Cache::Value> old = one->get_or_load("a", request, [&]() -> Found {
    two->invalidate(orders);
    return std::optional<std::string>("old");
  });
  EXPECT_TRUE(old.ok());
  EXPECT_EQ(one->stats().second.puts, 1);
  EXPECT_EQ(get(*two, "a", "new"), "new");
}

TEST_F(RedisLevelTest, AKilledServerIsNoErrorAndWhatWasInvalidatedMeanwhileIsSentLater) {
  const auto one = cache(redis());
  const auto two = cache(redis());
  warm(*one);
  EXPECT_EQ(get(*two, "a", "1"), "1");
  server_.kill_now();
  EXPECT_TRUE(eventually([&] { return two->stats().second.listener_losses == 1; }));
  EXPECT_FALSE(two->peek("a").has_value());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(*one, std::to_string(i), "1"), "1");
  EXPECT_TRUE(one->stats().second.circuit_open);
  EXPECT_GE(one->stats().second.failures, 3);
  EXPECT_GT(one->stats().second.skipped, 0);
  one->invalidate(orders);
  EXPECT_EQ(one->stats().second.invalidations_waiting, 1);
  ASSERT_TRUE(server_.start());
  EXPECT_TRUE(eventually([&] { return two->stats().second.listening && one->stats().second.listening; }));
  EXPECT_TRUE(eventually([&] { return one->stats().second.invalidations_waiting == 0; }));
  EXPECT_FALSE(one->stats().second.circuit_open);
  // Connections of the old server may cost each cache a miss more.
  int n = 0;
  EXPECT_TRUE(eventually([&] {
    const std::string key = "after " + std::to_string(++n);
    return get(*one, key, "1") == "1" && get(*two, key, "1") == "1" && two->stats().second.hits > 1;
  }));
}

TEST_F(RedisLevelTest, AFrozenServerCostsAFewDeadlinesAndThenNothing) {
  RedisOptions slow = redis();
  slow.open_for = 60s;
  const auto one = cache(slow);
  warm(*one);
  server_.freeze();
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(get(*one, std::to_string(i), "1"), "1");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_EQ(one->stats().second.failures, 3);
  EXPECT_TRUE(eventually([&] { return one->stats().second.listener_losses == 1; }));
  EXPECT_EQ(one->stats().entries, 0);  // what was invalidated unheard is gone
  server_.thaw();
  EXPECT_TRUE(eventually([&] { return one->stats().second.listening; }));
}

TEST_F(RedisLevelTest, AServerThatForgetsEverythingMakesTheCachesForgetToo) {
  const auto one = cache(redis());
  warm(*one);
  EXPECT_EQ(get(*one, "a", "1"), "1");
  const std::string flush = "redis-cli -s " + server_.socket() + " flushall";
  const pid_t cli = fork();
  if (cli == 0) {
    execl("/bin/sh", "sh", "-c", (flush + " >/dev/null").c_str(), nullptr);
    _exit(127);
  }
  waitpid(cli, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return !one->peek("a").has_value(); }));
}

TEST(RedisLevel, AServerThatNeverWasIsNoError) {
  RedisOptions nowhere;
  nowhere.unix_path = "/nonexistent/redis.sock";
  Cache cache(Cache::Options(), redis_level(nowhere));
  const Result<Cache::Value> value =
      cache.get_or_load("a", {}, []() -> Found { return std::optional<std::string>("1"); });
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value.value(), "1");
  EXPECT_EQ(cache.stats().second.failures, 1);
}

}  // namespace
}  // namespace tapewatch

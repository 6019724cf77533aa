// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/cache.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fake/clock.h"

namespace tapewatch {
namespace {

using namespace std::chrono_literals;
using Found = Result<std::optional<std::string>>;

constexpr std::array<std::string_view, 1> orders{"orders"};
constexpr std::array<std::string_view, 1> prices{"prices"};
constexpr std::array<std::string_view, 2> both{"orders", "prices"};

class CacheTest : public ::testing::Test {
 protected:
  Cache::Options options() {
    Cache::Options out;
    out.shards = 1;
    out.ttl = 10s;
    out.negative_ttl = 1s;
    out.ttl_jitter = 0;
    out.early_beta = 0;
    out.seed = 7;
    out.steady_ns = [this] { return clock_.steady_ns(); };
    return out;
  }
  Cache::Load gives(std::string value) {
    return [this, value]() -> Found {
      ++loads_;
      return std::optional<std::string>(value);
    };
  }
  static std::string get(Cache& cache, std::string_view key, const Cache::Load& load, Cache::Tables tables = {}) {
    Cache::Request request;
    request.tables = tables;
    const Result<Cache::Value> value = cache.get_or_load(key, request, load);
    if (!value.ok()) return "error: " + value.error().message;
    return value.value() == nullptr ? "none" : *value.value();
  }

  FakeClock clock_;
  int loads_ = 0;
};

TEST_F(CacheTest, LoadsOnceAndAgainWhenItsLifeIsOver) {
  Cache cache(options());
  EXPECT_EQ(get(cache, "a", gives("1")), "1");
  EXPECT_EQ(get(cache, "a", gives("2")), "1");
  clock_.advance(9999ms);
  EXPECT_EQ(get(cache, "a", gives("2")), "1");
  clock_.advance(1ms);
  EXPECT_EQ(get(cache, "a", gives("2")), "2");
  EXPECT_EQ(loads_, 2);
  EXPECT_EQ(cache.stats().expired, 1);
  EXPECT_EQ(cache.stats().hits, 2);
  EXPECT_EQ(cache.stats().misses, 2);
}

TEST_F(CacheTest, KnowsForAShortTimeThatThereIsNone) {
  Cache cache(options());
  const Cache::Load none = [this]() -> Found {
    ++loads_;
    return std::optional<std::string>();
  };
  EXPECT_EQ(get(cache, "a", none), "none");
  EXPECT_EQ(get(cache, "a", none), "none");
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(cache.stats().negative_hits, 1);
  clock_.advance(1s);
  EXPECT_EQ(get(cache, "a", gives("now")), "now");
}

TEST_F(CacheTest, AnErrorIsNotKeptAndAnExceptionIsAnError) {
  Cache cache(options());
  EXPECT_EQ(get(cache, "a", []() -> Found { return Error{Code::io, "gone"}; }), "error: gone");
  EXPECT_EQ(get(cache, "a", []() -> Found { throw std::runtime_error("bang"); }), "error: a load threw: bang");
  EXPECT_EQ(get(cache, "a", gives("1")), "1");
  EXPECT_EQ(cache.stats().loads_failed, 2);
}

TEST_F(CacheTest, AWriteToATableForgetsWhatWasMadeOfItOnly) {
  Cache cache(options());
  EXPECT_EQ(get(cache, "o", gives("o1"), orders), "o1");
  EXPECT_EQ(get(cache, "p", gives("p1"), prices), "p1");
  EXPECT_EQ(get(cache, "b", gives("b1"), both), "b1");
  EXPECT_EQ(get(cache, "free", gives("f1")), "f1");
  cache.invalidate(orders);
  EXPECT_EQ(get(cache, "o", gives("o2"), orders), "o2");
  EXPECT_EQ(get(cache, "p", gives("p2"), prices), "p1");
  EXPECT_EQ(get(cache, "b", gives("b2"), both), "b2");
  EXPECT_EQ(get(cache, "free", gives("f2")), "f1");
  cache.clear();
  EXPECT_EQ(get(cache, "free", gives("f2")), "f2");
}

TEST_F(CacheTest, TablesBeyondTheLimitAreForgottenTogether) {
  Cache::Options few = options();
  few.tables_max = 1;
  Cache cache(few);
  const std::array<std::string_view, 1> third{"third"};
  EXPECT_EQ(get(cache, "o", gives("o1"), orders), "o1");
  EXPECT_EQ(get(cache, "p", gives("p1"), prices), "p1");
  cache.invalidate(third);
  EXPECT_EQ(get(cache, "o", gives("o2"), orders), "o1");
  EXPECT_EQ(get(cache, "p", gives("p2"), prices), "p2");
}

TEST_F(CacheTest, AValueInvalidatedWhileItLoadsIsNotKept) {
  Cache cache(options());
  const Cache::Load old = [&]() -> Found {
    cache.invalidate(orders);
    // Who comes after the write does not join the load that began before it.
    EXPECT_EQ(get(cache, "a", gives("new"), orders), "new");
    return std::optional<std::string>("old");
  };
  EXPECT_EQ(get(cache, "a", old, orders), "old");
  EXPECT_EQ(get(cache, "a", gives("newer"), orders), "new");
  EXPECT_EQ(cache.stats().loads_outdated, 1);
}

TEST_F(CacheTest, ALoadThatAsksForItsOwnKeyIsRefused) {
  Cache cache(options());
  const Cache::Load nested = [&]() -> Found {
    EXPECT_EQ(get(cache, "a", gives("1")), "error: the load of a key asks for the key itself");
    EXPECT_EQ(get(cache, "b", gives("1")), "1");
    return std::optional<std::string>("2");
  };
  EXPECT_EQ(get(cache, "a", nested), "2");
}

TEST_F(CacheTest, ConcurrentMissesShareOneLoad) {
  Cache cache(options());
  std::atomic<int> loads{0};
  const Cache::Load slow = [&]() -> Found {
    ++loads;
    while (cache.stats().joined < 7) std::this_thread::yield();
    return std::optional<std::string>("1");
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(get(cache, "a", slow), "1"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
}

TEST_F(CacheTest, WaitingForSomebodyElseHasAnEnd) {
  Cache::Options impatient = options();
  impatient.load_wait_max = 1ms;
  Cache cache(impatient);
  const Cache::Load stuck = [&]() -> Found {
    std::thread other([&] {
      const Result<Cache::Value> value = cache.get_or_load("a", {}, gives("2"));
      EXPECT_FALSE(value.ok());
      EXPECT_EQ(value.ok() ? Code::internal : value.error().code, Code::timeout);
    });
    other.join();
    return std::optional<std::string>("1");
  };
  EXPECT_EQ(get(cache, "a", stuck), "1");
  EXPECT_EQ(cache.stats().waits_expired, 1);
}

TEST_F(CacheTest, WhatIsCostlyIsRefreshedBeforeItEnds) {
  Cache::Options eager = options();
  eager.early_beta = 1;
  Cache cache(eager);
  const Cache::Load costly = [this]() -> Found {
    clock_.advance(100ms);
    return std::optional<std::string>("old");
  };
  EXPECT_EQ(get(cache, "a", costly), "old");
  clock_.advance(5s);  // 50 times the cost before the end: never
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(get(cache, "a", gives("new")), "old");
  EXPECT_EQ(cache.stats().early_refreshes, 0);
  clock_.advance(4950ms);  // half the cost before the end: three draws of five
  const Cache::Load failing = []() -> Found { return Error{Code::io, "gone"}; };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(cache, "a", failing), "old");
  EXPECT_GT(cache.stats().early_refreshes, 5);
  EXPECT_LT(cache.stats().early_refreshes, 20);
  for (int i = 0; i < 20; ++i) (void)get(cache, "a", gives("new"));
  EXPECT_EQ(get(cache, "a", gives("newer")), "new");
  EXPECT_EQ(loads_, 1);
}

TEST_F(CacheTest, LivesAreShortenedByUpToTheJitter) {
  Cache::Options spread = options();
  spread.ttl_jitter = 0.5;
  Cache cache(spread);
  for (int i = 0; i < 100; ++i) (void)get(cache, std::to_string(i), gives("1"));
  clock_.advance(4999ms);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cache.peek(std::to_string(i)).has_value());
  clock_.advance(2500ms);
  int alive = 0;
  for (int i = 0; i < 100; ++i) alive += cache.peek(std::to_string(i)).has_value() ? 1 : 0;
  EXPECT_GT(alive, 25);
  EXPECT_LT(alive, 75);
}

TEST_F(CacheTest, WhatIsReadStaysWhenAScanPasses) {
  Cache::Options small = options();
  small.bytes_max = 16 << 10;
  Cache cache(small);
  const std::string value(200, 'x');
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(get(cache, "read often", gives(value)), value);
    (void)get(cache, "scan " + std::to_string(i), gives(value));
    EXPECT_LE(cache.stats().bytes, 16 << 10);
  }
  EXPECT_EQ(loads_, 501);
  EXPECT_GT(cache.stats().evicted, 400);
  EXPECT_FALSE(cache.peek("scan 0").has_value());
  (void)get(cache, "huge", gives(std::string(17 << 10, 'x')));
  EXPECT_EQ(cache.stats().too_large, 1);
  EXPECT_TRUE(cache.peek("read often").has_value());
}

// Against a model that never evicts: a value is the model's, and without eviction hit and miss are the model's as well.
class CacheModelTest : public CacheTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(CacheModelTest, AgreesWithASimpleModel) {
  struct Kept {
    std::string value;
    std::int64_t expires_ns;
  };
  const bool roomy = GetParam() > 1 << 20;
  Cache::Options sized = options();
  sized.bytes_max = GetParam();
  Cache cache(sized);
  std::map<std::string, Kept> model;
  std::mt19937 random(42);  // NOLINT: the same steps each time
  for (int step = 0; step < 20000; ++step) {
    const auto dice = random() % 100;
    if (dice < 3) {
      const bool of_orders = random() % 2 == 0;
      cache.invalidate(of_orders ? orders : prices);
      std::erase_if(model, [&](const auto& kept) { return (kept.first[0] == 'o') == of_orders; });
    } else if (dice < 10) {
      clock_.advance(std::chrono::milliseconds(random() % 2000));
    } else {
      const bool of_orders = random() % 2 == 0;
      const std::string key = (of_orders ? "o" : "p") + std::to_string(random() % 200);
      const std::string fresh = std::to_string(step);
      const auto kept = model.find(key);
      const bool alive = kept != model.end() && clock_.steady_ns() < kept->second.expires_ns;
      const std::string got = get(cache, key, gives(fresh), of_orders ? orders : prices);
      ASSERT_TRUE(got == fresh || (alive && got == kept->second.value)) << "step " << step;
      ASSERT_TRUE(!roomy || !alive || got == kept->second.value) << "step " << step;
      if (got == fresh) model[key] = Kept{fresh, clock_.steady_ns() + 10'000'000'000};
    }
    ASSERT_LE(cache.stats().bytes, static_cast<std::int64_t>(GetParam()));
  }
  EXPECT_EQ(cache.stats().evicted == 0, roomy);
  EXPECT_GT(cache.stats().hits, 1000);
}

INSTANTIATE_TEST_SUITE_P(Sizes, CacheModelTest, ::testing::Values(std::size_t{8} << 20, std::size_t{16} << 10));

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/loader.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tapewatch/loader_turns.h"

namespace tapewatch {
namespace {

using IntLoader = Loader<int, std::string>;
using Keys = std::vector<int>;

// A fetch that answers at once or when told, and the batches it was asked for.
class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    options.at_turn_end = [this](std::function<void()> job) { turns.at_end(std::move(job)); };
  }
  IntLoader::Fetch fetch() {
    return [this](const Keys& keys, const IntLoader::Reply& reply) {
      batches.push_back(keys);
      if (later)
        replies.push_back([keys, reply, this] { reply(outcomes(keys)); });
      else
        reply(outcomes(keys));
    };
  }
  IntLoader::Outcomes outcomes(const Keys& keys) const {
    if (failed) return Error{Code::io, "down"};
    std::vector<Result<std::string>> out;
    for (const int key : keys)
      out.push_back(key < 0 ? Result<std::string>(Error{Code::not_found, "none"}) : prefix + std::to_string(key));
    if (one_less) out.pop_back();
    return out;
  }
  // Writes each answer down.
  IntLoader::Done note() {
    return [this](const Result<std::string>& outcome) {
      answers.push_back(outcome.ok() ? outcome.value() : "!" + outcome.error().message);
    };
  }

  LoaderTurns turns;
  LoaderOptions options;
  std::vector<Keys> batches;
  std::vector<std::function<void()>> replies;
  std::vector<std::string> answers;
  std::string prefix = "v";
  bool later = false;
  bool failed = false;
  bool one_less = false;
};

using Strings = std::vector<std::string>;

TEST_F(LoaderTest, OneTurnIsOneBatchInOrderWithoutDuplicates) {
  IntLoader loader(fetch(), options);
  for (const int key : {3, 1, 3, 2}) loader.load(key, note());
  EXPECT_TRUE(answers.empty());
  turns.run();
  EXPECT_EQ(batches, (std::vector<Keys>{{3, 1, 2}}));
  EXPECT_EQ(answers, (Strings{"v3", "v1", "v2", "v3"}));
  EXPECT_EQ(loader.stats().hits, 1);
  EXPECT_EQ(loader.stats().keys_fetched, 3);
}

TEST_F(LoaderTest, LoadsOfAnswersJoinInTheNextBatch) {
  IntLoader loader(fetch(), options);
  loader.load(5, note());
  turns.run();
  // One of the two is a hit; as it is answered with its batch, what both ask for next still meets.
  for (const int key : {5, 6}) loader.load(key, [&, key](const auto&) { loader.load(key * 10, note()); });
  turns.run();
  EXPECT_EQ(batches, (std::vector<Keys>{{5}, {6}, {60, 50}}));
}

TEST_F(LoaderTest, AHitIsNeverAnsweredInsideLoad) {
  IntLoader loader(fetch(), options);
  EXPECT_TRUE(loader.prime(1, std::string("primed")));
  loader.load(1, note());
  EXPECT_TRUE(answers.empty());
  turns.run();
  EXPECT_EQ(answers, Strings{"primed"});
  EXPECT_TRUE(batches.empty());
}

TEST_F(LoaderTest, PrimeNeverOverwritesAndClearForgets) {
  IntLoader loader(fetch(), options);
  EXPECT_TRUE(loader.prime(1, std::string("a")));
  EXPECT_FALSE(loader.prime(1, std::string("b")));
  loader.clear(1);
  EXPECT_TRUE(loader.prime(1, std::string("c")));
  loader.prime(2, std::string("d"));
  loader.load(1, note());
  turns.run();
  loader.clear_all();
  loader.load(1, note());
  loader.load(2, note());
  turns.run();
  EXPECT_EQ(answers, (Strings{"c", "v1", "v2"}));
}

TEST_F(LoaderTest, BatchesAreSplitAtTheirLimit) {
  options.batch_keys_max = 2;
  IntLoader loader(fetch(), options);
  std::vector<Result<std::string>> all;
  loader.load_many({1, 2, 3, 4, 5}, [&](auto outcomes) { all = std::move(outcomes); });
  turns.run();
  EXPECT_EQ(batches, (std::vector<Keys>{{1, 2}, {3, 4}, {5}}));
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[4].value(), "v5");
}

TEST_F(LoaderTest, AnErrorIsItsKeysAloneAndIsFetchedAgain) {
  IntLoader loader(fetch(), options);
  loader.load(-1, note());
  loader.load(1, note());
  turns.run();
  loader.load(-1, note());
  loader.load(1, note());
  turns.run();
  EXPECT_EQ(answers, (Strings{"!none", "v1", "!none", "v1"}));
  EXPECT_EQ(batches, (std::vector<Keys>{{-1, 1}, {-1}}));
}

TEST_F(LoaderTest, AnErrorIsRememberedWhenAsked) {
  options.cache_errors = true;
  IntLoader loader(fetch(), options);
  for (int i = 0; i < 2; ++i) {
    loader.load(-1, note());
    turns.run();
  }
  EXPECT_EQ(answers, (Strings{"!none", "!none"}));
  EXPECT_EQ(batches.size(), 1u);
}

TEST_F(LoaderTest, AFailedBatchFailsAllAndIsForgotten) {
  options.cache_errors = true;
  IntLoader loader(fetch(), options);
  failed = true;
  loader.load(1, note());
  loader.load(2, note());
  turns.run();
  failed = false;
  loader.load(1, note());
  turns.run();
  EXPECT_EQ(answers, (Strings{"!down", "!down", "v1"}));
  EXPECT_EQ(loader.stats().batches_failed, 1);
}

TEST_F(LoaderTest, AFetchThatBreaksItsPromiseFailsItsBatch) {
  one_less = true;
  IntLoader wrong_length(fetch(), options);
  wrong_length.load(1, note());
  IntLoader throws([](const Keys&, const auto&) { throw std::runtime_error("mine"); }, options);
  throws.load(1, note());
  IntLoader silent([](const Keys&, const auto&) {}, options);
  silent.load(1, note());
  turns.run();
  EXPECT_EQ(answers, (Strings{"!a fetch of 1 keys returned 0 outcomes", "!a fetch threw: mine",
                              "!the fetch gave up its keys without an answer"}));
}

TEST_F(LoaderTest, WithoutCacheNoKeyIsTwiceInABatch) {
  options.cache = false;
  IntLoader loader(fetch(), options);
  for (int i = 0; i < 2; ++i) {
    loader.load(1, note());
    loader.load(1, note());
    turns.run();
  }
  EXPECT_EQ(batches, (std::vector<Keys>{{1}, {1}}));
  EXPECT_EQ(answers.size(), 4u);
}

TEST_F(LoaderTest, AFetchUnderWayIsSharedUntilCleared) {
  later = true;
  IntLoader loader(fetch(), options);
  loader.load(1, note());
  turns.run();
  loader.load(1, note());  // joins what is under way
  turns.run();
  loader.clear(1);  // a write: who asks from now on must not see what was read before it
  prefix = "new";
  loader.load(1, note());
  turns.run();
  ASSERT_EQ(replies.size(), 2u);
  replies[1]();
  EXPECT_EQ(answers, (Strings{"new1"}));
  prefix = "old";
  replies[0]();
  EXPECT_EQ(answers, (Strings{"new1", "old1", "old1"}));
  loader.load(1, note());
  turns.run();
  EXPECT_EQ(answers.back(), "new1");
  replies[0]();  // a second answer is ignored
  EXPECT_EQ(answers.size(), 4u);
}

TEST_F(LoaderTest, AFailureOfAClearedFetchLeavesItsSuccessorAlone) {
  later = true;
  IntLoader loader(fetch(), options);
  loader.load(1, note());
  turns.run();
  loader.clear(1);
  loader.load(1, note());
  turns.run();
  failed = true;
  replies[0]();
  failed = false;
  loader.load(1, note());
  turns.run();
  replies[1]();
  EXPECT_EQ(batches.size(), 2u);
  EXPECT_EQ(answers, (Strings{"!down", "v1", "v1"}));
}

TEST_F(LoaderTest, DispatchSendsWithoutAScheduler) {
  IntLoader loader(fetch());
  loader.load(1, note());
  EXPECT_TRUE(batches.empty());
  loader.dispatch();
  EXPECT_EQ(answers, Strings{"v1"});
}

TEST_F(LoaderTest, WhoStillWaitsIsToldOfTheEnd) {
  later = true;
  {
    IntLoader loader(fetch(), options);
    loader.load(1, note());
    turns.run();
    loader.load(2, note());
  }
  turns.run();
  replies[0]();
  EXPECT_EQ(answers, (Strings{"!the loader is gone", "!the loader is gone"}));
}

TEST_F(LoaderTest, TheCacheIsBounded) {
  options.cached_keys_max = 1;
  IntLoader loader(fetch(), options);
  for (int i = 0; i < 2; ++i) {
    loader.load(1, note());
    loader.load(2, note());
    turns.run();
  }
  EXPECT_EQ(batches, (std::vector<Keys>{{1, 2}, {2}}));
  EXPECT_EQ(loader.stats().keys_not_cached, 2);
}

TEST(InKeyOrder, FindsRowsAndGaps) {
  using Row = std::pair<int, std::string>;
  const auto out =
      in_key_order(Keys{3, 1, 2}, std::vector<Row>{{1, "a"}, {3, "c"}}, [](const Row& r) { return r.first; });
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].value()->second, "c");
  EXPECT_EQ(out[1].value()->second, "a");
  EXPECT_FALSE(out[2].value().has_value());
}

}  // namespace
}  // namespace tapewatch

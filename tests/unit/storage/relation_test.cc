// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/relation.h"

#include <gtest/gtest.h>

#include "fake/folder.h"
#include "tapewatch/loader_scope.h"

namespace tapewatch {
namespace {

using Names = Loader<int, std::optional<std::string>>;
using ToName = Relation<int, std::optional<std::string>>;
using Keys = std::vector<int>;

class RelationTest : public testing::Test {
 protected:
  RelationTest()
      : loader_(Names::at_once([this](const Keys& keys) -> Names::Outcomes {
                  batches_.push_back(keys);
                  std::vector<Result<std::optional<std::string>>> out;
                  for (const int key : keys) out.emplace_back("name " + std::to_string(key));
                  return out;
                }),
                options()) {}
  LoaderOptions options() {
    LoaderOptions out;
    out.at_turn_end = [this](std::function<void()> job) { turns_.at_end(std::move(job)); };
    return out;
  }
  static std::vector<ToName::Lazy> rows(ToName& relation, const std::vector<std::optional<int>>& keys) {
    std::vector<ToName::Lazy> out;
    for (const auto& key : keys) out.push_back(relation.of(key));
    return out;
  }
  std::string name(const ToName::Lazy& lazy) {
    const auto found = lazy.now(turns_);
    return !found.ok() ? "!" + found.error().message : found->value_or("none");
  }

  LoaderTurns turns_;
  std::vector<Keys> batches_;
  Names loader_;
};

TEST_F(RelationTest, TheFirstTouchLoadsAllPeers) {
  ToName relation(loader_);
  const auto lazy = rows(relation, {3, 1, std::nullopt, 3, 2});
  for (std::size_t i = 0; i < lazy.size(); ++i)
    EXPECT_EQ(name(lazy[i]), i == 2 ? "none" : "name " + std::to_string(*lazy[i].key()));
  EXPECT_EQ(batches_.size(), 1u);
  EXPECT_EQ(batches_[0].size(), 3u);
  EXPECT_EQ(relation.stats().touched, 5);
}

TEST_F(RelationTest, NothingIsLoadedBeforeATouchAndWhatWasInVainIsTold) {
  ToName relation(loader_);
  const auto lazy = rows(relation, {1, 2, 3, 4});
  turns_.run();
  EXPECT_TRUE(batches_.empty());
  EXPECT_EQ(name(lazy[2]), "name 3");
  EXPECT_EQ(relation.stats().touched, 1);
  EXPECT_EQ(relation.stats().prefetched, 3);
}

TEST_F(RelationTest, OneLoadsWhatIsTouchedAlone) {
  ToName relation(loader_, FetchMode::one);
  const auto lazy = rows(relation, {1, 2, 3});
  EXPECT_EQ(name(lazy[0]), "name 1");
  EXPECT_EQ(name(lazy[2]), "name 3");
  EXPECT_EQ(batches_, (std::vector<Keys>{{1}, {3}}));
  EXPECT_EQ(relation.stats().prefetched, 0);
}

TEST_F(RelationTest, RaiseRefusesWhatWasNotPrefetched) {
  ToName relation(loader_, FetchMode::raise, "order.account");
  auto lazy = rows(relation, {1, std::nullopt});
  const auto refused = lazy[0].now(turns_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::repeated_query);
  EXPECT_NE(refused.error().message.find("order.account"), std::string::npos);
  EXPECT_EQ(name(lazy[1]), "none") << "nothing to load";
  EXPECT_TRUE(batches_.empty());
  relation.prefetch();
  EXPECT_EQ(name(lazy[0]), "name 1");
  EXPECT_EQ(relation.stats().refused, 1);
}

TEST_F(RelationTest, RowsOfALaterPageJoinWithTheNextTouch) {
  ToName relation(loader_);
  auto lazy = rows(relation, {1, 2});
  EXPECT_EQ(name(lazy[0]), "name 1");
  for (auto& more : rows(relation, {3, 4})) lazy.push_back(more);
  for (const auto& each : lazy) static_cast<void>(name(each));
  EXPECT_EQ(batches_.size(), 2u);
}

TEST_F(RelationTest, AfterAClearThePeersAreLoadedTogetherAgain) {
  ToName relation(loader_);
  const auto lazy = rows(relation, {1, 2, 3});
  for (const auto& each : lazy) static_cast<void>(name(each));
  loader_.clear_all();
  for (const auto& each : lazy) static_cast<void>(name(each));
  EXPECT_EQ(batches_.size(), 2u);
}

// The writes of a request and its loaders, over a real store.
class LoaderScopeTest : public testing::Test {
 protected:
  using Sums = Loader<std::int64_t, std::optional<std::int64_t>>;
  void SetUp() override {
    Store::Options how;
    how.path = folder_.path("scope.db");
    how.schema =
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, v INTEGER); CREATE TABLE other(id INTEGER PRIMARY KEY);"
        "CREATE TABLE audited(id INTEGER PRIMARY KEY);"
        "CREATE TRIGGER a AFTER INSERT ON audited BEGIN UPDATE orders SET v = 100 WHERE id = 1; END;"
        "INSERT INTO orders VALUES(1, 10), (2, 20)";
    auto opened = Store::open(how);
    ASSERT_TRUE(opened.ok());
    store_ = std::move(opened).value();
    LoaderOptions options;
    options.at_turn_end = [this](std::function<void()> job) { turns_.at_end(std::move(job)); };
    loader_ = std::make_unique<Sums>(Sums::at_once([this](const std::vector<std::int64_t>& keys) -> Sums::Outcomes {
                                       ++fetches_;
                                       std::vector<Result<std::optional<std::int64_t>>> out;
                                       for (const std::int64_t key : keys)
                                         out.push_back(store_->read([key](Reader& r) {
                                           return r.first<std::int64_t>("SELECT v FROM orders WHERE id = ?", key);
                                         }));
                                       return out;
                                     }),
                                     options);
    scope_ = std::make_unique<LoaderScope>(*store_);
    scope_->add(*loader_, {"orders"});
  }
  std::int64_t value() {
    std::int64_t out = -1;
    loader_->load(1, [&](const auto& found) { out = found.ok() ? found->value_or(-2) : -3; });
    turns_.run();
    return out;
  }
  static Store::Job sql(const std::string& text) {
    return [text](Tx& tx) -> Status {
      const auto done = tx.exec(text);
      return done.ok() ? success() : Status(done.error());
    };
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  LoaderTurns turns_;
  int fetches_ = 0;
  std::unique_ptr<Sums> loader_;
  std::unique_ptr<LoaderScope> scope_;
};

TEST_F(LoaderScopeTest, AWriteOfTheRequestIsSeenByItsLoaders) {
  EXPECT_EQ(value(), 10);
  ASSERT_TRUE(scope_->write(sql("UPDATE orders SET v = 11 WHERE id = 1")).ok());
  EXPECT_EQ(value(), 11);
  ASSERT_TRUE(scope_->write(sql("INSERT INTO audited VALUES(1)")).ok());
  EXPECT_EQ(value(), 100) << "by a trigger";
}

TEST_F(LoaderScopeTest, WritesElsewhereOrInVainClearNothing) {
  EXPECT_EQ(value(), 10);
  ASSERT_TRUE(scope_->write(sql("INSERT INTO other VALUES(1)")).ok());
  ASSERT_TRUE(scope_->write(sql("UPDATE orders SET v = 12 WHERE id = 99")).ok());
  EXPECT_FALSE(scope_
                   ->write([](Tx& tx) -> Status {
                     const auto done = tx.exec("UPDATE orders SET v = 13");
                     return done.ok() ? Status(Error{Code::invalid, "taken back"}) : Status(done.error());
                   })
                   .ok());
  EXPECT_EQ(value(), 10);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(LoaderScopeTest, AnAsynchronousWriteClearsBeforeItIsAnswered) {
  EXPECT_EQ(value(), 10);
  std::atomic<bool> woken{false};
  LoopExecutor loop([&] {
    woken = true;
    woken.notify_one();
  });
  CallOptions how;
  how.executor = &loop;
  std::int64_t seen = 0;
  ASSERT_TRUE(
      scope_
          ->submit(
              sql("UPDATE orders SET v = 14 WHERE id = 1"), [&](Status done) { seen = done.ok() ? value() : -9; }, how)
          .ok());
  woken.wait(false);
  while (seen == 0) loop.run();
  EXPECT_EQ(seen, 14);
}

TEST_F(LoaderScopeTest, WhoAsksAfterTheWriteIsNotAnsweredWithAFetchFromBefore) {
  // The fetch of the first load is under way when the request writes.
  Sums::Reply reply;
  LoaderOptions options;
  options.at_turn_end = [this](std::function<void()> job) { turns_.at_end(std::move(job)); };
  std::vector<std::int64_t> answers;
  Sums slow([&](const std::vector<std::int64_t>&, const Sums::Reply& r) { reply = r; }, options);
  scope_->add(slow, {"orders"});
  const auto note = [&](const auto& found) { answers.push_back(found->value_or(-1)); };
  slow.load(1, note);
  turns_.run();
  const Sums::Reply before = std::exchange(reply, nullptr);
  ASSERT_TRUE(scope_->write(sql("UPDATE orders SET v = 15 WHERE id = 1")).ok());
  slow.load(1, note);
  turns_.run();
  ASSERT_TRUE(reply) << "not fetched again";
  using Outcome = Result<std::optional<std::int64_t>>;
  reply(std::vector<Outcome>{Outcome(15)});
  before(std::vector<Outcome>{Outcome(10)});
  EXPECT_EQ(answers, (std::vector<std::int64_t>{15, 10}));
  slow.load(1, note);
  turns_.run();
  EXPECT_EQ(answers.back(), 15) << "the late answer from before is not remembered";
}

}  // namespace
}  // namespace tapewatch

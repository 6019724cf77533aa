// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <array>
#include <mutex>
#include <set>
#include <thread>

#include "fake/postgres_test.h"
#include "fake/redis_server.h"  // eventually
#include "tapewatch/cache.h"

namespace tapewatch {
namespace {

using ::testing::UnorderedElementsAre;

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS accounts(id int PRIMARY KEY);"
    "CREATE TABLE IF NOT EXISTS orders(id int PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE);"
    "CREATE TABLE IF NOT EXISTS untouched(id int);"
    "INSERT INTO accounts VALUES(1) ON CONFLICT DO NOTHING";

class PgKeepFreshTest : public PostgresTest {
 protected:
  static Status run(PgStore& store, const std::string& sql) {
    return store.write([&](PgTx& tx) -> Status {
      const auto done = tx.exec(sql);
      return done.ok() ? success() : Status(done.error());
    });
  }
  PgStore::Options shared() const {
    PgStore::Options out = options(schema);
    out.commit_channel = "it's a \"channel\"";
    return out;
  }
};

TEST_F(PgKeepFreshTest, ACommitTellsItsTablesBeforeItsResult) {
  const auto store = open(options(schema));
  std::vector<std::set<std::string>> told;
  const auto subscription = store->on_commit(
      [&](std::span<const std::string_view> tables) { told.emplace_back(tables.begin(), tables.end()); });
  // What the connection wrote while it was set up may be named once.
  ASSERT_EQ(failure(run(*store, "INSERT INTO accounts VALUES(2)")), "");
  told.clear();
  ASSERT_EQ(failure(run(*store, "INSERT INTO orders VALUES(1, 1)")), "");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], UnorderedElementsAre("orders"));
  ASSERT_EQ(failure(run(*store, "DELETE FROM accounts WHERE id = 1")), "");
  ASSERT_EQ(told.size(), 2u);
  EXPECT_THAT(told[1], UnorderedElementsAre("accounts", "orders"));  // by the foreign key
  ASSERT_EQ(failure(run(*store, "DELETE FROM untouched")), "");
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(store->execute(CallOptions(), "INSERT INTO untouched VALUES(?)", 1).get().value(), 1);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_THAT(told[2], UnorderedElementsAre("untouched"));
  EXPECT_FALSE(run(*store, "INSERT INTO orders VALUES(2, 7)").ok());
  EXPECT_EQ(told.size(), 3u);
}

TEST_F(PgKeepFreshTest, WhoHasTheResultOfAWriteNeverReadsWhatWasBefore) {
  const auto store = open(options(schema));
  Cache cache{Cache::Options()};
  const auto fresh = store->keep_fresh(cache);
  static constexpr std::array<std::string_view, 1> tables{"untouched"};
  Cache::Request request;
  request.tables = tables;
  const auto count = [&] {
    const auto value = cache.get_or_load("count", request, [&]() -> Result<std::optional<std::string>> {
      return store->read([](PgReader& reader) { return reader.first<std::string>("SELECT count(*) FROM untouched"); });
    });
    return value.ok() ? *value.value() : value.error().message;
  };
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(count(), std::to_string(i));
    EXPECT_EQ(count(), std::to_string(i));
    ASSERT_EQ(failure(run(*store, "INSERT INTO untouched VALUES(1)")), "");
  }
  EXPECT_EQ(cache.stats().loads, 20);
}

TEST_F(PgKeepFreshTest, OtherProcessesHearOfItAndForgetEverythingWhenTheyMayHaveMissedSomething) {
  const auto one = open(shared());
  const auto two = open(shared());
  std::mutex mutex;
  std::vector<std::string> told;
  const auto subscription = two->on_commit([&](std::span<const std::string_view> tables) {
    const std::lock_guard<std::mutex> lock(mutex);
    told.insert(told.end(), tables.begin(), tables.end());
  });
  const auto heard = [&](const std::string& table) {
    return eventually([&] {
      const std::lock_guard<std::mutex> lock(mutex);
      return std::find(told.begin(), told.end(), table) != told.end();
    });
  };
  ASSERT_TRUE(eventually([&] { return two->stats().listening; }));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    told.clear();
  }
  ASSERT_EQ(failure(run(*one, "INSERT INTO orders VALUES(10, 1)")), "");
  EXPECT_TRUE(heard("orders"));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_THAT(told, ::testing::Not(::testing::Contains("untouched")));
    told.clear();
  }
  server().stop(SIGQUIT);
  EXPECT_TRUE(heard(""));
  ASSERT_TRUE(server().start());
  ASSERT_TRUE(eventually([&] { return two->stats().listening; }));
  ASSERT_EQ(failure(run(*one, "INSERT INTO untouched VALUES(1)")), "");
  EXPECT_TRUE(heard("untouched"));
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

class MigrationsTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> open(std::vector<Migration> migrations) {
    Store::Options options;
    options.path = folder_.path("migrated.db");
    options.migrations = std::move(migrations);
    return Store::open(options);
  }
  static std::vector<Migration> two() {
    return {{1, "orders", "CREATE TABLE orders(id INTEGER PRIMARY KEY); INSERT INTO orders VALUES(7)"},
            {2, "quantity", "ALTER TABLE orders ADD COLUMN quantity INTEGER DEFAULT 3"}};
  }
  static std::int64_t number(Store& store, const std::string& sql) {
    const auto found = store.read([&](Reader& r) { return r.first<std::int64_t>(sql); });
    return found.ok() ? found.value().value_or(-1) : -2;
  }
  const TemporaryFolder folder_;
};

TEST_F(MigrationsTest, AppliesWhatIsMissingInOrderAndOnce) {
  {
    const auto store = open({two()[0]});
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_EQ(number(*store.value(), "PRAGMA user_version"), 1);
  }
  for (int again = 0; again < 2; ++again) {
    const auto store = open(two());
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_EQ(number(*store.value(), "SELECT quantity FROM orders WHERE id = 7"), 3);
    EXPECT_EQ(number(*store.value(), "SELECT count(*) FROM _migrations"), 2);
    EXPECT_EQ(number(*store.value(), "PRAGMA user_version"), 2);
  }
}

TEST_F(MigrationsTest, AStepThatFailsIsTakenBackWhole) {
  std::vector<Migration> steps = two();
  steps.push_back({3, "fails", "CREATE TABLE half(id); INSERT INTO nowhere VALUES(1)"});
  const auto failed = open(steps);
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("migration 3 'fails'"), std::string::npos) << failed.error().message;
  steps[2] = {3, "runs", "", [](Tx& tx) -> Status {
                const auto done = tx.exec("UPDATE orders SET quantity = ?", 9);
                return done.ok() ? success() : Status(done.error());
              }};
  const auto store = open(steps);
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(number(*store.value(), "SELECT quantity FROM orders"), 9);
  EXPECT_EQ(number(*store.value(), "SELECT count(*) FROM sqlite_master WHERE name = 'half'"), 0);
}

TEST_F(MigrationsTest, AStepThatThrowsOrEndsTheTransactionIsAnError) {
  std::vector<Migration> steps = two();
  steps.push_back({3, "throws", "", [](Tx&) -> Status { throw std::runtime_error("mine"); }});
  EXPECT_EQ(open(steps).error().code, Code::internal);
  steps[2] = {3, "commits", "COMMIT"};
  EXPECT_EQ(open(steps).error().code, Code::invalid);
}

TEST_F(MigrationsTest, ANewerFileIsRefusedAndLeftAlone) {
  ASSERT_TRUE(open(two()).ok());
  const auto older = open({two()[0]});
  ASSERT_FALSE(older.ok());
  EXPECT_EQ(older.error().code, Code::schema_newer);
  EXPECT_TRUE(open(two()).ok());
}

TEST_F(MigrationsTest, AChangedOrMisplacedStepIsRefused) {
  ASSERT_TRUE(open(two()).ok());
  std::vector<Migration> steps = two();
  steps[0].sql += " ";
  EXPECT_EQ(open(steps).error().code, Code::invalid);
  const Migration third{3, "c", "CREATE TABLE c(x)"};
  const Migration fourth{4, "d", "CREATE TABLE d(x)"};
  ASSERT_TRUE(open({two()[0], two()[1], fourth}).ok());
  EXPECT_EQ(open({two()[0], two()[1], third, fourth}).error().code, Code::invalid);
  EXPECT_EQ(open({two()[1], two()[0]}).error().code, Code::invalid);
  EXPECT_EQ(open({{0, "zero", ""}}).error().code, Code::invalid);
}

TEST_F(MigrationsTest, ADestructiveStepLeavesACopyOfWhatWasBefore) {
  ASSERT_TRUE(open(two()).ok());
  Migration drop{3, "drop", "DROP TABLE orders"};
  drop.keep_copy = true;
  ASSERT_TRUE(open({two()[0], two()[1], drop}).ok());
  Store::Options options;
  options.path = folder_.path("migrated.db.before-3");
  const auto copy = Store::open(options);
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(number(*copy.value(), "SELECT id FROM orders"), 7);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/cache.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

class KeepFreshTest : public testing::Test {
 protected:
  void SetUp() override {
    Store::Options options;
    options.path = folder_.path("fresh.db");
    options.schema =
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, quantity INTEGER);"
        "CREATE TABLE fills(id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders ON DELETE CASCADE);"
        "CREATE TABLE audit(what TEXT PRIMARY KEY) WITHOUT ROWID;"
        "CREATE TABLE quiet(id INTEGER);"
        "CREATE TRIGGER t AFTER UPDATE ON orders BEGIN INSERT OR REPLACE INTO audit VALUES('update'); END";
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  Status run(const std::string& sql) {
    return store_->write([&](Tx& tx) -> Status {
      const auto done = tx.exec(sql);
      return done.ok() ? success() : Status(done.error());
    });
  }
  // The tables that one statement is told to have changed.
  std::vector<std::string> tables_of(const std::string& sql) {
    std::vector<std::string> out;
    const Store::Subscription told = store_->on_commit([&](std::span<const std::string_view> tables) {
      for (const std::string_view table : tables) out.emplace_back(table);
    });
    EXPECT_TRUE(run(sql).ok()) << sql;
    std::sort(out.begin(), out.end());
    return out;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

using Names = std::vector<std::string>;

TEST_F(KeepFreshTest, ACommitTellsTheTablesItChangedAlsoThroughTriggersAndForeignKeys) {
  EXPECT_EQ(tables_of("INSERT INTO orders VALUES(1, 5), (2, 6)"), Names{"orders"});
  EXPECT_EQ(tables_of("INSERT INTO fills VALUES(10, 1)"), Names{"fills"});
  EXPECT_EQ(tables_of("UPDATE orders SET quantity = 7"), (Names{"audit", "orders"}));
  EXPECT_EQ(tables_of("UPDATE orders SET quantity = 7 WHERE id = 99"), Names{});
  EXPECT_EQ(tables_of("INSERT INTO audit VALUES('x')"), Names{"audit"});
  const Names cascade = tables_of("DELETE FROM orders WHERE id = 1");
  EXPECT_NE(std::find(cascade.begin(), cascade.end(), "fills"), cascade.end());
  EXPECT_EQ(tables_of("DELETE FROM audit"), Names{"audit"});
  EXPECT_EQ(tables_of("CREATE TABLE later(id)"), Names{""});
  EXPECT_EQ(tables_of("SELECT * FROM orders"), Names{});
  EXPECT_EQ(tables_of("INSERT INTO orders VALUES(3, 1) RETURNING id"), Names{"orders"});
}

TEST_F(KeepFreshTest, AStatementThatWasPreparedBeforeATriggerTellsItsTableToo) {
  const std::string sql = "INSERT INTO quiet VALUES(1)";
  EXPECT_EQ(tables_of(sql), Names{"quiet"});
  ASSERT_TRUE(run("CREATE TRIGGER q AFTER INSERT ON quiet BEGIN INSERT INTO fills VALUES(NULL, NULL); END").ok());
  EXPECT_EQ(tables_of(sql), (Names{"fills", "quiet"}));
}

TEST_F(KeepFreshTest, WhatIsRolledBackIsNotTold) {
  Names told;
  const Store::Subscription subscription = store_->on_commit([&](std::span<const std::string_view> tables) {
    for (const std::string_view table : tables) told.emplace_back(table);
  });
  const Status failed = store_->write([](Tx& tx) -> Status {
    const auto done = tx.exec("INSERT INTO orders VALUES(1, 1)");
    return Error{Code::invalid, done.ok() ? "no" : "not even"};
  });
  EXPECT_FALSE(failed.ok());
  EXPECT_TRUE(told.empty());
  const std::vector<std::tuple<int, int>> rows{{1, 1}, {2, 2}};
  ASSERT_TRUE(store_
                  ->write([&](Tx& tx) -> Status {
                    const auto done = tx.insert_many("orders", {"id", "quantity"}, rows);
                    return done.ok() ? success() : Status(done.error());
                  })
                  .ok());
  EXPECT_EQ(told, Names{"orders"});
}

TEST_F(KeepFreshTest, WhoHasTheResultOfAWriteNeverReadsWhatWasThereBefore) {
  ASSERT_TRUE(run("INSERT INTO orders VALUES(1, 0)").ok());
  Cache cache((Cache::Options()));
  const Store::Subscription fresh = store_->keep_fresh(cache);
  static constexpr std::array<std::string_view, 1> tables{"orders"};
  Cache::Request request;
  request.tables = tables;
  const auto quantity = [&]() -> std::int64_t {
    const auto value = cache.get_or_load("order:1", request, [&]() -> Result<std::optional<std::string>> {
      return store_->read([](Reader& r) { return r.first<std::string>("SELECT quantity FROM orders WHERE id = 1"); });
    });
    return value.ok() && value.value() != nullptr ? std::atoll(value.value()->c_str()) : -1;
  };
  EXPECT_EQ(quantity(), 0);
  std::atomic<std::int64_t> committed{0};
  std::atomic<bool> stale{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (committed < 300) {
        const std::int64_t least = committed;
        if (quantity() < least) stale = true;
      }
    });
  }
  for (int i = 1; i <= 300; ++i) {
    ASSERT_TRUE(run("UPDATE orders SET quantity = " + std::to_string(i)).ok());
    committed = i;
    if (quantity() != i) stale = true;
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(stale);
  EXPECT_GT(cache.stats().invalidated, 0);
}

TEST_F(KeepFreshTest, ATableThatWasNotTouchedKeepsItsValues) {
  Cache cache((Cache::Options()));
  const Store::Subscription fresh = store_->keep_fresh(cache);
  static constexpr std::array<std::string_view, 1> tables{"quiet"};
  Cache::Request request;
  request.tables = tables;
  int loads = 0;
  const auto load = [&]() -> Result<std::optional<std::string>> {
    ++loads;
    return std::optional<std::string>("x");
  };
  ASSERT_TRUE(cache.get_or_load("k", request, load).ok());
  ASSERT_TRUE(run("INSERT INTO orders VALUES(1, 0)").ok());
  ASSERT_TRUE(cache.get_or_load("k", request, load).ok());
  EXPECT_EQ(loads, 1);
  ASSERT_TRUE(run("ALTER TABLE orders ADD COLUMN more").ok());
  ASSERT_TRUE(cache.get_or_load("k", request, load).ok());
  EXPECT_EQ(loads, 2);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

Store::Options options_for(const TemporaryFolder& folder) {
  Store::Options options;
  options.path = folder.path("test.db");
  options.schema = "CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE, price REAL)";
  return options;
}

std::unique_ptr<Store> open(const Store::Options& options) {
  Result<std::unique_ptr<Store>> store = Store::open(options);
  EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
  return store.ok() ? std::move(store).value() : nullptr;
}

Store::Job insert(std::string symbol, double price = 1) {
  return [symbol, price](Tx& tx) -> Status {
    const Result<std::int64_t> changed = tx.exec("INSERT INTO orders(symbol, price) VALUES(?, ?)", symbol, price);
    if (!changed.ok()) return changed.error();
    return success();
  };
}

std::int64_t count(Store& store) {
  const auto rows = store.read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM orders"); });
  EXPECT_TRUE(rows.ok());
  return rows.ok() ? rows.value().value_or(-1) : -1;
}

// Keeps the writer thread inside a job until opened.
class Gate {
 public:
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    inside_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_inside() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return inside_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  bool inside_ = false;
};

// Keeps the writer busy until the gate opens.
void hold(Store& store, Gate& gate) {
  const auto wait = [&gate](Tx&) {
    gate.pass();
    return success();
  };
  ASSERT_TRUE(store.submit(wait, Durability::fast, [](Status) {}).ok());
  gate.wait_until_inside();
}

struct Order {
  std::int64_t id;
  std::string symbol;
  std::optional<double> price;
};

TEST(Store, WritesAndReadsTypedRows) {
  const TemporaryFolder folder;
  const auto store = open(options_for(folder));
  ASSERT_TRUE(store->write(insert("7203", 2.5), Durability::durable).ok());
  ASSERT_TRUE(store
                  ->write([](Tx& tx) -> Status {
                    const auto changed = tx.exec("INSERT INTO orders(symbol, price) VALUES(?, ?)", "6758", nullptr);
                    return changed.ok() && changed.value() == 1 ? success() : Status(Error{Code::internal, "insert"});
                  })
                  .ok());
  const auto orders = store->read([](Reader& r) { return r.query<Order>("SELECT id, symbol, price FROM orders"); });
  ASSERT_TRUE(orders.ok());
  ASSERT_EQ(orders->size(), 2u);
  EXPECT_EQ(orders.value()[0].symbol, "7203");
  EXPECT_EQ(orders.value()[0].price, 2.5);
  EXPECT_EQ(orders.value()[1].price, std::nullopt);
  const auto pair = store->read([](Reader& r) {
    return r.first<std::tuple<std::string, double>>("SELECT symbol, price FROM orders WHERE id = ?", 1);
  });
  ASSERT_TRUE(pair.ok() && pair.value());
  EXPECT_EQ(*pair.value(), std::make_tuple(std::string("7203"), 2.5));
}

TEST(Store, AReaderCannotWrite) {
  const TemporaryFolder folder;
  const auto store = open(options_for(folder));
  const auto written = store->read([](Reader& r) { return r.query<std::int64_t>("DELETE FROM orders"); });
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Code::read_only);
}

TEST(Store, ASecondOwnerIsRefused) {
  const TemporaryFolder folder;
  const auto store = open(options_for(folder));
  const auto second = Store::open(options_for(folder));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::busy);
}

TEST(Store, AFileThatIsNoDatabaseIsCorrupt) {
  const TemporaryFolder folder;
  folder.write("test.db", std::string(8192, 'x'));
  const auto store = Store::open(options_for(folder));
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::corrupt);
}

TEST(Store, CommitsWaitingJobsTogetherAndAFailedOneAlone) {
  const TemporaryFolder folder;
  const auto store = open(options_for(folder));
  Gate gate;
  std::atomic<int> ok{0};
  std::atomic<int> constraint{0};
  std::atomic<int> thrown{0};
  hold(*store, gate);
  const std::int64_t groups_before = store->stats().groups;
  const auto done = [&](Status status) {
    if (status.ok())
      ++ok;
    else if (status.error().code == Code::constraint)
      ++constraint;
    else
      ++thrown;
  };
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(store->submit(insert("s" + std::to_string(i % 99)), Durability::durable, done).ok());
  ASSERT_TRUE(store
                  ->submit(
                      [](Tx& tx) -> Status {
                        if (!insert("lost")(tx).ok()) return Error{Code::internal, "insert"};
                        throw std::runtime_error("mine");
                      },
                      Durability::fast, done)
                  .ok());
  EXPECT_EQ(store->stats().queue_jobs, 101);
  gate.open();
  ASSERT_TRUE(store->write([](Tx&) { return success(); }).ok());
  EXPECT_EQ(ok, 99);
  EXPECT_EQ(constraint, 1);
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(count(*store), 99);
  const Store::Stats stats = store->stats();
  EXPECT_LE(stats.groups - groups_before, 3);
  EXPECT_EQ(stats.jobs_failed, 2);
}

TEST(Store, TheQueueIsBounded) {
  const TemporaryFolder folder;
  Store::Options options = options_for(folder);
  options.queue_jobs_max = 3;
  const auto store = open(options);
  Gate gate;
  hold(*store, gate);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(store->submit(insert(std::to_string(i)), Durability::fast, [](Status) {}).ok());
  const Status refused = store->submit(insert("x"), Durability::fast, [](Status) { FAIL(); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::queue_full);
  EXPECT_EQ(store->stats().queue_refused, 1);
  gate.open();
}

TEST(Store, AWriteInsideAJobIsRefusedInsteadOfHanging) {
  const TemporaryFolder folder;
  const auto store = open(options_for(folder));
  const Status status = store->write([&](Tx&) { return store->write(insert("x")); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::invalid);
}

TEST(Store, ManyThreadsWriteAndReadersSeeWholeCommits) {
  const TemporaryFolder folder;
  const auto store = open(options_for(folder));
  std::vector<std::thread> threads;
  std::atomic<bool> torn{false};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        const Status done = store->write([&](Tx& tx) -> Status {
          Status first = insert(name + "a")(tx);
          return first.ok() ? insert(name + "b")(tx) : std::move(first);
        });
        if (!done.ok() || count(*store) % 2 != 0) torn = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(torn);
  EXPECT_EQ(count(*store), 400);
}

TEST(Store, AReaderWaitsWithADeadlineAndItsAgeIsLimited) {
  const TemporaryFolder folder;
  Store::Options options = options_for(folder);
  options.readers_max = 1;
  options.read_wait_max = std::chrono::milliseconds(20);
  options.read_age_max = std::chrono::milliseconds(50);
  const auto store = open(options);
  const auto endless = store->read([&](Reader& r) {
    const auto nested = store->read([](Reader& inner) { return inner.first<int>("SELECT 1"); });
    EXPECT_FALSE(nested.ok());
    EXPECT_EQ(nested.error().code, Code::busy);
    return r.first<std::int64_t>(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n");
  });
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.error().code, Code::timeout);
  EXPECT_EQ(store->stats().reads_refused, 1);
  EXPECT_EQ(store->stats().reads_expired, 1);
  EXPECT_EQ(count(*store), 0);
}

TEST(Store, AFullFileFailsTheWriterAloneAndRecovers) {
  const TemporaryFolder folder;
  Store::Options options = options_for(folder);
  options.file_bytes_max = 128 * 1024;
  const auto store = open(options);
  ASSERT_TRUE(store->write(insert("first")).ok());
  const Status full = store->write(insert(std::string(1 << 20, 'x')));
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::full);
  EXPECT_EQ(count(*store), 1);
  EXPECT_TRUE(store->write(insert("second")).ok());
  EXPECT_EQ(count(*store), 2);
}

TEST(Store, AfterAWriteMetDamageItIsReadAndNotWrittenToAnyMore) {
  const TemporaryFolder folder;
  Store::Options how;
  how.path = folder.path("damaged.db");
  how.schema =
      "CREATE TABLE IF NOT EXISTS a(id INTEGER PRIMARY KEY, body TEXT); CREATE TABLE IF NOT EXISTS b(id INTEGER)";
  {
    const auto store = Store::open(how);
    ASSERT_TRUE(store.ok());
    const Status filled = store.value()->write([](Tx& tx) -> Status {
      const auto done = tx.exec(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
          " INSERT INTO a SELECT i, printf('%.200c', 'x') FROM n");
      return done.ok() ? success() : Status(done.error());
    });
    ASSERT_TRUE(filled.ok());
  }
  {
    std::fstream file(how.path, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 20; page < 60; ++page) {
      file.seekp(page * 4096);
      file << std::string(100, '\xEE');
    }
  }
  const auto store = Store::open(how);
  ASSERT_TRUE(store.ok());
  const auto write = [&](const std::string& sql) {
    return store.value()->write([&](Tx& tx) -> Status {
      const auto done = tx.exec(sql);
      return done.ok() ? success() : Status(done.error());
    });
  };
  EXPECT_TRUE(write("INSERT INTO b VALUES(1)").ok());
  EXPECT_FALSE(store.value()->stats().corrupt);
  const Status met = write("UPDATE a SET body = 'y'");
  ASSERT_FALSE(met.ok());
  EXPECT_EQ(met.error().code, Code::corrupt);
  EXPECT_TRUE(store.value()->stats().corrupt);
  const Status refused = write("INSERT INTO b VALUES(2)");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::corrupt);
  const auto read = store.value()->read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM b"); });
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, 1);
}

TEST(Store, ChecksPointsOnlyWhereTheWriterIsAndCutsTheLog) {
  const TemporaryFolder folder;
  Store::Options options = options_for(folder);
  options.checkpoint_bytes = 64 * 1024;
  options.truncate_bytes = 128 * 1024;
  const auto store = open(options);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->write(insert(std::string(16 * 1024, 'x') + std::to_string(i))).ok());
  ASSERT_TRUE(store->submit([](Tx&) { return success(); }, Durability::fast, [](Status) {}).ok());
  ASSERT_TRUE(store->write(insert("last")).ok());
  EXPECT_GE(store->stats().checkpoints, 1);
  EXPECT_LT(store->stats().wal_bytes, 512 * 1024);
  EXPECT_EQ(count(*store), 21);
}

TEST(Store, WhatWasCommittedIsThereAfterReopening) {
  const TemporaryFolder folder;
  {
    const auto store = open(options_for(folder));
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(store->submit(insert(std::to_string(i)), Durability::fast, [](Status) {}).ok());
  }
  const auto store = open(options_for(folder));
  EXPECT_EQ(count(*store), 10);
}

}  // namespace
}  // namespace tapewatch

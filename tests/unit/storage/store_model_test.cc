// SPDX-License-Identifier: Apache-2.0
// Many threads do random things with one store, and each knows what has to come of it. TAPEWATCH_MODEL_STEPS: of each
// thread (120).
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

constexpr int threads = 64;
constexpr std::int64_t keys_each = 20;
constexpr std::int64_t pairs = 8;

using Model = std::map<std::int64_t, std::int64_t>;
using Row = std::tuple<std::int64_t, std::int64_t>;

int steps() {
  const char* const asked = std::getenv("TAPEWATCH_MODEL_STEPS");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr ? std::max(1, std::atoi(asked)) : 120;
}

Status without_count(Result<std::int64_t> done) { return done.ok() ? success() : Status(std::move(done).error()); }

// One thread: keys of its own, whose values it knows exactly, and pairs of numbers that belong to all, which are equal
// whenever somebody looks.
class Actor final {
 public:
  Actor(Store& store, int number, std::atomic<std::int64_t>& moved)
      : store_(store), first_(number * 1000), moved_(moved), random_(static_cast<unsigned>(number)) {}

  void run() {
    for (int i = 0; i < steps() && !testing::Test::HasFailure(); ++i) act();
    EXPECT_EQ(stored(), model_) << "at the end";
  }

 private:
  void act() {
    const std::int64_t key = first_ + static_cast<std::int64_t>(random_() % keys_each);
    const auto value = static_cast<std::int64_t>(random_());
    switch (random_() % 9) {
      case 0:
        return put(key, value, Durability::fast);
      case 1:
        return put(key, value, random_() % 4 == 0 ? Durability::durable : Durability::fast);
      case 2:
        return remove(key);
      case 3:
        return fail_half_way(key, value);
      case 4:
        return put_many(value);
      case 5:
        return move_pair();
      case 6:
        return look_at_pairs();
      case 7:
        return stream_all();
      default:
        EXPECT_EQ(stored(), model_);
    }
  }
  void put(std::int64_t key, std::int64_t value, Durability durability) {
    const std::string sql = "INSERT INTO t VALUES(?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v";
    Status done = success();
    if (value % 2 == 0) {
      done = store_.write([&](Tx& tx) { return without_count(tx.exec(sql, key, value)); }, durability);
    } else {
      CallOptions how;
      how.durability = durability;
      done = without_count(store_.execute(how, sql, key, value).get());
    }
    EXPECT_TRUE(done.ok()) << done.error().message;
    model_[key] = value;
  }
  void remove(std::int64_t key) {
    const auto done = store_.execute(CallOptions(), "DELETE FROM t WHERE k = ?", key).get();
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(*done, static_cast<std::int64_t>(model_.erase(key)));
  }
  void fail_half_way(std::int64_t key, std::int64_t value) {
    const Status done = store_.write([&](Tx& tx) -> Status {
      Status put = without_count(tx.exec("INSERT OR REPLACE INTO t VALUES(?, ?)", key, value));
      if (!put.ok()) return put;
      if (value % 2 == 0) return without_count(tx.exec("INSERT INTO pairs(id) VALUES(0)"));  // is there
      throw std::runtime_error("half way");
    });
    EXPECT_FALSE(done.ok());
  }
  void put_many(std::int64_t value) {
    std::vector<Row> rows;
    for (std::int64_t i = 0; i < 5; ++i) rows.emplace_back(first_ + (value + i) % keys_each, value + i);
    const Status done = store_.write([&](Tx& tx) -> Status {
      const auto put = tx.upsert_many("t", {"k", "v"}, {"k"}, rows);
      return put.ok() ? success() : Status(put.error());
    });
    EXPECT_TRUE(done.ok()) << done.error().message;
    for (const auto& [key, v] : rows) model_[key] = v;
  }
  void move_pair() {
    const auto id = static_cast<std::int64_t>(random_() % pairs);
    const auto done = store_
                          .async_write([id](Tx& tx) -> Result<int> {
                            Status a = without_count(tx.exec("UPDATE pairs SET a = a + 1 WHERE id = ?", id));
                            if (!a.ok()) return std::move(a).error();
                            Status b = without_count(tx.exec("UPDATE pairs SET b = b + 1 WHERE id = ?", id));
                            if (!b.ok()) return std::move(b).error();
                            return 1;
                          })
                          .get();
    EXPECT_TRUE(done.ok());
    ++moved_;
  }
  // In two statements of one read: nothing moves between them.
  void look_at_pairs() {
    const auto looked = store_.read([](Reader& r) -> Result<bool> {
      const auto a = r.first<std::int64_t>("SELECT sum(a) FROM pairs");
      if (!a.ok()) return a.error();
      std::this_thread::yield();
      const auto b = r.first<std::int64_t>("SELECT sum(b) FROM pairs");
      if (!b.ok()) return b.error();
      return *a == *b;
    });
    ASSERT_TRUE(looked.ok()) << looked.error().message;
    EXPECT_TRUE(*looked) << "a read saw half of a job";
  }
  void stream_all() {
    StreamOptions how;
    how.key_columns = 1;
    how.batch_bytes = 64;
    Model seen;
    Stream<Row> rows =
        store_.stream<Row>(how, "SELECT k, v FROM t WHERE k > ? AND k < ? ORDER BY k", first_ - 1, first_ + keys_each);
    const Status done = rows.for_each([&](const Row& row) { seen[std::get<0>(row)] = std::get<1>(row); });
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(seen, model_) << "streamed";
  }
  Model stored() {
    const auto rows = store_.read([&](Reader& r) {
      return r.query<Row>("SELECT k, v FROM t WHERE k BETWEEN ? AND ?", first_, first_ + keys_each - 1);
    });
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    Model out;
    if (rows.ok()) {
      for (const auto& [key, value] : rows.value()) out[key] = value;
    }
    return out;
  }

  Store& store_;
  const std::int64_t first_;
  std::atomic<std::int64_t>& moved_;
  std::mt19937 random_;
  Model model_;
};

TEST(StoreModel, SixtyFourThreadsEachFindWhatTheyLeft) {
  const TemporaryFolder folder;
  Store::Options how;
  how.path = folder.path("model.db");
  how.schema =
      "CREATE TABLE t(k INTEGER PRIMARY KEY, v INTEGER); CREATE TABLE pairs(id INTEGER PRIMARY KEY, a INTEGER NOT NULL"
      " DEFAULT 0, b INTEGER NOT NULL DEFAULT 0); INSERT INTO pairs(id) VALUES(0),(1),(2),(3),(4),(5),(6),(7)";
  how.checkpoint_bytes = 256 << 10;
  how.read_wait_max = std::chrono::seconds(60);
  how.streams_max = 4;
  const auto opened = Store::open(how);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  Store& store = *opened.value();
  std::atomic<std::int64_t> moved{0};
  std::vector<std::thread> actors;
  for (int i = 0; i < threads; ++i) actors.emplace_back([&, i] { Actor(store, i, moved).run(); });
  for (std::thread& actor : actors) actor.join();
  const auto sums = store.read([](Reader& r) { return r.first<Row>("SELECT sum(a), sum(b) FROM pairs"); });
  ASSERT_TRUE(sums.ok());
  EXPECT_EQ(**sums, Row(moved.load(), moved.load()));
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "fake/postgres_test.h"

namespace tapewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class PgStoreTest : public PostgresTest {};

struct Everything {
  std::int64_t id = 0;
  std::int64_t big = 0;
  double real = 0;
  std::string text;
  std::optional<std::string> maybe;
  std::string bytes;
  bool flag = false;
};

constexpr const char* everything =
    "CREATE TABLE everything(id bigint PRIMARY KEY, big bigint, real double precision, txt text, maybe text,"
    " bytes bytea, flag boolean)";

Status insert(PgTx& tx, const Everything& row) {
  Result<std::int64_t> done = tx.exec("INSERT INTO everything VALUES(?, ?, ?, ?, ?, ?, ?)", row.id, row.big, row.real,
                                      row.text, row.maybe, Blob{row.bytes}, row.flag);
  if (!done.ok()) return std::move(done).error();
  return success();
}

Result<Everything> row_of(PgStore& store, std::int64_t id) {
  return store.read([&](PgReader& reader) -> Result<Everything> {
    Result<std::optional<Everything>> row = reader.first<Everything>("SELECT * FROM everything WHERE id=?", id);
    if (!row.ok()) return std::move(row).error();
    if (!row->has_value()) return Error{Code::not_found, "no row"};
    return std::move(**row);
  });
}

TEST_F(PgStoreTest, RowsComeBackAsTheyWentIn) {
  const auto store = open(options(everything));
  const std::vector<Everything> rows{
      {1, std::numeric_limits<std::int64_t>::max(), 0.1, "plain", "there", std::string("\0\xff\\x\n", 5), true},
      {2, std::numeric_limits<std::int64_t>::min(), -1.7976931348623157e308, "it's \"株式\" \\n \t\r\n", std::nullopt,
       "", false},
      {3, 0, 5e-324, "", "", "x", true},
      {4, -1, std::numeric_limits<double>::infinity(), "?", "$1", "\\", false},
  };
  ASSERT_EQ(failure(store->write([&](PgTx& tx) -> Status {
              for (const Everything& row : rows) {
                Status done = insert(tx, row);
                if (!done.ok()) return done;
              }
              return success();
            })),
            "");
  for (const Everything& row : rows) {
    const Result<Everything> back = row_of(*store, row.id);
    ASSERT_EQ(failure(back), "");
    EXPECT_EQ(back->big, row.big);
    EXPECT_EQ(back->real, row.real);
    EXPECT_EQ(back->text, row.text);
    EXPECT_EQ(back->maybe, row.maybe);
    EXPECT_EQ(back->bytes, row.bytes);
    EXPECT_EQ(back->flag, row.flag);
  }
}

TEST_F(PgStoreTest, ValuesHaveTheTypesOfTheirColumns) {
  const auto store = open(options());
  const Status done = store->write([](PgTx& tx) -> Status {
    Result<PgRows> rows =
        tx.run("SELECT 7, 1.5::float8, 'a', '\\x00ff'::bytea, true, NULL, 12.50::numeric", nullptr, 0);
    if (!rows.ok()) return std::move(rows).error();
    EXPECT_TRUE(rows->next().value());
    EXPECT_EQ(rows->columns(), 7);
    EXPECT_EQ(rows->value(0).type, Value::Type::integer);
    EXPECT_EQ(rows->value(1).real, 1.5);
    EXPECT_EQ(rows->value(2).bytes, "a");
    EXPECT_EQ(rows->value(3).type, Value::Type::blob);
    EXPECT_EQ(rows->value(3).bytes, std::string_view("\0\xff", 2));
    EXPECT_EQ(rows->value(4).integer, 1);
    EXPECT_EQ(rows->value(5).type, Value::Type::null);
    EXPECT_EQ(rows->value(6).bytes, "12.50");
    EXPECT_EQ(rows->integer(6), 12);
    EXPECT_EQ(rows->real(6), 12.5);
    EXPECT_TRUE(rows->is_null(7));  // a column that is not there
    EXPECT_FALSE(rows->next().value());
    return success();
  });
  EXPECT_EQ(failure(done), "");
}

TEST_F(PgStoreTest, FailuresHaveOurCodes) {
  const auto store = open(options("CREATE TABLE t(id int PRIMARY KEY, n int CHECK (n > 0), s varchar(3) NOT NULL)"));
  ASSERT_TRUE(store
                  ->write([](PgTx& tx) -> Status {
                    Result<std::int64_t> done = tx.exec("INSERT INTO t VALUES(1, 1, 'a')");
                    return done.ok() ? success() : Status(done.error());
                  })
                  .ok());
  const std::vector<std::pair<const char*, Code>> cases{
      {"INSERT INTO t VALUES(1, 1, 'b')", Code::constraint},
      {"INSERT INTO t VALUES(2, 0, 'b')", Code::constraint},
      {"INSERT INTO t VALUES(2, 1, NULL)", Code::constraint},
      {"INSERT INTO t VALUES(2, 1, 'long')", Code::invalid},
      {"INSERT INTO t VALUES(2, 'x', 'a')", Code::invalid},
      {"INSERT INTO none VALUES(1)", Code::sql},
      {"SELEC 1", Code::sql},
      {"SELECT 1/0", Code::invalid},
      {"SELECT pg_read_file('/etc/shadow', 0, 1)", Code::permission},
  };
  for (const auto& [sql, code] : cases) {
    const Status done = store->write([&, text = sql](PgTx& tx) -> Status {
      Result<std::int64_t> failed = tx.exec(text);
      EXPECT_FALSE(failed.ok()) << text;
      return failed.ok() ? success() : Status(failed.error());
    });
    ASSERT_FALSE(done.ok()) << sql;
    EXPECT_EQ(static_cast<int>(done.error().code), static_cast<int>(code)) << sql << ": " << done.error().message;
    EXPECT_THAT(done.error().message, ::testing::Not(HasSubstr("Key (")));
  }
  const auto write_in_read =
      store->read([](PgReader& reader) { return reader.query<int>("DELETE FROM t RETURNING id"); });
  ASSERT_FALSE(write_in_read.ok());
  EXPECT_EQ(write_in_read.error().code, Code::read_only);
  const auto zero =
      store->read([](PgReader& reader) { return reader.query<int>("SELECT ?::text", std::string("a\0b", 3)); });
  ASSERT_FALSE(zero.ok());
  EXPECT_EQ(zero.error().code, Code::invalid);
  EXPECT_EQ(store->stats().connections_lost, 0);
}

TEST_F(PgStoreTest, AnAddressWhereNobodyListensIsANetworkError) {
  PgStore::Options wrong;
  wrong.server = "host=/nowhere dbname=postgres";
  wrong.retries_max = 1;
  const Result<std::unique_ptr<PgStore>> store = PgStore::open(wrong);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::network);
}

TEST_F(PgStoreTest, AWriteThatFailsLeavesNothing) {
  const auto store = open(options("CREATE TABLE t(id int PRIMARY KEY)"));
  const auto count = [&] {
    return store->read([](PgReader& reader) { return reader.first<int>("SELECT count(*) FROM t"); }).value().value();
  };
  EXPECT_FALSE(store
                   ->write([](PgTx& tx) -> Status {
                     EXPECT_TRUE(tx.exec("INSERT INTO t VALUES(1)").ok());
                     return Error{Code::invalid, "no"};
                   })
                   .ok());
  EXPECT_EQ(count(), 0);
  const Status threw = store->write([](PgTx& tx) -> Status {
    EXPECT_TRUE(tx.exec("INSERT INTO t VALUES(1)").ok());
    return std::vector<Status>().at(1);
  });
  ASSERT_FALSE(threw.ok());
  EXPECT_THAT(threw.error().message, HasSubstr("threw"));
  EXPECT_EQ(count(), 0);
  // Whoever overlooks a failed statement does not get a commit either.
  const Status overlooked = store->write([](PgTx& tx) -> Status {
    EXPECT_TRUE(tx.exec("INSERT INTO t VALUES(1)").ok());
    EXPECT_FALSE(tx.exec("INSERT INTO t VALUES(1)").ok());
    return success();
  });
  EXPECT_FALSE(overlooked.ok());
  EXPECT_EQ(count(), 0);
}

TEST_F(PgStoreTest, WithSavepointsAFailedStatementTakesBackOnlyItself) {
  PgStore::Options with = options("CREATE TABLE t(id int PRIMARY KEY)");
  with.statement_savepoints = true;
  const auto store = open(with);
  const Status done = store->write([](PgTx& tx) -> Status {
    EXPECT_TRUE(tx.exec("INSERT INTO t VALUES(1)").ok());
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(tx.exec("INSERT INTO t VALUES(1)").error().code, Code::constraint);
      EXPECT_EQ(tx.exec("SELEC").error().code, Code::sql);
      EXPECT_EQ(tx.exec("INSERT INTO t VALUES(?)", std::string("\0", 1)).error().code, Code::invalid);
    }
    EXPECT_TRUE(tx.exec("INSERT INTO t VALUES(2)").ok());
    return success();
  });
  EXPECT_EQ(failure(done), "");
  EXPECT_EQ(store->read([](PgReader& reader) { return reader.first<int>("SELECT count(*) FROM t"); }).value(), 2);
}

TEST_F(PgStoreTest, AReadSeesOneState) {
  const auto store = open(options("CREATE TABLE t(id int PRIMARY KEY)"));
  const auto counts = store->read([&](PgReader& reader) -> Result<std::pair<int, int>> {
    const auto before = reader.first<int>("SELECT count(*) FROM t");
    std::thread([&] {
      EXPECT_TRUE(store
                      ->write([](PgTx& tx) -> Status {
                        Result<std::int64_t> done = tx.exec("INSERT INTO t VALUES(1)");
                        return done.ok() ? success() : Status(done.error());
                      })
                      .ok());
    }).join();
    const auto after = reader.first<int>("SELECT count(*) FROM t");
    return std::pair(before.value().value(), after.value().value());
  });
  EXPECT_EQ(counts.value(), std::pair(0, 0));
  EXPECT_EQ(store->read([](PgReader& reader) { return reader.first<int>("SELECT count(*) FROM t"); }).value(), 1);
}

TEST_F(PgStoreTest, ConcurrentIncrementsAreAllThere) {
  const auto store = open(options("CREATE TABLE t(id int PRIMARY KEY, n int); INSERT INTO t VALUES(1, 0)"));
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 10; ++turn) {
        // Read, then write: what READ COMMITTED would lose.
        const Status done = store->write([](PgTx& tx) -> Status {
          const auto n = tx.first<int>("SELECT n FROM t WHERE id=1");
          if (!n.ok()) return n.error();
          const auto changed = tx.exec("UPDATE t SET n=? WHERE id=1", n->value() + 1);
          return changed.ok() ? success() : Status(changed.error());
        });
        if (done.ok()) continue;
        ++failed;
        EXPECT_EQ(done.error().code, Code::busy) << done.error().message;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int sum = store->read([](PgReader& reader) { return reader.first<int>("SELECT n FROM t"); }).value().value();
  EXPECT_EQ(sum + failed, 40);
  EXPECT_GT(sum, 20);  // how often they got into each other's way is up to the machine
}

TEST_F(PgStoreTest, DeadlocksAreRepeatedToo) {
  PgStore::Options quick = options("CREATE TABLE t(id int PRIMARY KEY, n int); INSERT INTO t VALUES(1, 0), (2, 0)");
  quick.server += " application_name=x";
  quick.isolation = PgIsolation::read_committed;
  const auto store = open(quick);
  std::atomic<int> met{0};
  const auto cross = [&](int first, int second) {
    bool again = false;
    return store->write([&, first, second](PgTx& tx) -> Status {
      auto done = tx.exec("UPDATE t SET n=n+1 WHERE id=?", first);
      if (!done.ok()) return done.error();
      if (!again) {
        ++met;
        while (met < 2) std::this_thread::yield();
      }
      again = true;
      done = tx.exec("UPDATE t SET n=n+1 WHERE id=?", second);
      return done.ok() ? success() : Status(done.error());
    });
  };
  Status other = success();
  std::thread thread([&] { other = cross(2, 1); });
  EXPECT_EQ(failure(cross(1, 2)), "");
  thread.join();
  EXPECT_EQ(failure(other), "");
  EXPECT_EQ(store->read([](PgReader& reader) { return reader.first<int>("SELECT sum(n) FROM t"); }).value(), 4);
  EXPECT_GE(store->stats().retries, 1);
}

TEST_F(PgStoreTest, TheServerEndsAStatementAtItsLimit) {
  PgStore::Options brief = options();
  brief.read_age_max = 100ms;
  const auto store = open(brief);
  const auto slow = store->read([](PgReader& reader) { return reader.query<std::string>("SELECT pg_sleep(10)"); });
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().code, Code::timeout);
  EXPECT_EQ(store->stats().connections_lost, 0);  // it was the server who ended it
  EXPECT_TRUE(store->read([](PgReader& reader) { return reader.query<int>("SELECT 1"); }).ok());
}

TEST_F(PgStoreTest, WaitingForAConnectionHasADeadline) {
  PgStore::Options narrow = options();
  narrow.readers_max = 1;
  narrow.read_wait_max = 50ms;
  const auto store = open(narrow);
  const auto outer = store->read([&](PgReader& reader) -> Result<int> {
    EXPECT_TRUE(reader.query<int>("SELECT 1").ok());
    Result<int> inner = Error{Code::internal, ""};
    std::thread([&] { inner = store->read([](PgReader&) -> Result<int> { return 1; }); }).join();
    EXPECT_FALSE(inner.ok());
    EXPECT_EQ(inner.error().code, Code::busy);
    // On this thread it would wait for itself.
    const auto nested = store->read([](PgReader&) -> Result<int> { return 1; });
    EXPECT_FALSE(nested.ok());
    EXPECT_EQ(nested.error().code, Code::invalid);
    return 2;
  });
  EXPECT_EQ(outer.value(), 2);
  EXPECT_EQ(store->stats().connections_refused, 1);
}

TEST_F(PgStoreTest, AReadOfOneStatementIsOneRoundTrip) {
  const auto store = open(options());
  const auto one = [&] {
    return store->read([](PgReader& reader) { return reader.first<int>("SELECT ?::int", 1); }).ok();
  };
  ASSERT_TRUE(one());
  const std::int64_t before = store->stats().statement_misses;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(one());
  EXPECT_EQ(store->stats().statement_misses, before);
}

TEST_F(PgStoreTest, StatementsAreBoundedAndPreparedAnewWhenTheSchemaChanged) {
  PgStore::Options few = options("CREATE TABLE t(id int); INSERT INTO t VALUES(1)");
  few.statements_max = 3;
  few.readers_max = 1;
  const auto store = open(few);
  const auto all = [&] { return store->read([](PgReader& reader) { return reader.query<int>("SELECT * FROM t"); }); };
  EXPECT_EQ(all().value(), std::vector<int>{1});
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(store->read([&](PgReader& reader) { return reader.query<int>("SELECT " + std::to_string(i)); }).ok());
  EXPECT_EQ(all().value(), std::vector<int>{1});
  ASSERT_TRUE(store
                  ->write([](PgTx& tx) -> Status {
                    Result<std::int64_t> done = tx.exec("ALTER TABLE t ADD COLUMN more text");
                    return done.ok() ? success() : Status(done.error());
                  })
                  .ok());
  EXPECT_EQ(failure(all()), "");
}

TEST_F(PgStoreTest, AResultBeyondItsLimitIsRefusedAndTheStoreGoesOn) {
  PgStore::Options small = options();
  small.result_bytes_max = 100000;
  const auto store = open(small);
  const auto large = store->read([](PgReader& reader) {
    return reader.query<std::string>("SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
  });
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, Code::limit);
  EXPECT_TRUE(store->read([](PgReader& reader) { return reader.query<int>("SELECT 1"); }).ok());
}

TEST_F(PgStoreTest, DurableWritesWaitForTheServersDisk) {
  const auto store = open(options());
  const auto level = [&](Durability durability) {
    std::string out;
    EXPECT_TRUE(store
                    ->write(
                        [&](PgTx& tx) -> Status {
                          out = tx.first<std::string>("SELECT current_setting('synchronous_commit')").value().value();
                          return success();
                        },
                        durability)
                    .ok());
    return out;
  };
  EXPECT_EQ(level(Durability::fast), "off");
  EXPECT_EQ(level(Durability::durable), "on");
  EXPECT_EQ(level(Durability::fast), "off");
}

TEST_F(PgStoreTest, AWatchSeesOneQueryARow) {
  const auto store = open(options());
  QueryWatch::Options raise;
  raise.mode = QueryWatch::Mode::raise;
  QueryWatch watch(raise);
  const auto refused = store->read(
      [](PgReader& reader) -> Result<int> {
        const auto ids = reader.query<int>("SELECT generate_series(1, 10)");
        for (const int id : ids.value()) {
          const auto one = reader.query<int>("SELECT ?::int", id);
          if (!one.ok()) return one.error();
        }
        return 1;
      },
      &watch);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::repeated_query);
}

TEST_F(PgStoreTest, MigrationsRunOnceAndInOrder) {
  PgStore::Options steps = options();
  steps.migrations.push_back(PgMigration{1, "orders", "CREATE TABLE orders(id int); CREATE TABLE more(id int)"});
  steps.migrations.push_back(PgMigration{2, "fill", "", [](PgTx& tx) -> Status {
                                           Result<std::int64_t> done = tx.exec("INSERT INTO orders VALUES(?)", 1);
                                           return done.ok() ? success() : Status(done.error());
                                         }});
  std::vector<std::thread> threads;  // all of them at once
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { EXPECT_NE(open(steps), nullptr); });
  for (std::thread& thread : threads) thread.join();
  const auto store = open(steps);
  const auto orders = store->read([](PgReader& reader) { return reader.query<int>("SELECT id FROM orders"); });
  ASSERT_EQ(failure(orders), "");
  EXPECT_EQ(orders.value(), std::vector<int>{1});
  PgStore::Options changed = steps;
  changed.migrations[0].sql += ";";
  EXPECT_EQ(PgStore::open(changed).error().code, Code::invalid);
  PgStore::Options older = steps;
  older.migrations.pop_back();
  EXPECT_EQ(PgStore::open(older).error().code, Code::schema_newer);
  PgStore::Options broken = steps;
  broken.migrations.push_back(PgMigration{3, "broken", "CREATE TABLE third(id int); SELEC"});
  EXPECT_EQ(PgStore::open(broken).error().code, Code::sql);
  EXPECT_FALSE(store->read([](PgReader& reader) { return reader.query<int>("SELECT * FROM third"); }).ok());
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// A server that crashes, hangs and comes back while calls run.
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "fake/postgres_test.h"

namespace tapewatch {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class PgFaultsTest : public PostgresTest {
 protected:
  void TearDown() override {
    if (stopped_ && !IsSkipped()) {
      EXPECT_TRUE(start());
    }
  }
  bool start() {
    stopped_ = false;
    return server().start();
  }
  void crash() {
    stopped_ = true;
    server().stop(SIGQUIT);
  }
  // Enough to outlast a restart of the server.
  PgStore::Options patient(const std::string& schema) const {
    PgStore::Options out = options(schema);
    out.retries_max = 100;
    out.retry_wait_first = 2ms;
    return out;
  }
  static Result<int> count(PgStore& store) {
    return store.read([](PgReader& reader) -> Result<int> {
      const auto rows = reader.first<int>("SELECT count(*) FROM t");
      if (!rows.ok()) return rows.error();
      return rows->value();
    });
  }
  bool stopped_ = false;
};

TEST_F(PgFaultsTest, IdleConnectionsThatTheServerClosedAreReplacedUnseen) {
  PgStore::Options none = options("CREATE TABLE t(id int)");
  none.retries_max = 0;
  const auto store = open(none);
  ASSERT_EQ(count(*store).value(), 0);
  crash();
  const Result<int> away = count(*store);
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().code, Code::network) << away.error().message;
  ASSERT_TRUE(start());
  EXPECT_EQ(count(*store).value(), 0);
  EXPECT_EQ(failure(store->write([](PgTx& tx) -> Status {
              const auto done = tx.exec("INSERT INTO t VALUES(1)");
              return done.ok() ? success() : Status(done.error());
            })),
            "");
  EXPECT_GT(store->stats().connections_lost, 0);
}

TEST_F(PgFaultsTest, AClosureWhoseServerCrashesIsRunAgain) {
  const auto store = open(patient("CREATE TABLE IF NOT EXISTS t(id int)"));
  int runs = 0;
  const Status written = store->write(
      [&](PgTx& tx) -> Status {
        auto done = tx.exec("INSERT INTO t VALUES(1)");
        if (!done.ok()) return done.error();
        if (++runs == 1) {
          crash();
          EXPECT_TRUE(start());
        }
        done = tx.exec("INSERT INTO t VALUES(2)");
        return done.ok() ? success() : Status(done.error());
      },
      Durability::durable);
  EXPECT_EQ(failure(written), "");
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(count(*store).value(), 2);  // once
  runs = 0;
  const Result<int> read = store->read([&](PgReader& reader) -> Result<int> {
    if (++runs == 1) {
      EXPECT_TRUE(reader.query<int>("SELECT 1").ok());
      crash();
      EXPECT_TRUE(start());
    }
    const auto rows = reader.first<int>("SELECT count(*) FROM t");
    if (!rows.ok()) return rows.error();
    return rows->value();
  });
  EXPECT_EQ(failure(read), "");
  EXPECT_EQ(runs, 2);
}

TEST_F(PgFaultsTest, AConnectionLostDuringCommitIsAnOutcomeUnknown) {
  const auto store = open(patient(
      "CREATE TABLE t(id int);"
      "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(10); RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION"
      " wait()"));
  std::atomic<int> backend{0};
  int runs = 0;
  std::thread killer([&] {
    while (backend == 0) std::this_thread::yield();
    // Not before it is in its COMMIT.
    for (bool gone = false; !gone;) {
      const auto ended = store->read([&](PgReader& reader) {
        return reader.query<bool>(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ? AND query = 'COMMIT' AND wait_event "
            "= "
            "'PgSleep'",
            backend.load());
      });
      gone = ended.ok() && !ended->empty();
    }
  });
  const Status written = store->write([&](PgTx& tx) -> Status {
    ++runs;
    const auto pid = tx.first<int>("SELECT pg_backend_pid()");
    const auto done = tx.exec("INSERT INTO t VALUES(1)");
    backend = pid->value();
    return done.ok() ? success() : Status(done.error());
  });
  killer.join();
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Code::network);
  EXPECT_THAT(written.error().message, HasSubstr("unknown"));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(store->stats().outcomes_unknown, 1);
}

TEST_F(PgFaultsTest, AServerThatDoesNotAnswerIsGivenUp) {
  PgStore::Options brief = options();
  brief.read_age_max = 100ms;
  brief.retries_max = 0;
  const auto store = open(brief);
  pid_t backend = 0;
  const auto read = store->read([&](PgReader& reader) -> Result<std::vector<int>> {
    backend = reader.first<int>("SELECT pg_backend_pid()").value().value();
    kill(backend, SIGSTOP);
    return reader.query<int>("SELECT 1");
  });
  kill(backend, SIGCONT);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::timeout);
  EXPECT_EQ(store->stats().connections_lost, 1);
  EXPECT_TRUE(store->read([](PgReader& reader) { return reader.query<int>("SELECT 1"); }).ok());
}

TEST_F(PgFaultsTest, WhatWasAnsweredSurvivesACrashUnderLoad) {
  const auto store = open(patient("CREATE TABLE IF NOT EXISTS t(id int PRIMARY KEY)"));
  std::atomic<bool> stop{false};
  std::atomic<int> acknowledged{0};
  std::vector<std::set<int>> kept(3);
  std::vector<std::set<int>> unknown(3);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; !stop; ++i) {
        const int id = thread * 1'000'000 + i;
        const Status done = store->write(
            [&](PgTx& tx) -> Status {
              const auto inserted = tx.exec("INSERT INTO t VALUES(?)", id);
              return inserted.ok() ? success() : Status(inserted.error());
            },
            Durability::durable);
        auto& place = done.ok() ? kept : unknown;
        place[static_cast<std::size_t>(thread)].insert(id);
        if (done.ok()) ++acknowledged;
        if (!done.ok()) {
          EXPECT_THAT(done.error().message, HasSubstr("unknown"));
        }
      }
    });
  }
  const auto reach = [&](int more) {
    const int until = acknowledged + more;
    while (acknowledged < until) std::this_thread::yield();
  };
  for (int round = 0; round < 2; ++round) {
    reach(50);
    crash();
    EXPECT_TRUE(start());
  }
  reach(50);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const auto ids = store->read([](PgReader& reader) { return reader.query<int>("SELECT id FROM t"); });
  ASSERT_EQ(failure(ids), "");
  std::set<int> there(ids->begin(), ids->end());
  for (std::size_t i = 0; i < 3; ++i) {
    for (const int id : kept[i]) EXPECT_EQ(there.erase(id), 1u) << id;
    for (const int id : unknown[i]) there.erase(id);
  }
  EXPECT_TRUE(there.empty());  // nothing that nobody wrote, or was told had failed
}

TEST_F(PgFaultsTest, AStreamWithAKeyGoesOnAfterACrash) {
  const auto store = open(patient("CREATE TABLE IF NOT EXISTS t AS SELECT generate_series(1, 20000) AS id"));
  StreamOptions keyed;
  keyed.key_columns = 1;
  keyed.batch_rows = 1000;
  auto stream = store->stream<int>(keyed, "SELECT id FROM t WHERE id > ? ORDER BY id", 0);
  RowBatch<int> batch;
  int next = 1;
  for (;;) {
    const Result<bool> more = stream.next(batch);
    ASSERT_EQ(failure(more), "");
    if (!more.value()) break;
    for (const int id : batch.rows()) ASSERT_EQ(id, next++);
    if (next != 10001) continue;
    crash();
    ASSERT_TRUE(start());
  }
  EXPECT_EQ(next, 20001);
  EXPECT_EQ(stream.snapshots(), 2);
}

TEST_F(PgFaultsTest, AsynchronousCallsAreAnsweredThroughACrash) {
  const auto store = open(patient("CREATE TABLE IF NOT EXISTS t(id int)"));
  std::vector<Pending<std::vector<int>>> reads;
  std::vector<Pending<std::int64_t>> writes;
  for (int i = 0; i < 300; ++i) {
    reads.push_back(store->fetch<int>("SELECT ?::int", i));
    writes.push_back(store->execute(CallOptions(), "INSERT INTO t VALUES(?)", i));
    if (i == 150) crash();
    if (i == 151) {
      EXPECT_TRUE(start());
    }
  }
  for (int i = 0; i < 300; ++i) {
    const Result<std::vector<int>> read = std::move(reads[static_cast<std::size_t>(i)]).get();
    EXPECT_EQ(failure(read), "");  // safe to repeat
    const Result<std::int64_t> written = std::move(writes[static_cast<std::size_t>(i)]).get();
    if (!written.ok()) {
      EXPECT_THAT(written.error().message, HasSubstr("unknown"));
    }
  }
}

}  // namespace
}  // namespace tapewatch

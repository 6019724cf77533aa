// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "fake/postgres_test.h"

namespace tapewatch {
namespace {

using namespace std::chrono_literals;

class PgCallsTest : public PostgresTest {
 protected:
  static constexpr const char* numbers =
      "CREATE TABLE numbers(id bigserial PRIMARY KEY, n bigint UNIQUE CHECK (n >= 0)); INSERT INTO numbers(n) SELECT"
      " generate_series(0, 999)";
  // Holds a thread of the store until it is let go.
  struct Gate {
    std::atomic<bool> open{false};
    std::atomic<int> inside{0};
    void wait() {
      ++inside;
      while (!open) std::this_thread::yield();
    }
    void wait_until_entered() const {
      while (inside == 0) std::this_thread::yield();
    }
  };
};

TEST_F(PgCallsTest, FetchesShareAPipeline) {
  PgStore::Options one = options(numbers);
  one.call_threads = 1;
  const auto store = open(one);
  ASSERT_TRUE(store->fetch<int>("SELECT n FROM numbers WHERE n = ?", 1).get().ok());
  Gate gate;
  ASSERT_TRUE(store
                  ->submit_read(
                      [&](PgReader&) -> Status {
                        gate.wait();
                        return success();
                      },
                      [](const Status&) {})
                  .ok());
  gate.wait_until_entered();
  const PgStore::Stats before = store->stats();
  std::vector<Pending<std::vector<int>>> pending;
  for (int i = 0; i < 100; ++i) pending.push_back(store->fetch<int>("SELECT n FROM numbers WHERE n = ?", i));
  gate.open = true;
  for (int i = 0; i < 100; ++i) {
    const Result<std::vector<int>> rows = std::move(pending[static_cast<std::size_t>(i)]).get();
    ASSERT_EQ(failure(rows), "");
    EXPECT_EQ(rows.value(), std::vector<int>{i});
  }
  EXPECT_EQ(store->stats().call_groups - before.call_groups, 1);
  EXPECT_LE(store->stats().round_trips - before.round_trips, 20);
}

TEST_F(PgCallsTest, AFailedFetchDoesNotTouchTheOthers) {
  const auto store = open(options(numbers));
  std::vector<Pending<std::vector<int>>> pending;
  for (int i = 0; i < 30; ++i) {
    pending.push_back(store->fetch<int>("SELECT 10 / ?::int", i % 3));
    pending.push_back(store->fetch<int>("SELECT n FROM nowhere WHERE n = ?", i));
    pending.push_back(store->fetch<int>("DELETE FROM numbers RETURNING 1"));
    pending.push_back(store->fetch<int>("SELECT ?::text", std::string("\0", 1)));
  }
  for (int i = 0; i < 30; ++i) {
    const auto next = [&](int part) { return std::move(pending[static_cast<std::size_t>(4 * i + part)]).get(); };
    const Result<std::vector<int>> divided = next(0);
    EXPECT_EQ(divided.ok(), i % 3 != 0);
    if (divided.ok()) {
      EXPECT_EQ(divided.value(), std::vector<int>{10 / (i % 3)});
    }
    EXPECT_EQ(next(1).error().code, Code::sql);
    EXPECT_EQ(next(2).error().code, Code::read_only);
    EXPECT_EQ(next(3).error().code, Code::invalid);
  }
}

TEST_F(PgCallsTest, ExecutesShareATransactionAndOneThatFailsIsAlone) {
  const auto store = open(options(numbers));
  Gate gate;
  ASSERT_TRUE(store
                  ->submit(
                      [&](PgTx&) -> Status {
                        gate.wait();
                        return success();
                      },
                      [](const Status&) {})
                  .ok());
  gate.wait_until_entered();
  std::vector<Pending<std::int64_t>> pending;
  for (int i = 0; i < 50; ++i)
    pending.push_back(store->execute(CallOptions(), "INSERT INTO numbers(n) VALUES(?)", 1000 + i));
  pending.push_back(store->execute(CallOptions(), "INSERT INTO numbers(n) VALUES(?)", -1));
  pending.push_back(store->execute(CallOptions(), "UPDATE numbers SET n = n + 10000 WHERE n >= ?", 1000));
  gate.open = true;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(std::move(pending[static_cast<std::size_t>(i)]).get().value(), 1);
  EXPECT_EQ(std::move(pending[50]).get().error().code, Code::constraint);
  EXPECT_EQ(std::move(pending[51]).get().value(), 50);  // in the order of submission: it sees what was before it
  EXPECT_EQ(store->fetch<int>("SELECT count(*) FROM numbers WHERE n >= 11000").get().value(), std::vector<int>{50});
}

TEST_F(PgCallsTest, DurableExecutesHaveOneCommit) {
  const auto store = open(options(numbers));
  CallOptions durable;
  durable.durability = Durability::durable;
  std::vector<Pending<std::int64_t>> pending;
  for (int i = 0; i < 20; ++i) pending.push_back(store->execute(durable, "INSERT INTO numbers(n) VALUES(?)", 2000 + i));
  for (auto& each : pending) EXPECT_EQ(std::move(each).get().value(), 1);
}

TEST_F(PgCallsTest, WritesEndInTheOrderOfTheirSubmission) {
  const auto store = open(options(numbers));
  std::vector<int> order;
  std::vector<Pending<std::int64_t>> pending;
  for (int i = 0; i < 40; ++i) {
    if (i % 4 == 0) {
      pending.push_back(store->async_write([&order, i](PgTx& tx) -> Result<std::int64_t> {
        order.push_back(i);
        return tx.exec("UPDATE numbers SET n = ? WHERE id = 1", 5000 + i);
      }));
    } else {
      pending.push_back(store->execute(CallOptions(), "UPDATE numbers SET n = ? WHERE id = 1", 5000 + i));
    }
  }
  for (auto& each : pending) EXPECT_EQ(failure(std::move(each).get()), "");
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(store->fetch<int>("SELECT n FROM numbers WHERE id = 1").get().value(), std::vector<int>{5039});
}

TEST_F(PgCallsTest, LimitsAnswerWhatWaitsAndStopWhatRuns) {
  PgStore::Options one = options(numbers);
  one.call_threads = 1;
  const auto store = open(one);
  CallOptions brief;
  brief.limit = 50ms;
  const auto slow = store->fetch<std::string>(brief, "SELECT pg_sleep(10)").get();
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().code, Code::timeout);
  std::stop_source source;
  CallOptions stoppable;
  stoppable.stop = source.get_token();
  Gate gate;
  gate.open = true;
  auto running = store->async_read(
      [&](PgReader& reader) {
        gate.wait();
        return reader.query<std::string>("SELECT pg_sleep(10)");
      },
      stoppable);
  auto waiting = store->fetch<int>(brief, "SELECT 1");
  EXPECT_EQ(std::move(waiting).get().error().code, Code::timeout);
  gate.wait_until_entered();
  source.request_stop();
  EXPECT_EQ(std::move(running).get().error().code, Code::cancelled);
  EXPECT_EQ(store->fetch<int>("SELECT 1").get().value(), std::vector<int>{1});
  EXPECT_EQ(store->stats().calls_expired, 2);
  EXPECT_EQ(store->stats().calls_cancelled, 1);
}

TEST_F(PgCallsTest, QueuesAreBoundedAndAnsweredWhenTheStoreCloses) {
  PgStore::Options few = options(numbers);
  few.queue_jobs_max = 2;
  few.call_threads = 1;
  auto store = open(few);
  Gate gate;
  const auto hold = [&](auto&) -> Status {
    gate.wait();
    return success();
  };
  ASSERT_TRUE(store->submit_read(hold, [](const Status&) {}).ok());
  gate.wait_until_entered();
  auto first = store->fetch<int>("SELECT 1");
  auto second = store->fetch<int>("SELECT 2");
  EXPECT_EQ(store->fetch<int>("SELECT 3").get().error().code, Code::queue_full);
  auto written = store->execute(CallOptions(), "INSERT INTO numbers(n) VALUES(?)", 7777);
  std::thread closing([&] { store.reset(); });
  EXPECT_EQ(std::move(written).get().value(), 1);  // queued writes are run
  gate.open = true;
  closing.join();
  const Result<std::vector<int>> late = std::move(first).get();
  EXPECT_TRUE(late.ok() || late.error().code == Code::closed);
  static_cast<void>(std::move(second).get());
}

TEST_F(PgCallsTest, AnswersAreGivenOnTheExecutorOfTheCall) {
  const auto store = open(options(numbers));
  std::atomic<int> woken{0};
  LoopExecutor loop([&] { ++woken; });
  CallOptions on_loop;
  on_loop.executor = &loop;
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    store->fetch<int>(on_loop, "SELECT ?::int", i).then([&](const Result<std::vector<int>>& rows) {
      answers += rows.ok() ? 1 : 0;
    });
  }
  while (answers < 10) {
    loop.run();
    std::this_thread::yield();
  }
  EXPECT_GE(woken, 1);
  EXPECT_EQ(store->fetch<int>("SELECT 5").future().get().value(), std::vector<int>{5});
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"
#include "tapewatch/task.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;

// A loop turned by hand: run() does what waits, wait() until something does.
class HandLoop {
 public:
  Executor& executor() { return executor_; }
  std::size_t run() { return executor_.run(); }
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return woken_ > 0; });
        woken_ = 0;
      }
      run();
    }
  }
  int wakes() const { return wakes_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int woken_ = 0;
  std::atomic<int> wakes_{0};
  LoopExecutor executor_{[this] {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++woken_;
    ++wakes_;
    changed_.notify_all();
  }};
};

// Holds whoever passes until it is opened.
class Barrier {
 public:
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
};

class AsyncTest : public testing::Test {
 protected:
  void SetUp() override { open({}); }
  void open(Store::Options options) {
    store_.reset();
    options.path = folder_.path("async.db");
    options.schema = "CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, symbol TEXT UNIQUE, quantity INTEGER)";
    Result<std::unique_ptr<Store>> opened = Store::open(options);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  Pending<std::int64_t> add(const std::string& symbol, CallOptions options = {}) {
    return store_->execute(options, "INSERT INTO orders(symbol, quantity) VALUES(?, ?)", symbol, 1);
  }
  // Occupies every thread that runs asynchronous reads.
  std::vector<Pending<int>> hold_reads(Barrier& barrier) {
    std::vector<Pending<int>> out;
    for (int i = 0; i < 2; ++i) {
      out.push_back(store_->async_read([&barrier](Reader&) -> Result<int> {
        barrier.pass();
        return 1;
      }));
      barrier.wait_for(i + 1);
    }
    return out;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(AsyncTest, CallbackFutureAndBlockingGet) {
  HandLoop loop;
  CallOptions on_loop;
  on_loop.executor = &loop.executor();
  std::optional<Result<std::int64_t>> changed;
  std::thread::id answered_on;
  add("7203", on_loop).then([&](Result<std::int64_t> result) {
    answered_on = std::this_thread::get_id();
    changed.emplace(std::move(result));
  });
  EXPECT_FALSE(changed.has_value());
  loop.run_until([&] { return changed.has_value(); });
  ASSERT_TRUE(changed->ok());
  EXPECT_EQ(changed->value(), 1);
  EXPECT_EQ(answered_on, std::this_thread::get_id());

  std::future<Result<std::int64_t>> future = add("6758").future();
  EXPECT_EQ(future.get().value(), 1);
  const Result<std::int64_t> twice = add("6758").get();
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code, Code::constraint);
  EXPECT_EQ(store_->fetch<std::string>("SELECT symbol FROM orders ORDER BY 1").get().value(),
            (std::vector<std::string>{"6758", "7203"}));
}

Task<std::int64_t> portfolio(Store& store, CallOptions options, std::string symbol) {
  const Result<std::int64_t> added =
      co_await store.execute(options, "INSERT INTO orders(symbol, quantity) VALUES(?, ?)", symbol, 5);
  if (!added.ok()) co_return -1;
  const auto rows = co_await store.fetch<std::int64_t>(options, "SELECT quantity FROM orders WHERE symbol = ?", symbol);
  co_return rows.ok() && rows->size() == 1 ? rows->front() : -2;
}

Task<std::int64_t> both(Store& store, CallOptions options) {
  const std::int64_t first = co_await portfolio(store, options, "a");
  const std::int64_t second = co_await portfolio(store, options, "b");
  co_return first + second;
}

TEST_F(AsyncTest, CoroutinesReadWhatTheyWroteAndGoOnOnTheirLoop) {
  HandLoop loop;
  CallOptions options;
  options.executor = &loop.executor();
  std::optional<std::int64_t> sum;
  Task<std::int64_t> task = both(*store_, options);
  task.start([&](std::int64_t value) { sum = value; });
  loop.run_until([&] { return sum.has_value(); });
  EXPECT_EQ(sum, 10);
  std::optional<std::int64_t> inline_sum;
  std::atomic<bool> done{false};
  Task<std::int64_t> again = portfolio(*store_, {}, "c");
  again.start([&](std::int64_t value) {
    inline_sum = value;
    done = true;
  });
  while (!done) std::this_thread::yield();
  EXPECT_EQ(inline_sum, 5);
}

TEST_F(AsyncTest, ManyReadsShareAReadTransactionAndALoopIsWokenOnceForMany) {
  ASSERT_TRUE(add("x").get().ok());
  Barrier barrier;
  std::vector<Pending<int>> held = hold_reads(barrier);
  HandLoop loop;
  CallOptions options;
  options.executor = &loop.executor();
  int answered = 0;
  const std::int64_t groups = store_->stats().call_groups;
  for (int i = 0; i < 100; ++i)
    store_->fetch<std::int64_t>(options, "SELECT id FROM orders WHERE id = ?", 1).then([&](auto rows) {
      answered += rows.ok() && rows->size() == 1 ? 1 : 0;
    });
  EXPECT_EQ(store_->stats().call_reads_waiting, 100);
  barrier.open();
  loop.run_until([&] { return answered == 100; });
  EXPECT_LE(store_->stats().call_groups - groups, 10);
  EXPECT_LE(loop.wakes(), 100);
  for (Pending<int>& each : held) EXPECT_TRUE(std::move(each).get().ok());
}

TEST_F(AsyncTest, ACallThatWaitsTooLongIsAnsweredThoughNobodyGotToIt) {
  Barrier barrier;
  std::vector<Pending<int>> held = hold_reads(barrier);
  CallOptions limited;
  limited.limit = milliseconds(10);
  const auto late = store_->fetch<int>(limited, "SELECT 1").get();
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::timeout);

  std::stop_source stop;
  CallOptions stoppable;
  stoppable.stop = stop.get_token();
  Pending<std::vector<int>> waits = store_->fetch<int>(stoppable, "SELECT 1");
  EXPECT_FALSE(waits.ready());
  stop.request_stop();
  const auto stopped = std::move(waits).get();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  EXPECT_EQ(store_->fetch<int>(stoppable, "SELECT 1").get().error().code, Code::cancelled);
  barrier.open();
  for (Pending<int>& each : held) EXPECT_TRUE(std::move(each).get().ok());
  EXPECT_EQ(store_->stats().calls_expired, 1);
  EXPECT_EQ(store_->stats().calls_cancelled, 2);
}

TEST_F(AsyncTest, AReadThatRunsIsStoppedAndAWriteThatWaitsIsNotRun) {
  constexpr char endless[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  CallOptions limited;
  limited.limit = milliseconds(10);
  EXPECT_EQ(store_->fetch<std::int64_t>(limited, endless).get().error().code, Code::timeout);
  std::stop_source stop;
  CallOptions stoppable;
  stoppable.stop = stop.get_token();
  Pending<std::vector<std::int64_t>> running = store_->fetch<std::int64_t>(stoppable, endless);
  while (store_->stats().call_reads_waiting > 0) std::this_thread::yield();
  stop.request_stop();
  EXPECT_EQ(std::move(running).get().error().code, Code::cancelled);
  // The next one on the same connection is not stopped.
  EXPECT_TRUE(store_->fetch<int>("SELECT 1").get().ok());

  Barrier barrier;
  Pending<int> holds = store_->async_write([&](Tx&) -> Result<int> {
    barrier.pass();
    return 1;
  });
  barrier.wait_for(1);
  EXPECT_EQ(add("late", limited).get().error().code, Code::timeout);
  barrier.open();
  ASSERT_TRUE(std::move(holds).get().ok());
  ASSERT_TRUE(add("next").get().ok());
  EXPECT_EQ(store_->fetch<std::string>("SELECT symbol FROM orders").get().value(), std::vector<std::string>{"next"});
}

TEST_F(AsyncTest, TheQueueAndTheAnswersInFlightAreBounded) {
  Store::Options options;
  options.queue_jobs_max = 3;
  options.calls_max = 6;
  open(options);
  Barrier barrier;
  std::vector<Pending<int>> held = hold_reads(barrier);
  HandLoop loop;
  CallOptions on_loop;
  on_loop.executor = &loop.executor();
  std::vector<Pending<std::vector<int>>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(store_->fetch<int>(on_loop, "SELECT 1"));
  EXPECT_EQ(store_->fetch<int>("SELECT 1").get().error().code, Code::queue_full);
  EXPECT_EQ(store_->stats().call_reads_refused, 1);
  barrier.open();
  for (Pending<int>& each : held) EXPECT_TRUE(std::move(each).get().ok());
  while (store_->stats().call_reads_waiting > 0) std::this_thread::yield();
  // Answers that nobody takes from the loop are in flight.
  for (int i = 0; i < 3; ++i) add(std::to_string(i), on_loop).then([](auto) {});
  EXPECT_EQ(add("one too many").get().error().code, Code::queue_full);
  while (store_->stats().calls_in_flight > 0) {
    loop.run();
    std::this_thread::yield();
  }
  for (Pending<std::vector<int>>& each : waiting) EXPECT_TRUE(each.ready());
  EXPECT_TRUE(add("again").get().ok());
}

TEST_F(AsyncTest, WhatThrowsIsAnErrorAndWhatWaitsAtTheEndIsAnswered) {
  const auto thrown = store_->async_read([](Reader&) -> Result<int> { throw std::runtime_error("mine"); }).get();
  EXPECT_EQ(thrown.error().code, Code::internal);
  Barrier barrier;
  std::vector<Pending<int>> held = hold_reads(barrier);
  Pending<std::vector<int>> waits = store_->fetch<int>("SELECT 1");
  std::thread closer([this] { store_.reset(); });
  barrier.open();
  closer.join();
  for (Pending<int>& each : held) EXPECT_TRUE(std::move(each).get().ok());
  const auto answer = std::move(waits).get();
  EXPECT_TRUE(answer.ok() || answer.error().code == Code::closed);
}

TEST_F(AsyncTest, TextAndBlobArgumentsAreKeptUntilTheyAreUsed) {
  Barrier barrier;
  std::vector<Pending<int>> held = hold_reads(barrier);
  auto text = std::make_unique<std::string>("some text that is not short");
  auto bytes = std::make_unique<std::string>("\0\1\2", 3);
  using Row = std::tuple<std::string, std::int64_t, std::optional<int>>;
  Pending<std::vector<Row>> pending =
      store_->fetch<Row>("SELECT ?, length(?), ?", std::string_view(*text), Blob{*bytes}, std::optional<int>());
  text.reset();
  bytes.reset();
  barrier.open();
  for (Pending<int>& each : held) EXPECT_TRUE(std::move(each).get().ok());
  const auto rows = std::move(pending).get();
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(rows->front(), Row("some text that is not short", 3, std::nullopt));
}

TEST_F(AsyncTest, ThreadsAsExecutor) {
  std::atomic<int> answered{0};
  {
    ThreadExecutor threads(2);
    CallOptions options;
    options.executor = &threads;
    for (int i = 0; i < 50; ++i) add(std::to_string(i), options).then([&](auto result) { answered += result.ok(); });
    while (store_->stats().calls_in_flight > 0) std::this_thread::yield();
  }
  EXPECT_EQ(answered, 50);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Somebody else's process uses the file with other tools: it holds the write lock, wants the file for itself alone, or
// checkpoints all the time. Calls keep their deadlines, nobody starves, and nobody hears of "busy" before his time.
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds held_for{40};
constexpr milliseconds slack{1500};  // of a busy machine, with sanitizers

// Begins when it is told how.
[[noreturn]] void disturb(const std::string& path, int orders) {
  void (*how)(sqlite3*) = nullptr;
  if (::read(orders, &how, sizeof how) != sizeof how) ::_exit(1);
  sqlite3* handle = nullptr;
  if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) ::_exit(1);
  sqlite3_busy_timeout(handle, 1000);
  for (;;) how(handle);
}

void run(sqlite3* handle, const char* sql) { sqlite3_exec(handle, sql, nullptr, nullptr, nullptr); }
void hold_write_lock(sqlite3* handle) {
  run(handle, "BEGIN IMMEDIATE");
  ::usleep(static_cast<useconds_t>(held_for.count() * 1000));
  run(handle, "ROLLBACK");
  ::usleep(2000);
}
void want_it_alone(sqlite3* handle) {
  run(handle, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; SELECT count(*) FROM t");
  ::usleep(static_cast<useconds_t>(held_for.count() * 1000));
  run(handle, "ROLLBACK; PRAGMA locking_mode=NORMAL; SELECT count(*) FROM t");
  ::usleep(2000);
}
void checkpoint(sqlite3* handle) { run(handle, "PRAGMA wal_checkpoint(RESTART)"); }
void hold_for_ever(sqlite3* handle) {
  run(handle, "BEGIN IMMEDIATE");
  for (;;) ::pause();
}

class BusyStormTest : public testing::Test {
 protected:
  void SetUp() override {
    // Before there are threads whose locks it would inherit.
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    other_ = ::fork();
    if (other_ == 0) {
      ::close(ends[1]);
      disturb(folder_.path("storm.db"), ends[0]);
    }
    ::close(ends[0]);
    orders_ = ends[1];
    Store::Options how;
    how.path = folder_.path("storm.db");
    how.schema = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, body TEXT)";
    how.checkpoint_bytes = 64 << 10;
    how.busy_timeout = busy_timeout();
    auto opened = Store::open(how);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
    ASSERT_TRUE(put(0).ok());
  }
  void TearDown() override {
    calm();
    ::close(orders_);
    store_.reset();
  }
  virtual milliseconds busy_timeout() const { return milliseconds(10'000); }
  void storm(void (*how)(sqlite3*)) const {
    ASSERT_EQ(::write(orders_, &how, sizeof how), static_cast<ssize_t>(sizeof how));
  }
  void calm() {
    if (other_ <= 0) return;
    ::kill(other_, SIGKILL);
    ::waitpid(other_, nullptr, 0);
    other_ = -1;
  }
  Status put(std::int64_t id) {
    return store_->write([id](Tx& tx) -> Status {
      const auto done = tx.exec("INSERT OR REPLACE INTO t VALUES(?, ?)", id, std::string(500, 'b'));
      return done.ok() ? success() : Status(done.error());
    });
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  pid_t other_ = -1;
  int orders_ = -1;
};

struct StormCase {
  const char* name;
  void (*how)(sqlite3*);
};
class BusyStormKindTest : public BusyStormTest, public testing::WithParamInterface<StormCase> {};

TEST_P(BusyStormKindTest, NobodyStarvesAndNobodyHearsOfIt) {
  storm(GetParam().how);
  const auto until = Clock::now() + milliseconds(1200);
  std::vector<std::vector<milliseconds>> waits(4);
  std::atomic<int> failed{0};
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < waits.size(); ++i) {
    callers.emplace_back([&, i] {
      for (std::int64_t id = static_cast<std::int64_t>(i); Clock::now() < until; id += 4) {
        const auto begun = Clock::now();
        const Status wrote = put(id % 200);
        const auto read =
            store_->read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM t WHERE id < 9"); });
        waits[i].push_back(std::chrono::duration_cast<milliseconds>(Clock::now() - begun));
        if (wrote.ok() && read.ok()) continue;
        ++failed;
        ADD_FAILURE() << (wrote.ok() ? read.error().message : wrote.error().message);
        return;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  std::vector<milliseconds> all;
  for (const auto& some : waits) {
    EXPECT_GE(some.size(), 2u) << "one caller was left out";
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  ASSERT_FALSE(all.empty());
  RecordProperty("p99_ms", static_cast<int>(all[all.size() * 99 / 100].count()));
  EXPECT_LT(all[all.size() * 99 / 100], 10 * held_for + slack);
  EXPECT_EQ(failed, 0);
}

INSTANTIATE_TEST_SUITE_P(Storage, BusyStormKindTest,
                         testing::Values(StormCase{"write_lock", hold_write_lock},
                                         StormCase{"exclusive", want_it_alone},
                                         StormCase{"restart_checkpoints", checkpoint}),
                         [](const auto& about) { return std::string(about.param.name); });

class BusyDeadlineTest : public BusyStormTest {
 protected:
  milliseconds busy_timeout() const override { return milliseconds(300); }
  // How long `call` took.
  template <typename F>
  static milliseconds time_of(const F& call) {
    const auto begun = Clock::now();
    call();
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  }
  void wait_until_locked() {
    while (put(1).ok()) std::this_thread::yield();
  }
};

TEST_F(BusyDeadlineTest, DeadlinesHoldWhileTheLockIsNeverGivenBack) {
  storm(hold_for_ever);
  wait_until_locked();
  Status done = success();
  const milliseconds write_took = time_of([&] { done = put(2); });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::busy);
  EXPECT_GE(write_took, milliseconds(290)) << "before its time";
  EXPECT_LT(write_took, milliseconds(300) + slack);

  // A call's own limit holds while it waits behind somebody who waits for the lock.
  std::thread first([&] { EXPECT_FALSE(put(3).ok()); });
  CallOptions limited;
  limited.limit = milliseconds(50);
  std::optional<Result<std::int64_t>> answer;
  const milliseconds call_took =
      time_of([&] { answer = store_->execute(limited, "UPDATE t SET body = 'late'").get(); });
  first.join();
  ASSERT_FALSE(answer->ok());
  EXPECT_TRUE(answer->error().code == Code::timeout || answer->error().code == Code::busy);
  EXPECT_LT(call_took, milliseconds(300) + slack);

  // Readers do not care.
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(store_->read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM t"); }).ok());

  calm();
  EXPECT_TRUE(put(4).ok()) << "after the storm";
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// A process is killed at a random moment while it works on a store, again and again: what it told its parent is there,
// the file is sound, and of everything else only whole jobs are there. TAPEWATCH_KILL_ROUNDS: how often each (20).
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

using Ids = std::set<std::int64_t>;

int rounds() {
  const char* const asked = std::getenv("TAPEWATCH_KILL_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr ? std::max(1, std::atoi(asked)) : 20;
}

Store::Options options_for(const std::string& path) {
  Store::Options out;
  out.path = path;
  out.schema = "CREATE TABLE IF NOT EXISTS t(id INTEGER, part INTEGER, body BLOB, PRIMARY KEY(id, part)) WITHOUT ROWID";
  out.idle_checkpoint = std::chrono::milliseconds(1);
  return out;
}

// Tells the parent; whole or not at all.
void acknowledge(int to, std::int64_t id) {
  if (::write(to, &id, sizeof id) != sizeof id) ::_exit(2);
}

// A job of two rows.
Store::Job job(std::int64_t id) {
  return [id](Tx& tx) -> Status {
    for (int part = 0; part < 2; ++part) {
      const auto done = tx.exec("INSERT INTO t VALUES(?, ?, randomblob(?))", id, part, 50 + id * 37 % 3000);
      if (!done.ok()) return done.error();
    }
    return success();
  };
}

// Works for ever. `next` is the first id that nobody used.
using Work = void (*)(Store& store, std::int64_t next, int acks);

void write_in_turns(Store& store, std::int64_t next, int acks) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&store, next, acks, i] {
      for (std::int64_t id = next + i;; id += 4) {
        if (!store.write(job(id), id % 3 == 0 ? Durability::durable : Durability::fast).ok()) ::_exit(3);
        acknowledge(acks, id);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
}

void submit_without_waiting(Store& store, std::int64_t next, int acks) {
  std::atomic<int> open{0};
  for (std::int64_t id = next;; ++id) {
    ++open;
    const Status queued = store.submit(job(id), Durability::fast, [&open, acks, id](const Status& done) {
      if (!done.ok()) ::_exit(3);
      acknowledge(acks, id);
      --open;
    });
    if (!queued.ok()) ::_exit(3);
    while (open >= 64) std::this_thread::yield();
  }
}

// Groups in which every third job fails after its first row: of that nothing may be left.
void commit_in_groups(Store& store, std::int64_t next, int acks) {
  for (std::int64_t id = next;; id += 30) {
    std::vector<std::pair<std::int64_t, Pending<int>>> group;
    for (std::int64_t k = id; k < id + 30; ++k) {
      CallOptions how;
      how.durability = k % 2 == 0 ? Durability::durable : Durability::fast;
      group.emplace_back(k, store.async_write(
                                [k](Tx& tx) -> Result<int> {
                                  Status done = job(k)(tx);
                                  if (!done.ok()) return std::move(done).error();
                                  if (k % 3 == 0) return Error{Code::invalid, "not this one"};
                                  return 1;
                                },
                                how));
    }
    for (auto& [k, pending] : group) {
      if (std::move(pending).get().ok() != (k % 3 != 0)) ::_exit(3);
      if (k % 3 != 0) acknowledge(acks, k);
    }
  }
}

struct KillCase {
  const char* name;
  Work work;
  std::int64_t checkpoint_bytes;
  bool read_meanwhile;
};

class StoreKillTest : public testing::TestWithParam<KillCase> {
 protected:
  Store::Options options() const {
    Store::Options out = options_for(folder_.path("killed.db"));
    out.checkpoint_bytes = GetParam().checkpoint_bytes;
    out.truncate_bytes = 4 * GetParam().checkpoint_bytes;
    return out;
  }
  [[noreturn]] void live(std::int64_t next, int acks) const {
    const auto store = Store::open(options());
    if (!store.ok()) ::_exit(1);
    std::thread reader;
    if (GetParam().read_meanwhile) {
      reader = std::thread([&] {
        for (;;)
          static_cast<void>(
              store.value()->read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM t"); }).ok());
      });
    }
    GetParam().work(*store.value(), next, acks);
    ::_exit(4);
  }
  // Kills a child so long after its first acknowledgement; everything that it told goes into `told`.
  void run_and_kill(std::int64_t next, std::chrono::microseconds after, Ids& told) const {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) live(next, ends[1]);
    ::close(ends[1]);
    std::int64_t id = 0;
    ASSERT_EQ(::read(ends[0], &id, sizeof id), static_cast<ssize_t>(sizeof id)) << "the child ended by itself";
    told.insert(id);
    std::thread killer([&] {
      std::this_thread::sleep_for(after);
      ::kill(child, SIGKILL);
    });
    while (::read(ends[0], &id, sizeof id) == static_cast<ssize_t>(sizeof id)) told.insert(id);
    killer.join();
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
    ::close(ends[0]);
  }
  void check(const Ids& told, std::int64_t& next) const {
    const auto store = Store::open(options());
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto sound = store.value()->read([](Reader& r) { return r.first<std::string>("PRAGMA integrity_check"); });
    ASSERT_TRUE(sound.ok());
    EXPECT_EQ(sound.value(), "ok");
    using Row = std::tuple<std::int64_t, std::int64_t>;
    const auto rows = store.value()->read(
        [](Reader& r) { return r.query<Row>("SELECT id, count(*) FROM t GROUP BY id ORDER BY id"); });
    ASSERT_TRUE(rows.ok());
    Ids there;
    for (const auto& [id, parts] : rows.value()) {
      EXPECT_EQ(parts, 2) << "half of job " << id;
      there.insert(id);
    }
    for (const std::int64_t id : told)
      EXPECT_TRUE(there.contains(id)) << "job " << id << " was acknowledged and is gone";
    if (!there.empty()) next = *there.rbegin() + 100;
  }
  const TemporaryFolder folder_;
};

TEST_P(StoreKillTest, LosesNothingThatWasAcknowledged) {
  std::mt19937 random(5);
  Ids told;
  std::int64_t next = 1;
  for (int round = 0; round < rounds() && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    run_and_kill(next, std::chrono::microseconds(random() % 40'000), told);
    if (!HasFatalFailure()) check(told, next);
  }
  EXPECT_GT(told.size(), 10u);
}

INSTANTIATE_TEST_SUITE_P(Storage, StoreKillTest,
                         testing::Values(KillCase{"sync", write_in_turns, 16 << 20, false},
                                         KillCase{"async", submit_without_waiting, 16 << 20, false},
                                         KillCase{"group", commit_in_groups, 16 << 20, false},
                                         KillCase{"checkpoint", write_in_turns, 40 << 10, false},
                                         KillCase{"checkpoint_while_read", submit_without_waiting, 40 << 10, true}),
                         [](const auto& about) { return std::string(about.param.name); });

// Step k makes the table m<k>, fills it with SQL, and goes over it with a closure.
std::vector<Migration> steps(std::int64_t count) {
  std::vector<Migration> out;
  for (std::int64_t k = 1; k <= count; ++k) {
    const std::string table = "m" + std::to_string(k);
    out.push_back({k, "fill " + table,
                   "CREATE TABLE " + table +
                       "(i INTEGER PRIMARY KEY, seen INTEGER DEFAULT 0); WITH RECURSIVE n(i) AS"
                       " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO " +
                       table + "(i) SELECT i FROM n",
                   [table](Tx& tx) -> Status {
                     const auto done = tx.exec("UPDATE " + table + " SET seen = i");
                     return done.ok() ? success() : Status(done.error());
                   }});
  }
  return out;
}

std::int64_t recorded_version(const std::string& path) {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::int64_t version = -1;
  if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
      sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW)
    version = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  return version;
}

// Applies one step more at each opening.
[[noreturn]] void migrate_until_killed(const std::string& path, std::int64_t from, int acks) {
  for (std::int64_t count = from;; ++count) {
    Store::Options how = options_for(path);
    how.migrations = steps(count);
    if (!Store::open(std::move(how)).ok()) ::_exit(1);
    acknowledge(acks, count);
  }
}

TEST(StoreKill, AMigrationIsThereWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::string path = folder.path("migrated.db");
  std::mt19937 random(6);
  std::int64_t told = 0;
  for (int round = 0; round < rounds() && !testing::Test::HasFailure(); ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) migrate_until_killed(path, told + 1, ends[1]);
    ::close(ends[1]);
    std::int64_t count = 0;
    ASSERT_EQ(::read(ends[0], &count, sizeof count), static_cast<ssize_t>(sizeof count));
    ::usleep(static_cast<useconds_t>(random() % 30'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    do told = std::max(told, count);
    while (::read(ends[0], &count, sizeof count) == static_cast<ssize_t>(sizeof count));
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ends[0]);
    const std::int64_t version = recorded_version(path);
    EXPECT_GE(version, told);
    EXPECT_LE(version, told + 1);
    Store::Options how = options_for(path);
    how.migrations = steps(version);
    const auto store = Store::open(std::move(how));
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto number = [&](const std::string& sql) {
      const auto found = store.value()->read([&](Reader& r) { return r.first<std::int64_t>(sql); });
      return found.ok() ? found.value().value_or(-1) : -2;
    };
    EXPECT_EQ(number("SELECT count(*) FROM _migrations"), version);
    EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'm[0-9]*'"), version);
    for (std::int64_t k = 1; k <= version; ++k)
      EXPECT_EQ(number("SELECT sum(seen) FROM m" + std::to_string(k)), 3000 * 3001 / 2);
    told = version;
  }
}

}  // namespace
}  // namespace tapewatch

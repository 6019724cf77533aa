// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "fake/folder.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;

class WalTest : public testing::Test {
 protected:
  Store::Options options() const {
    Store::Options out;
    out.path = folder_.path("wal.db");
    out.schema = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, body BLOB)";
    out.checkpoint_bytes = 256 << 10;
    out.truncate_bytes = 1 << 20;
    out.wal_bytes_max = 4 << 20;
    out.quiet_wait_max = milliseconds(20);
    out.idle_checkpoint = milliseconds(10);
    return out;
  }
  void open(const Store::Options& how) {
    Result<std::unique_ptr<Store>> opened = Store::open(how);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
  }
  Status put(std::int64_t id) {
    return store_->write([id](Tx& tx) -> Status {
      const auto done = tx.exec("INSERT OR REPLACE INTO t VALUES(?, zeroblob(32768))", id % 50);
      return done.ok() ? success() : Status(done.error());
    });
  }
  std::int64_t wal_on_disk() const {
    struct stat about {};
    return ::stat(folder_.path("wal.db-wal").c_str(), &about) == 0 ? about.st_size : -1;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(WalTest, ReadersThatOverlapDoNotKeepTheLogFromBeingCut) {
  Store::Options how = options();
  how.quiet_wait_max = milliseconds(500);
  open(how);
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto sum =
            store_->read([](Reader& r) { return r.first<std::int64_t>("SELECT sum(length(body)) FROM t"); });
        if (!sum.ok()) ++refused;
      }
    });
  }
  std::int64_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    // A busy machine may not let the readers end in time: then the bound holds, and the writer tries again.
    for (Status done = put(i); !done.ok(); done = put(i)) ASSERT_EQ(done.error().code, Code::wal_full);
    most = std::max(most, store_->stats().wal_file_bytes);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(most, (4 << 20) + (1 << 20));  // of 32 MiB written
  EXPECT_EQ(refused, 0);
}

TEST_F(WalTest, AReaderThatNeverEndsStopsTheWritersAtTheBoundAndNotBefore) {
  Store::Options how = options();
  how.read_age_max = milliseconds(60'000);
  open(how);
  ASSERT_TRUE(put(0).ok());
  std::atomic<bool> reading{false};
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    const auto held = store_->read([&](Reader& r) -> Result<int> {
      const auto first = r.first<std::int64_t>("SELECT count(*) FROM t");
      reading = first.ok();
      while (!stop) std::this_thread::yield();
      return 1;
    });
    EXPECT_TRUE(held.ok());
  });
  while (!reading) std::this_thread::yield();
  Status last = success();
  int written = 0;
  for (; written < 1000 && last.ok(); ++written) last = put(written);
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, Code::wal_full);
  EXPECT_GT(written, 80);
  EXPECT_LT(wal_on_disk(), 6 << 20);
  const Store::Stats stats = store_->stats();
  EXPECT_GE(stats.wal_refused, 1);
  EXPECT_GE(stats.checkpoints_blocked, 1);
  EXPECT_GE(stats.checkpoints_quiet, 1);
  EXPECT_GT(stats.oldest_read_age_ns, 0);
  // Whoever reads what is there is served all the same.
  EXPECT_TRUE(store_->read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM t"); }).ok());
  stop = true;
  reader.join();
  while (!put(1).ok()) std::this_thread::yield();
  while (store_->stats().wal_file_bytes > 0) std::this_thread::yield();
  EXPECT_EQ(wal_on_disk(), 0);
}

TEST_F(WalTest, AStreamLetsGoOfItsSnapshotWhenTheLogIsLong) {
  Store::Options how = options();
  open(how);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(put(i).ok());
  StreamOptions keyed;
  keyed.key_columns = 1;
  keyed.batch_bytes = 1;
  Stream<std::int64_t> stream = store_->stream<std::int64_t>(keyed, "SELECT id FROM t WHERE id > ? ORDER BY id", -1);
  RowBatch<std::int64_t> batch;
  ASSERT_TRUE(stream.next(batch).value());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(put(i).ok());
  ASSERT_TRUE(stream.next(batch).value());
  EXPECT_EQ(batch.rows()[0], 1);
  EXPECT_GT(stream.snapshots(), 1);
}

struct VersionCase {
  int version;
  bool unsafe;
};
class VersionTest : public testing::TestWithParam<VersionCase> {};
TEST_P(VersionTest, KnowsWhichVersionsLoseCommits) {
  EXPECT_EQ(Store::wal_reset_unsafe(GetParam().version), GetParam().unsafe);
}
INSTANTIATE_TEST_SUITE_P(Wal, VersionTest,
                         testing::Values(VersionCase{3006023, false}, VersionCase{3007000, true},
                                         VersionCase{3040001, true}, VersionCase{3044005, true},
                                         VersionCase{3044006, false}, VersionCase{3045000, true},
                                         VersionCase{3050006, true}, VersionCase{3050007, false},
                                         VersionCase{3051000, true}, VersionCase{3051002, true},
                                         VersionCase{3051003, false}, VersionCase{3053002, false}));

TEST_F(WalTest, ASecondWriterIsRefusedWhereSqliteCannotBearIt) {
  Store::Options how = options();
  how.sole_writer = false;
  const auto shared = Store::open(how);
  EXPECT_EQ(shared.ok(), !Store::wal_reset_unsafe(Store::sqlite_version_number()));
  if (!shared.ok()) {
    EXPECT_EQ(shared.error().code, Code::unsupported);
  }
}

// The owner's lock holds while its process is stopped, and goes with it when it is killed.
TEST_F(WalTest, TheOwnerIsOneProcessAndItsLockDiesWithIt) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const Store::Options how = options();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = Store::open(how);
    const char answer = store.ok() ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(2);
    for (;;) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  ASSERT_EQ(::kill(child, SIGSTOP), 0);
  const auto second = Store::open(how);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::busy);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(Store::open(how).ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace tapewatch

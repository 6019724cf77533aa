// SPDX-License-Identifier: Apache-2.0
// Every call that changes a file fails once, at each of its places: nothing hangs, whatever was reported as written is
// there afterwards, and the file is sound.
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "fake/folder.h"
#include "fake/sqlite_vfs.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

struct FaultCase {
  const char* name;
  HookedVfs::Call call;
  int code;
  bool for_good;  // from then on every such call fails
};

class FaultTest : public testing::TestWithParam<FaultCase> {
 protected:
  static constexpr int writes = 6;

  Store::Options options() const {
    Store::Options out;
    out.path = folder_->path("fault.db");
    out.schema = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, body BLOB)";
    out.checkpoint_bytes = 64 << 10;
    out.truncate_bytes = 256 << 10;
    out.busy_timeout = std::chrono::milliseconds(20);
    out.idle_checkpoint = std::chrono::milliseconds(1);
    return out;
  }
  static Status put(Store& store, std::int64_t id) {
    return store.write(
        [id](Tx& tx) -> Status {
          const auto done = tx.exec("INSERT INTO t VALUES(?, randomblob(30000))", id);
          return done.ok() ? success() : Status(done.error());
        },
        id % 2 == 0 ? Durability::durable : Durability::fast);
  }
  // What a run that meets the fault at the n-th call reported as written.
  std::set<std::int64_t> run(int n) {
    std::atomic<int> calls{0};
    const HookedVfs vfs([&](HookedVfs::Call call, const char*) {
      if (call != GetParam().call) return SQLITE_OK;
      const int now = ++calls;
      return now == n || (GetParam().for_good && now > n) ? GetParam().code : SQLITE_OK;
    });
    std::set<std::int64_t> written;
    {
      Result<std::unique_ptr<Store>> store = Store::open(options());
      bool sync_failed = false;
      for (std::int64_t id = 0; store.ok() && id < writes; ++id) {
        const Status done = put(*store.value(), id);
        if (done.ok()) {
          written.insert(id);
          EXPECT_FALSE(sync_failed) << "a commit after a failed sync";
        } else if (done.error().message.find("open the store again") != std::string::npos) {
          sync_failed = true;
          refused_ = true;
        }
        (void)store.value()->read([](Reader& r) { return r.first<std::int64_t>("SELECT count(*) FROM t"); });
      }
    }
    met_ = calls >= n;
    return written;
  }
  void check(const std::set<std::int64_t>& written) {
    const auto store = Store::open(options());
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto ids = store.value()->read([](Reader& r) { return r.query<std::int64_t>("SELECT id FROM t"); });
    ASSERT_TRUE(ids.ok()) << ids.error().message;
    const std::set<std::int64_t> there(ids->begin(), ids->end());
    for (const std::int64_t id : written) EXPECT_TRUE(there.contains(id)) << id;
    const auto sound = store.value()->read([](Reader& r) { return r.first<std::string>("PRAGMA integrity_check"); });
    EXPECT_EQ(sound.value(), "ok");
    EXPECT_TRUE(put(*store.value(), 1000).ok());
  }

  std::unique_ptr<TemporaryFolder> folder_;
  bool met_ = true;
  bool refused_ = false;  // a write, because a sync had failed
};

TEST_P(FaultTest, WhatWasReportedIsThereAndTheFileIsSound) {
  int n = 1;
  for (; n < 300; ++n) {
    SCOPED_TRACE(n);
    folder_ = std::make_unique<TemporaryFolder>("/dev/shm");  // where a sync costs nothing
    const std::set<std::int64_t> written = run(n);
    check(written);
    if (!met_ || HasFailure()) break;
    // Every place at first, then some of them.
    if (n > 24) n += n / 3;
  }
  EXPECT_GT(n, 1);
  EXPECT_EQ(refused_, GetParam().code == SQLITE_IOERR_FSYNC);
}

INSTANTIATE_TEST_SUITE_P(Storage, FaultTest,
                         testing::Values(FaultCase{"write", HookedVfs::Call::write, SQLITE_IOERR_WRITE, false},
                                         FaultCase{"full", HookedVfs::Call::write, SQLITE_FULL, false},
                                         FaultCase{"full_for_good", HookedVfs::Call::write, SQLITE_FULL, true},
                                         FaultCase{"sync", HookedVfs::Call::sync, SQLITE_IOERR_FSYNC, false},
                                         FaultCase{"read", HookedVfs::Call::read, SQLITE_IOERR_READ, false},
                                         FaultCase{"truncate", HookedVfs::Call::truncate, SQLITE_IOERR_TRUNCATE, true},
                                         FaultCase{"shm", HookedVfs::Call::shm_map, SQLITE_IOERR_SHMMAP, false},
                                         FaultCase{"open", HookedVfs::Call::open, SQLITE_CANTOPEN, false}),
                         [](const auto& about) { return std::string(about.param.name); });

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// The power goes while a log store is written to, with and without somebody who reads and so keeps files from being
// closed: afterwards the positions tell exactly what is there, and feeding on from them neither loses nor doubles.
#include <gtest/gtest.h>

#include <atomic>

#include "base/clock.h"
#include "fake/folder.h"
#include "fake/log.h"
#include "fake/power_cut_vfs.h"
#include "tapewatch/log_store.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t line_bytes = 100;
constexpr std::uint64_t file = 7;

std::string line(std::uint64_t i) {
  return "{\"n\":" + std::to_string(i) + ",\"text\":\"" + std::string(i * 37 % 300, 'x') + "\"}";
}

// A read transaction by hand on the segment that is written to now.
class Pin final {
 public:
  explicit Pin(const std::string& path) {
    if (sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READONLY, "power_cut") == SQLITE_OK)
      sqlite3_exec(handle_, "BEGIN; SELECT count(*) FROM blocks", nullptr, nullptr, nullptr);
  }
  ~Pin() { sqlite3_close(handle_); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  sqlite3* handle_ = nullptr;
};

// TAPEWATCH_POWER_CUTS, or 25.
std::uint32_t cuts() {
  const char* const asked = std::getenv("TAPEWATCH_POWER_CUTS");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr ? static_cast<std::uint32_t>(std::max(1, std::atoi(asked))) : 25;
}

class LogStorePowerCutTest : public testing::TestWithParam<bool> {
 protected:
  LogStore::Options options() const {
    LogStore::Options out;
    out.folder = folder_.path("store");
    out.keep_ids = true;
    out.block_bytes = 2 * 1024;
    out.commit_bytes = 4 * 1024;
    out.idle_commit_bytes = 1;
    out.segment_bytes_max = 48 * 1024;
    out.checkpoint_bytes = 24 * 1024;
    out.recent_bytes = 4 * 1024;
    return out;
  }
  // Until the power goes; from where the store says that it is.
  void feed(LogStore& store, PowerCutVfs& vfs) {
    std::uint64_t next = position(store) / line_bytes;
    std::unique_ptr<Pin> pin;
    for (int batches = 0; !vfs.is_cut(); ++batches) {
      LogBatch batch;
      for (std::uint64_t k = next; k < next + 10; ++k) {
        LogRecord record;
        record.id_high = k;
        record.file = file;
        record.offset = k * line_bytes;
        batch.add(record, line(k));
      }
      next += 10;
      batch.sources.push_back({file, next * line_bytes});
      ASSERT_TRUE(store.append(std::move(batch), nullptr).ok());
      if (!store.flush().ok()) return;
      if (GetParam() && batches == 3) pin = std::make_unique<Pin>(newest_segment());
    }
  }
  static std::uint64_t position(const LogStore& store) {
    const auto known = store.committed_positions().find(file);
    return known == store.committed_positions().end() ? 0 : known->second;
  }
  std::string newest_segment() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path("store"))) {
      if (entry.path().string().ends_with(".db")) newest = std::max(newest, entry.path().string());
    }
    return newest;
  }
  // Every line up to the position is there once, and none beyond it.
  void check(LogStore& store) {
    EXPECT_EQ(store.stats().segments_quarantined, 0) << log_.first();
    SearchLimits limits;
    limits.results_max = 1'000'000;
    limits.bytes_max = std::size_t{1} << 30;
    const auto all = store.search(Query(), {}, limits);
    ASSERT_TRUE(all.ok() && all->complete);
    EXPECT_EQ(all->damaged_blocks, 0);
    ASSERT_EQ(all->documents.size() * line_bytes, position(store));
    std::uint64_t expected = all->documents.size();
    for (const LogDocument& document : all->documents) {
      ASSERT_EQ(document.id_high, --expected);
      ASSERT_EQ(document.json, line(expected));
    }
  }

  const TemporaryFolder folder_;
  const SystemClock clock_{};
  CapturedLog log_;
};

TEST_P(LogStorePowerCutTest, PositionsAndBlocksAgree) {
  std::mt19937 random(11);
  for (std::uint32_t cut = 0; cut < cuts() && !HasFailure(); ++cut) {
    SCOPED_TRACE(cut);
    PowerCutVfs vfs(cut, PowerCutVfs::Names::on_disk);
    std::filesystem::remove_all(folder_.path("store"));
    for (int life = 0; life < 3 && !HasFailure(); ++life) {
      SCOPED_TRACE(life);
      vfs.cut_after(static_cast<int>(random() % 1500));
      {
        const auto store = LogStore::open(options(), clock_, log_);
        if (store.ok()) feed(*store.value(), vfs);
      }
      vfs.restore();
      const auto store = LogStore::open(options(), clock_, log_);
      ASSERT_TRUE(store.ok()) << store.error().message;
      check(*store.value());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Storage, LogStorePowerCutTest, testing::Bool(),
                         [](const auto& about) { return about.param ? "read_meanwhile" : "alone"; });

}  // namespace
}  // namespace tapewatch

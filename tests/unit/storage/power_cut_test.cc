// SPDX-License-Identifier: Apache-2.0
// The power goes at every kind of moment: what was reported as durable is there, the file is sound, and of what was not
// only whole jobs are there, without a gap.
#include <gtest/gtest.h>

#include "fake/folder.h"
#include "fake/power_cut_vfs.h"
#include "tapewatch/storage.h"

namespace tapewatch {
namespace {

struct CutCase {
  const char* name;
  Durability durability;
  int cuts;
};

class PowerCutTest : public testing::TestWithParam<CutCase> {
 protected:
  Store::Options options() const {
    Store::Options out;
    out.path = folder_.path("cut.db");
    out.schema = "CREATE TABLE IF NOT EXISTS t(id INTEGER, part INTEGER, body BLOB, PRIMARY KEY(id, part))";
    out.checkpoint_bytes = 100 << 10;  // often
    out.truncate_bytes = 400 << 10;
    out.idle_checkpoint = std::chrono::milliseconds(1);
    out.busy_timeout = std::chrono::milliseconds(10);
    return out;
  }
  // A job of two rows.
  Status put(Store& store, std::int64_t id) {
    return store.write(
        [id](Tx& tx) -> Status {
          for (int part = 0; part < 2; ++part) {
            const auto done = tx.exec("INSERT INTO t VALUES(?, ?, randomblob(?))", id, part, 100 + id * 37 % 9000);
            if (!done.ok()) return done.error();
          }
          return success();
        },
        GetParam().durability);
  }
  const TemporaryFolder folder_;
};

// As the case says, or TAPEWATCH_POWER_CUTS.
int cuts(const CutCase& about) {
  const char* const asked = std::getenv("TAPEWATCH_POWER_CUTS");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr ? std::max(1, std::atoi(asked)) : about.cuts;
}

TEST_P(PowerCutTest, NothingThatWasReportedDurableIsLostAndTheFileIsSound) {
  std::mt19937 random(7);
  for (int cut = 0; cut < cuts(GetParam()) && !HasFailure(); ++cut) {
    SCOPED_TRACE(cut);
    PowerCutVfs vfs(static_cast<std::uint32_t>(cut));
    std::int64_t next = 0;
    std::int64_t reported = 0;
    for (int life = 0; life < 2; ++life) {
      vfs.cut_after(static_cast<int>(random() % 400));
      {
        const auto store = Store::open(options());
        while (store.ok() && !vfs.is_cut()) {
          if (!put(*store.value(), next).ok()) break;
          reported = ++next;
        }
      }
      vfs.restore();
      const auto store = Store::open(options());
      ASSERT_TRUE(store.ok()) << store.error().message;
      const auto sound = store.value()->read([](Reader& r) { return r.first<std::string>("PRAGMA integrity_check"); });
      ASSERT_TRUE(sound.ok()) << sound.error().message;
      EXPECT_EQ(sound.value(), "ok");
      using Row = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
      const auto rows = store.value()->read([](Reader& r) {
        return r.first<Row>("SELECT count(*), count(DISTINCT id), coalesce(max(id) + 1, 0) FROM t");
      });
      ASSERT_TRUE(rows.ok());
      const auto [parts, jobs, end] = *rows.value();
      EXPECT_EQ(parts, 2 * jobs);
      EXPECT_EQ(jobs, end);
      if (GetParam().durability == Durability::durable) {
        EXPECT_GE(end, reported);
      }
      next = end;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Storage, PowerCutTest,
                         testing::Values(CutCase{"durable", Durability::durable, 60},
                                         CutCase{"fast", Durability::fast, 60}),
                         [](const auto& about) { return std::string(about.param.name); });

}  // namespace
}  // namespace tapewatch

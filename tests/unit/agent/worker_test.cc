// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <gtest/gtest.h>

#include "fake/clock.h"
#include "stages.h"
#include "unit/agent/block_of.h"

namespace tapewatch {
namespace {

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    config_.store.enabled = true;
    Stages::Outputs outputs;
    // On the worker's thread; read after join().
    outputs.store_batch = [this](StoreBatch batch) { events_ += batch.documents.records.size(); };
    stages_ = Stages::open(config_, metrics_, diagnostics_, std::move(outputs));
  }

  Config config_;
  AgentMetrics metrics_{"test"};
  Diagnostics diagnostics_;
  FakeClock clock_;
  std::size_t events_ = 0;
  std::unique_ptr<Stages> stages_;
};

TEST_F(WorkerTest, WorksOffWhatItWasGivenAndSealsIt) {
  Worker worker(stages_->pipeline(), clock_, 1 << 20);
  worker.start();
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(worker.put(block_of("{\"a\":1}\n", 8 * i)));
  worker.close();
  worker.join();
  EXPECT_EQ(events_, 100u) << "the clock stands still: closing seals";
  EXPECT_FALSE(worker.put(block_of("{\"a\":1}\n"))) << "closed";
}

TEST_F(WorkerTest, AFullMailboxGivesTheBlockBack) {
  Worker worker(stages_->pipeline(), clock_, 20);  // not started: nothing is taken out
  EXPECT_TRUE(worker.put(block_of("0123456789012345\n")));
  LineBlock block = block_of("9876543210\n");
  EXPECT_FALSE(worker.put(std::move(block)));
  EXPECT_EQ(block.size, 11u) << "still the caller's";  // NOLINT(bugprone-use-after-move)
  EXPECT_NE(block.bytes, nullptr);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Rules that wait for what does not come: the clock goes on from the newest event while the input is silent.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/timestamp.h"
#include "fake/clock.h"
#include "fake/folder.h"
#include "stages.h"
#include "worker.h"

namespace tapewatch {
namespace {

constexpr std::int64_t second = ns_per_second;
constexpr std::int64_t start_ns = 1'767'571'200 * second;  // 2026-01-05T00:00:00Z

constexpr const char* rule = R"(title: Heartbeat
id: 6a1f0f52-6c1e-4f0e-9d5b-0d2f1a3c7e01
name: heartbeat
logsource: {product: tapewatch}
detection: {selection: {message: beat}, condition: selection}
---
title: No heartbeat
id: 6a1f0f52-6c1e-4f0e-9d5b-0d2f1a3c7e02
level: high
correlation:
  type: event_count
  rules: [heartbeat]
  timespan: 1m
  condition: {lt: 1}
)";

class SilenceTest : public testing::Test {
 protected:
  SilenceTest() {
    folder_.write("rules.yaml", rule);
    config_.rules.include = {folder_.path("rules.yaml")};
    config_.store.enabled = true;
    Stages::Outputs outputs;
    outputs.alerts = [this](const std::vector<Alert>& alerts) {
      for (const Alert& alert : alerts) alerts_.push_back(alert.time_ns);
      told_ += alerts.size();
    };
    outputs.store_batch = [this](StoreBatch batch) { stored_ += batch.documents.records.size(); };
    stages_ = Stages::open(config_, metrics_, diagnostics_, std::move(outputs));
    EXPECT_FALSE(diagnostics_.has_errors()) << diagnostics_.render(false);
  }
  // A line of this event time (seconds from the start), read at this steady time.
  static LineBlock line(std::int64_t event_s, std::int64_t read_s) {
    const std::string text =
        "{\"@timestamp\":\"" + format_rfc3339(start_ns + event_s * second) + "\",\"message\":\"beat\"}\n";
    auto source = std::make_shared<SourceFile>();
    source->file = 1;
    LineBlock block;
    block.source = source;
    block.bytes = std::make_unique_for_overwrite<char[]>(text.size());
    std::memcpy(block.bytes.get(), text.data(), text.size());
    block.size = block.end = text.size();
    block.read_ns = read_s * second;
    return block;
  }
  std::vector<std::int64_t> seconds() const {
    std::vector<std::int64_t> out;
    for (const std::int64_t at : alerts_) out.push_back((at - start_ns) / second);
    return out;
  }
  using Seconds = std::vector<std::int64_t>;

  TemporaryFolder folder_;
  Config config_;
  AgentMetrics metrics_{"1"};
  Diagnostics diagnostics_;
  std::vector<std::int64_t> alerts_;  // of the worker's thread while it runs
  std::atomic<std::size_t> told_ = 0;
  std::size_t stored_ = 0;
  std::unique_ptr<Stages> stages_;
};

TEST_F(SilenceTest, TheClockGoesOnFromTheNewestEvent) {
  Pipeline& pipeline = stages_->pipeline();
  pipeline.silent_until(1000 * second);  // no event yet: nothing to go on from
  pipeline.run(line(0, 1000));
  pipeline.run(line(50, 1001));
  // 50 + 60: the moment; 30 more, since events may come late.
  for (int s = 1002; s <= 1001 + 90; ++s) pipeline.silent_until(s * second);
  EXPECT_EQ(seconds(), Seconds{});
  pipeline.silent_until((1001 + 91) * second);
  EXPECT_EQ(seconds(), Seconds{110}) << "the moment itself, whatever the clock says";
  pipeline.silent_until(5000 * second);
  EXPECT_EQ(seconds(), Seconds{110}) << "told once";
  pipeline.run(line(5000, 6000));
  pipeline.silent_until((6000 + 92) * second);
  EXPECT_EQ(seconds(), (Seconds{110, 5060})) << "and again after it was false";
  pipeline.finish();
  EXPECT_EQ(stored_, 5u) << "three lines and two alerts";
}

TEST_F(SilenceTest, WithoutSilenceNothingIsNoticedByTheClock) {
  Pipeline& pipeline = stages_->pipeline();
  for (int s = 0; s < 600; s += 59) {
    pipeline.run(line(s, 1000 + s));
    pipeline.silent_until((1000 + s + 58) * second);
  }
  EXPECT_EQ(seconds(), Seconds{});
}

TEST_F(SilenceTest, MatchesAreCountedByRule) {
  stages_->pipeline().run(line(0, 1000));
  stages_->pipeline().run(line(1, 1000));
  EXPECT_EQ(stages_->detector()->matches_of(0), 2u);
  EXPECT_EQ(stages_->detector()->matches_of(1), 2u);
}

// The worker looks at the clock only behind everything that was put before the loop said so.
TEST_F(SilenceTest, TheWorkerWaitsUntilItIsBehindNoBlock) {
  FakeClock clock;
  Worker worker(stages_->pipeline(), clock, 1 << 20);
  ASSERT_TRUE(worker.put(line(0, 1000)));
  ASSERT_TRUE(worker.put(line(50, 1050)));
  worker.caught_up(1100 * second);  // behind the first block alone that would be silence enough
  worker.start();
  worker.close();
  worker.join();
  EXPECT_EQ(seconds(), Seconds{});
  EXPECT_EQ(stored_, 2u);
}

TEST_F(SilenceTest, TheWorkerTellsOfSilence) {
  FakeClock clock;
  Worker worker(stages_->pipeline(), clock, 1 << 20);
  worker.start();
  ASSERT_TRUE(worker.put(line(0, 1000)));
  worker.caught_up((1000 + 91) * second);
  const auto guard = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (told_ == 0 && std::chrono::steady_clock::now() < guard) std::this_thread::yield();
  worker.close();
  worker.join();
  EXPECT_EQ(seconds(), Seconds{60});
}

}  // namespace
}  // namespace tapewatch

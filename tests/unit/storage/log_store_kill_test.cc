// SPDX-License-Identifier: Apache-2.0
// A log store whose process is killed again and again while it is being written to.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "fake/folder.h"
#include "fake/log.h"
#include "tapewatch/log_store.h"

namespace tapewatch {
namespace {

constexpr std::uint64_t line_bytes = 100;

LogStore::Options options_for(const TemporaryFolder& folder) {
  LogStore::Options options;
  options.folder = folder.path("store");
  options.keep_ids = true;
  options.block_bytes = 8 * 1024;
  options.commit_bytes = 16 * 1024;
  options.idle_commit_bytes = 1;
  options.segment_bytes_max = 256 * 1024;
  return options;
}

std::string line(std::uint64_t i) { return "{\"n\":" + std::to_string(i) + ",\"text\":\"line of a file\"}"; }

// Feeds lines from where the store says it is, and writes to `acks` how far it came, after each commit.
[[noreturn]] void feed_until_killed(const LogStore::Options& options, int acks) {
  const SystemClock clock;
  CapturedLog log;
  auto store = LogStore::open(options, clock, log);
  if (!store.ok()) ::_exit(1);
  const auto& positions = store.value()->committed_positions();
  const auto known = positions.find(7);
  // Some lines too early: they are there already and must not be stored twice.
  const std::uint64_t committed = known != positions.end() ? known->second / line_bytes : 0;
  for (std::uint64_t i = committed > 30 ? committed - 30 : 0;; i += 25) {
    LogBatch batch;
    for (std::uint64_t k = i; k < i + 25; ++k) {
      LogRecord record;
      record.id_high = k;
      record.file = 7;
      record.offset = k * line_bytes;
      batch.add(record, line(k));
    }
    batch.sources.push_back({7, (i + 25) * line_bytes});
    const std::uint64_t end = i + 25;
    for (;;) {
      const Status queued = store.value()->append(std::move(batch), [acks, end](const Status& status) {
        if (!status.ok() || ::write(acks, &end, sizeof end) != sizeof end) ::_exit(2);
      });
      if (queued.ok()) break;
    }
  }
}

TEST(LogStoreKill, LosesNothingThatWasAcknowledgedAndDoublesNothing) {
  const TemporaryFolder folder;
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) feed_until_killed(options_for(folder), ends[1]);
    ::close(ends[1]);
    for (int answers = 0; answers < 40 + 17 * round; ++answers) {
      std::uint64_t end = 0;
      ASSERT_EQ(::read(ends[0], &end, sizeof end), static_cast<ssize_t>(sizeof end));
      acknowledged = std::max(acknowledged, end);
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ::close(ends[0]);
  }
  const SystemClock clock;
  CapturedLog log;
  const auto store = LogStore::open(options_for(folder), clock, log);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(store.value()->stats().segments_quarantined, 0);
  SearchLimits limits;
  limits.results_max = 10'000'000;
  limits.bytes_max = std::size_t{1} << 40;
  const auto all = store.value()->search(Query(), {}, limits);
  ASSERT_TRUE(all.ok() && all->complete);
  ASSERT_GE(all->documents.size(), acknowledged);
  std::uint64_t expected = all->documents.size();
  for (const LogDocument& document : all->documents) {
    ASSERT_EQ(document.id_high, --expected);
    ASSERT_EQ(document.json, line(expected));
  }
  EXPECT_EQ(store.value()->committed_positions().at(7), all->documents.size() * line_bytes);
}

}  // namespace
}  // namespace tapewatch

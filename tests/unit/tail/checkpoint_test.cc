// SPDX-License-Identifier: Apache-2.0
#include "tail/checkpoint.h"

#include <gtest/gtest.h>

#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

CheckpointEntry make_one(std::uint64_t n) {
  CheckpointEntry entry;
  entry.id = n;
  entry.input = "in";
  entry.path = "/var/log/trading/\xE6\xB3\xA8\xE6\x96\x87\n" + std::to_string(n) + ".log";
  entry.origin = "/var/log/trading/o.log";
  entry.key = {2049, n + 7};
  entry.head = {1024, n * 3};
  entry.committed = 1'000'000'000'000 + n;
  entry.marker = {64, n * 5};
  entry.size = entry.committed + 10;
  entry.mtime_ns = -5;
  entry.first_line = {n, ~n};
  entry.seen_wall_ns = 1'767'571'200'000'000'000;
  entry.finished = n % 2 == 1;
  return entry;
}

Checkpoint make_two() {
  Checkpoint checkpoint;
  checkpoint.generation = 12;
  checkpoint.written_wall_ns = 99;
  checkpoint.files = {make_one(1), make_one(2)};
  return checkpoint;
}

std::string slurp(const std::string& path) { return read_file(path, 1 << 20).value(); }

TEST(Checkpoint, RoundTrip) {
  const Checkpoint two = make_two();
  Result<Checkpoint> back = decode_checkpoint(encode_checkpoint(two));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->generation, 12u);
  EXPECT_EQ(back->written_wall_ns, 99);
  EXPECT_EQ(back->files, two.files);
}

TEST(Checkpoint, EveryFlippedByteEveryCutAndZeroesAreNoticed) {
  const std::string good = encode_checkpoint(make_two());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_FALSE(decode_checkpoint(bad).ok()) << i;
    }
    EXPECT_FALSE(decode_checkpoint(good.substr(0, i)).ok()) << i;
    EXPECT_FALSE(decode_checkpoint(std::string(i, '\0')).ok()) << i;
    EXPECT_FALSE(decode_checkpoint(good.substr(0, i) + std::string(good.size() - i, '\0')).ok()) << i;
  }
  EXPECT_FALSE(decode_checkpoint(good + "x").ok());
}

// The checksum keeps accidents out; what has a right checksum must still not be believed blindly.
TEST(Checkpoint, RightChecksumOverWrongContent) {
  const auto sealed = [](std::string body) {
    const std::uint32_t crc = crc32c(body);
    for (int i = 0; i < 4; ++i) body.push_back(static_cast<char>(crc >> (8 * i) & 0xFF));
    return body;
  };
  std::string body = encode_checkpoint(make_two());
  body.resize(body.size() - 4);
  EXPECT_TRUE(decode_checkpoint(sealed(body)).ok());
  EXPECT_FALSE(decode_checkpoint(sealed(body + "x")).ok());
  EXPECT_FALSE(decode_checkpoint(sealed(body.substr(0, body.size() - 1))).ok());
  std::string many = body;
  many.replace(24, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(decode_checkpoint(sealed(many)).ok());
  std::string newer = body;
  newer[4] = 2;
  EXPECT_EQ(decode_checkpoint(sealed(newer)).error().code, Code::unsupported);
}

class CheckpointFileTest : public testing::Test {
 protected:
  CheckpointFile file() { return {folder.path(), clock, log, 1 << 20}; }
  void save(std::uint64_t files) {
    CheckpointFile f = file();
    ASSERT_TRUE(f.load().ok());
    Checkpoint checkpoint;
    for (std::uint64_t i = 0; i < files; ++i) checkpoint.files.push_back(make_one(i));
    ASSERT_TRUE(f.save(checkpoint).ok());
  }
  TemporaryFolder folder{TailRig::memory_folder()};
  FakeClock clock;
  CapturedLog log;
};

TEST_F(CheckpointFileTest, FirstStartIsToldFromLoss) {
  Result<LoadedCheckpoint> loaded = file().load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_TRUE(loaded->first_start);
  EXPECT_FALSE(loaded->lost);
  save(0);
  loaded = file().load();
  EXPECT_FALSE(loaded->first_start);
}

TEST_F(CheckpointFileTest, NewestGenerationIsLoadedAndTheOneBeforeIsKept) {
  save(1);
  save(2);
  save(3);
  Result<LoadedCheckpoint> loaded = file().load();
  EXPECT_EQ(loaded->checkpoint.generation, 3u);
  EXPECT_EQ(loaded->checkpoint.files.size(), 3u);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"checkpoint", "checkpoint.prev"}));
  EXPECT_EQ(decode_checkpoint(slurp(folder.path("checkpoint.prev")))->files.size(), 2u);
  struct stat s {};
  ASSERT_EQ(::stat(folder.path("checkpoint").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
}

TEST_F(CheckpointFileTest, DamagedOneIsPutAsideAndThePreviousUsed) {
  save(1);
  save(2);
  const std::string good = slurp(folder.path("checkpoint"));
  for (std::size_t i = 0; i < good.size(); i += 7) {
    folder.write("checkpoint", good.substr(0, i));
    Result<LoadedCheckpoint> loaded = file().load();
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded->checkpoint.files.size(), 1u);
    EXPECT_FALSE(loaded->lost);
    EXPECT_FALSE(loaded->first_start);
    EXPECT_EQ(loaded->quarantined, (std::vector<std::string>{folder.path("checkpoint.corrupt-1767571200")}));
    EXPECT_EQ(slurp(loaded->quarantined[0]), good.substr(0, i));
  }
  EXPECT_TRUE(log.has("put aside"));
}

TEST_F(CheckpointFileTest, BothDamagedIsLossNeverAFirstStart) {
  save(1);
  save(2);
  folder.write("checkpoint", "");
  folder.write("checkpoint.prev", std::string(100, '\0'));
  Result<LoadedCheckpoint> loaded = file().load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_TRUE(loaded->lost);
  EXPECT_FALSE(loaded->first_start);
  EXPECT_EQ(loaded->quarantined.size(), 2u);
  EXPECT_TRUE(log.has("every file is read from its beginning"));
}

TEST_F(CheckpointFileTest, CrashAtAnyStepLeavesAWholeGeneration) {
  save(1);
  save(2);
  // Died while writing the next one.
  folder.write("checkpoint.new", "TWCPtorn");
  EXPECT_EQ(file().load()->checkpoint.files.size(), 2u);
  // Died after the previous one was unlinked.
  std::filesystem::remove(folder.path("checkpoint.prev"));
  EXPECT_EQ(file().load()->checkpoint.files.size(), 2u);
  // Where there are no hard links: died between the two renames.
  std::filesystem::rename(folder.path("checkpoint"), folder.path("checkpoint.prev"));
  EXPECT_EQ(file().load()->checkpoint.files.size(), 2u);
  save(3);
  EXPECT_EQ(file().load()->checkpoint.files.size(), 3u);
}

TEST_F(CheckpointFileTest, TooLargeIsPutAside) {
  folder.write("checkpoint", std::string(2 << 20, 'x'));
  Result<LoadedCheckpoint> loaded = file().load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_TRUE(loaded->lost);
}

TEST_F(CheckpointFileTest, UnreadableStateIsAnErrorNotAFirstStart) {
  std::filesystem::create_directory(folder.path("checkpoint"));
  EXPECT_FALSE(file().load().ok());
}

// What a damaged checkpoint means for the reading.
TEST(CheckpointStory, DamagedCheckpointGoesOnFromThePreviousOne) {
  TailRig rig;
  rig.input.start_at_end = true;
  rig.append("a.log", "old\n");
  rig.start();
  rig.append("a.log", "1\n");
  EXPECT_EQ(rig.scan_and_read().size(), 1u);
  ASSERT_TRUE(rig.tailer->commit(true).ok());
  rig.append("a.log", "2\n");
  EXPECT_EQ(rig.scan_and_read().size(), 1u);
  rig.stop();
  rig.state.write("checkpoint", "rubbish");
  rig.append("a.log", "3\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@6:2", "a.log@8:3"}));
  EXPECT_EQ(rig.tailer->stats().checkpoints_quarantined, 1u);
}

TEST(CheckpointStory, BothDamagedReadsFromTheBeginningNeverFromTheEnd) {
  TailRig rig;
  rig.input.start_at_end = true;
  rig.append("a.log", "old\n");
  rig.start();
  rig.stop();
  rig.state.write("checkpoint", "");
  rig.state.write("checkpoint.prev", "");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@0:old"}));
  EXPECT_EQ(rig.tailer->stats().checkpoints_lost, 1u);
}

TEST(CheckpointStory, VanishedFilesAreForgottenInTheEnd) {
  TailRig rig;
  rig.start_with("a.log", std::string(2000, 'a') + "\n");
  rig.remove("a.log");
  rig.scan();
  rig.clock.advance(std::chrono::hours(1));
  rig.scan();
  EXPECT_EQ(rig.tailer->stats().files_gone, 1u);
  rig.clock.advance(std::chrono::hours(24 * 8));
  for (int i = 0; i < 64; ++i) rig.scan();
  EXPECT_EQ(rig.tailer->stats().files_gone, 0u);
  ASSERT_TRUE(rig.tailer->commit(true).ok());
  EXPECT_TRUE(decode_checkpoint(slurp(rig.state.path("checkpoint")))->files.empty());
}

TEST(CheckpointStory, CommitWritesWhenDueAndOnlyWhenSomethingChanged) {
  TailRig rig;
  rig.append("a.log", "1\n");
  rig.start();
  rig.read();
  EXPECT_EQ(rig.tailer->stats().checkpoint_writes, 1u);
  rig.ack();
  EXPECT_TRUE(rig.tailer->commit(false).ok());
  EXPECT_EQ(rig.tailer->stats().checkpoint_writes, 1u);
  rig.clock.advance(std::chrono::milliseconds(500));
  EXPECT_TRUE(rig.tailer->commit(false).ok());
  EXPECT_EQ(rig.tailer->stats().checkpoint_writes, 2u);
  rig.clock.advance(std::chrono::seconds(10));
  EXPECT_TRUE(rig.tailer->commit(false).ok());
  EXPECT_EQ(rig.tailer->stats().checkpoint_writes, 2u);
  EXPECT_EQ(rig.tailer->stats().checkpoint_age_ns, 0);
}

}  // namespace
}  // namespace tapewatch

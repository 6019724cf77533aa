// SPDX-License-Identifier: Apache-2.0
#include "tail/tailer.h"

#include <gtest/gtest.h>

#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Tailer, DeliversWholeLinesOnceAndWaitsForTheLineEnd) {
  TailRig rig;
  rig.append("a.log", "one\ntwo\nthr");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@0:one", "a.log@4:two"}));
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  rig.append("a.log", "ee\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"a.log@8:three"}));
  EXPECT_EQ(rig.status("a.log").committed, 14u);
  EXPECT_EQ(rig.status("a.log").lag, 0u);
  EXPECT_EQ(rig.tailer->stats().read_bytes, 14u);
}

TEST(Tailer, StripsByteOrderMarkAndCarriageReturn) {
  TailRig rig;
  rig.append("a.log", "\xEF\xBB\xBFone\r\n\r\ntwo\r\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@0:one", "a.log@10:two"}));
}

TEST(Tailer, PartialLineAcrossRestartComesOnceAndWhole) {
  TailRig rig;
  rig.append("a.log", "one\nha");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@0:one"}));
  rig.stop();
  rig.append("a.log", "lf\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@4:half"}));
}

TEST(Tailer, ResumesAtTheLowestUnacknowledgedOffsetWithTheSameId) {
  TailRig rig;
  rig.append("a.log", "one\ntwo\nthree\n");
  rig.start();
  const std::uint64_t id = rig.status("a.log").file;
  EXPECT_EQ(rig.read().size(), 3u);
  rig.tailer->acked(0, {{id, 8, 14}});
  rig.stop();
  rig.start();
  EXPECT_EQ(rig.status("a.log").committed, 0u);
  EXPECT_EQ(rig.read().size(), 3u);
  rig.tailer->acked(0, {{id, 0, 4}});
  rig.stop();
  rig.start();
  EXPECT_EQ(rig.status("a.log").file, id);
  EXPECT_EQ(rig.read(), (Lines{"a.log@4:two", "a.log@8:three"}));
}

TEST(Tailer, FileIsRegisteredBeforeItsFirstLine) {
  TailRig rig;
  rig.append("a.log", "one\n");
  rig.start();
  LineBlock block;
  ASSERT_TRUE(rig.next(block));
  const std::uint64_t id = block.source->file;
  rig.restart();  // nothing was committed since
  ASSERT_TRUE(rig.next(block));
  EXPECT_EQ(block.source->file, id);
  EXPECT_EQ(block.begin, 0u);
}

TEST(Tailer, NewFilesOfOneScanAreRegisteredInOneWrite) {
  TailRig rig;
  for (int i = 0; i < 50; ++i) rig.append(std::to_string(i) + ".log", std::to_string(i) + "\n");
  rig.start();
  EXPECT_EQ(rig.tailer->stats().checkpoint_writes, 1u);
  EXPECT_EQ(rig.read_and_ack().size(), 50u);
}

TEST(Tailer, UnwritableStateHoldsNewFilesBackOnlyForAWhile) {
  TailRig rig;
  rig.start();
  std::filesystem::create_directory(rig.state.path("checkpoint.new"));  // writing fails, for root too
  rig.append("a.log", "one\n");
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  EXPECT_FALSE(rig.tailer->at_end());
  rig.pass(seconds(5));
  EXPECT_EQ(rig.read(), Lines{});
  rig.pass(seconds(6));
  EXPECT_EQ(rig.read(), (Lines{"a.log@0:one"}));
  EXPECT_EQ(rig.tailer->stats().checkpoint_failures, 3u);
  EXPECT_TRUE(rig.log.has("new files are read though"));
}

TEST(Tailer, SourceTellsInputPathAndHashOfTheFirstLine) {
  TailRig rig;
  rig.append("a.log", "first\nsecond\n");
  rig.start();
  LineBlock block;
  ASSERT_TRUE(rig.next(block));
  EXPECT_EQ(block.source->input, "in");
  EXPECT_EQ(block.source->path, rig.logs.path("a.log"));
  EXPECT_EQ(block.source->head, hash128("first"));
  rig.ack();
  rig.stop();
  rig.append("a.log", "third\n");
  rig.start();
  ASSERT_TRUE(rig.next(block));
  EXPECT_EQ(block.begin, 13u);
  EXPECT_EQ(block.source->head, hash128("first"));
}

TEST(Tailer, BudgetOfNothingReadsNothing) {
  TailRig rig;
  rig.append("a.log", "one\n");
  rig.start();
  LineBlock block;
  EXPECT_EQ(rig.tailer->read_next(0, block), ReadResult::idle);
  EXPECT_EQ(rig.tailer->read_next(1, block), ReadResult::block);
  EXPECT_EQ(rig.tailer->in_flight_bytes(), 4u);
}

TEST(Tailer, OldestBacklogFirstAndWhole) {
  TailRig rig;
  rig.options.read_block_bytes = 8;
  rig.append("new.log", "n1\nn2\nn3\nn4\n");
  rig.append("old.log", "o1\no2\no3\no4\n");
  rig.age("new.log", -10);
  rig.age("old.log", -20);
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"old.log@0:o1", "old.log@3:o2", "old.log@6:o3", "old.log@9:o4", "new.log@0:n1",
                                       "new.log@3:n2", "new.log@6:n3", "new.log@9:n4"}));
}

TEST(Tailer, GrowingFilesTakeTurns) {
  TailRig rig;
  rig.append("a.log", "a\n");
  rig.start_with("b.log", "b\n");
  rig.append("a.log", std::string(200'000, 'x') + "\n" + std::string(200'000, 'y') + "\n");
  rig.append("b.log", "b2\n");
  rig.scan();
  rig.append("a.log", std::string(200'000, 'z') + "\n");
  // What a has gained since its turn began waits until b had its own.
  std::vector<std::string> order;
  for (LineBlock block; rig.next(block);) order.push_back(block.source->path.substr(block.source->path.size() - 5));
  ASSERT_GE(order.size(), 3u);
  EXPECT_NE(order.back(), "b.log");
}

TEST(Tailer, StartAtEndOnlyForTheFirstStart) {
  TailRig rig;
  rig.input.start_at_end = true;
  rig.append("a.log", "old\nhal");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.append("a.log", "f\n");
  rig.append("b.log", "new\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"b.log@0:new", "a.log@4:half"}));
  rig.stop();
  rig.append("c.log", "while down\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"c.log@0:while down"}));
}

TEST(Tailer, IgnoresOlderFilesUntilTheyChange) {
  TailRig rig;
  rig.input.ignore_older = std::chrono::hours(1);
  rig.append("old.log", "1\n");
  rig.append("young.log", "2\n");
  rig.age("old.log", -3601);
  rig.age("young.log", -3599);
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"young.log@0:2"}));
  rig.append("old.log", "3\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"old.log@0:1", "old.log@2:3"}));
}

TEST(Tailer, HintMakesNewsKnownWithoutAScan) {
  TailRig rig;
  rig.start_with("a.log", "1\n");
  const std::uint64_t scans = rig.tailer->stats().scans;
  rig.append("a.log", "2\n");
  rig.tailer->hint(rig.logs.path("a.log"));
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@2:2"}));
  EXPECT_EQ(rig.tailer->stats().scans, scans);
  rig.append("b.log", "3\n");
  rig.tailer->hint(rig.logs.path("b.log"));
  rig.append("b.tmp", "4\n");
  rig.pass(milliseconds(30));
  EXPECT_EQ(rig.tailer->stats().scans, scans + 1);
  EXPECT_EQ(rig.read_and_ack(), (Lines{"b.log@0:3"}));
  rig.tailer->hint(rig.logs.path("b.tmp"));
  rig.pass(milliseconds(30));
  EXPECT_EQ(rig.tailer->stats().scans, scans + 1);
}

TEST(Tailer, PollAloneLooksAtBusyFilesBetweenScans) {
  TailRig rig;
  rig.start_with("a.log", "1\n");
  rig.append("a.log", "2\n");
  rig.pass(milliseconds(100));
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@2:2"}));
  EXPECT_EQ(rig.tailer->stats().scans, 1u);
  rig.append("b.log", "3\n");
  rig.pass(seconds(1));
  EXPECT_EQ(rig.read_and_ack(), (Lines{"b.log@0:3"}));
}

TEST(Tailer, MoreFilesThanDescriptors) {
  TailRig rig;
  rig.options.files_open_max = 4;
  for (int i = 0; i < 20; ++i) rig.append(std::to_string(i) + ".log", std::to_string(i) + "\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack().size(), 20u);
  EXPECT_LE(rig.tailer->stats().files_open, 4u);
  for (int i = 0; i < 20; ++i) rig.append(std::to_string(i) + ".log", "more\n");
  EXPECT_EQ(rig.scan_and_read().size(), 20u);
  EXPECT_LE(rig.tailer->stats().files_open, 4u);
}

TEST(Tailer, FolderRemovedAndMadeAgain) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app/*.log")};
  std::filesystem::create_directory(rig.logs.path("app"));
  rig.append("app/a.log", "1\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack().size(), 1u);
  std::filesystem::remove_all(rig.logs.path("app"));
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  std::filesystem::create_directory(rig.logs.path("app"));
  rig.append("app/a.log", "22\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"a.log@0:22"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Tailer, StateOfAFolderThatIsNotThereYetIsKept) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app/*.log")};
  std::filesystem::create_directory(rig.logs.path("app"));
  rig.start_with("app/a.log", "1\n22\n");
  rig.append("app/a.log", "333\n");
  rig.stop();
  rig.move("app", "away");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.move("away", "app");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"a.log@5:333"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Tailer, ReloadKeepsPlacesAndLetsGoOfWhatIsNotNamed) {
  TailRig rig;
  rig.append("a.log", "1\n2\n");
  rig.append("b.log", "3\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack().size(), 3u);
  InputOptions only_a = rig.input;
  only_a.include = {rig.logs.path("a.log")};
  ASSERT_TRUE(rig.tailer->reload({only_a}).ok());
  rig.append("a.log", "4\n");
  rig.append("b.log", "5\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"a.log@4:4"}));
  InputOptions other = rig.input;
  other.name = "other";
  other.include = {rig.logs.path("c.log")};
  ASSERT_TRUE(rig.tailer->reload({other}).ok());
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  rig.stop();
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"b.log@2:5"}));
  InputOptions bad = rig.input;
  bad.include = {"{"};
  EXPECT_FALSE(rig.tailer->reload({bad}).ok());
  rig.append("a.log", "6\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"a.log@6:6"}));
}

TEST(Tailer, FlushPartialsDeliversLastLinesWithoutALineEnd) {
  TailRig rig;
  rig.append("a.log", "one\ntwo");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@0:one"}));
  EXPECT_TRUE(rig.tailer->at_end());
  rig.tailer->flush_partials();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"a.log@4:two (partial)"}));
  EXPECT_TRUE(rig.tailer->at_end());
  EXPECT_EQ(rig.tailer->in_flight_bytes(), 0u);
}

TEST(Tailer, WallClockStepsDoNotMatter) {
  TailRig rig;
  rig.start_with("a.log", "1\n");
  for (const std::int64_t hours : {-1, 1, 10 * 365 * 24}) {
    rig.clock.set_wall_ns(rig.clock.wall_ns() + hours * 3600 * ns_per_second);
    rig.append("a.log", "x\n");
    rig.pass(seconds(1));
    EXPECT_EQ(rig.read_and_ack().size(), 1u) << hours;
    EXPECT_TRUE(rig.tailer->commit(false).ok());
  }
}

TEST(Tailer, AThousandFilesKeepTheirLinesApart) {
  TailRig rig;
  for (int i = 0; i < 1000; ++i) rig.append(std::to_string(i) + ".log", "same banner\n" + std::to_string(i) + "\n");
  rig.start();
  // The banner of a file that is not a copy so far has the same id in all of them; the rest must be whole.
  const std::vector<std::string> lines = rig.read_and_ack();
  EXPECT_EQ(lines.size(), 2000u);
  EXPECT_EQ(rig.tailer->stats().files_live, 1000u);
  EXPECT_EQ(rig.tailer->stats().lag_bytes, 0u);
  rig.append("7.log", "more\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"7.log@14:more"}));
}

}  // namespace
}  // namespace tapewatch

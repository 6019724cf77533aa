// SPDX-License-Identifier: Apache-2.0
// What rotators do to files, each story with the exact offsets that must come out of it.
#include <gtest/gtest.h>

#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A gzip file is told by its magic and its last four bytes alone.
std::string packed(std::uint32_t length) {
  std::string bytes("\x1f\x8b\x08\0\0\0\0\0\0\3-----not really-----", 30);
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(length >> (8 * i) & 0xFF));
  return bytes;
}

TEST(Rotation, RenameOutsideTheGlobsIsReadToItsEnd) {
  TailRig rig;
  rig.append("app.log", "1\n2\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log@0:1", "app.log@2:2"}));
  rig.append("app.log", "3\n");
  rig.move("app.log", "app.log.1");
  rig.append("app.log.1", "4\n");
  rig.append("app.log", "5\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@4:3", "app.log.1@6:4", "app.log@0:5"}));
  // A writer that has not noticed yet.
  rig.append("app.log.1", "late\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@8:late"}));
  EXPECT_EQ(rig.tailer->stats().rotations, 1u);
  EXPECT_EQ(rig.tailer->stats().files_rotated, 1u);
  rig.pass(minutes(6));
  rig.pass(minutes(6));
  EXPECT_EQ(rig.tailer->stats().files_rotated, 0u);
  EXPECT_EQ(rig.tailer->stats().files_open, 1u);
}

TEST(Rotation, RenamedFileWithoutSuccessorIsReadOnForEver) {
  TailRig rig;
  rig.start_with("app.log", "1\n");
  rig.move("app.log", "app.log.1");
  for (int i = 0; i < 5; ++i) rig.pass(minutes(10));
  rig.append("app.log.1", "2\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@2:2"}));
}

TEST(Rotation, RenameInsideTheGlobsKeepsIdAndPlace) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app.log*")};
  rig.start_with("app.log", "1\n");
  const std::uint64_t id = rig.status("app.log").file;
  rig.append("app.log", "2\n");
  rig.move("app.log", "app.log.1");
  rig.append("app.log", "3\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@2:2", "app.log@0:3"}));
  EXPECT_EQ(rig.status("app.log.1").file, id);
  EXPECT_NE(rig.status("app.log").file, id);
}

TEST(Rotation, SeveralWhileBlocked) {
  for (const bool in_globs : {false, true}) {
    TailRig rig;
    if (in_globs) rig.input.include = {rig.logs.path("app.log*")};
    rig.start_with("app.log", "1\n");
    rig.append("app.log", "2\n");
    rig.move("app.log", "app.log.1");
    rig.append("app.log", "3\n");
    rig.scan();  // nothing may be read: the budget is spent
    rig.move("app.log.1", "app.log.2");
    rig.move("app.log", "app.log.1");
    rig.append("app.log", "4\n");
    rig.scan();
    rig.move("app.log.2", "app.log.3");
    rig.move("app.log.1", "app.log.2");
    rig.move("app.log", "app.log.1");
    rig.append("app.log", "5\n");
    rig.scan();
    EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log.3@2:2", "app.log.2@0:3", "app.log.1@0:4", "app.log@0:5"}))
        << in_globs;
  }
}

TEST(Rotation, SeveralBetweenTwoLooks) {
  for (const bool in_globs : {false, true}) {
    TailRig rig;
    if (in_globs) rig.input.include = {rig.logs.path("app.log*")};
    rig.start_with("app.log", "1\n");
    rig.append("app.log", "2\n");
    rig.move("app.log", "app.log.3");
    rig.append("app.log.2", "3\n");
    rig.append("app.log.1", "4\n");
    rig.append("app.log", "5\n");
    EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.3@2:2", "app.log.2@0:3", "app.log.1@0:4", "app.log@0:5"}))
        << in_globs;
  }
}

TEST(Rotation, SeveralWhileDown) {
  for (const bool in_globs : {false, true}) {
    TailRig rig;
    if (in_globs) rig.input.include = {rig.logs.path("app.log*")};
    rig.append("app.log.9", "ancient\n");
    rig.age("app.log.9", -100'000);
    rig.append("app.log", "1\n");
    rig.start();
    EXPECT_EQ(rig.read_and_ack().size(), in_globs ? 2u : 1u);
    rig.append("app.log", "2\n");
    rig.stop();
    rig.append("app.log", "2b\n");
    rig.move("app.log", "app.log.3");
    rig.append("app.log.2", "3\n");
    rig.append("app.log.1", "4\n");
    rig.append("app.log", "5\n");
    rig.start();
    EXPECT_EQ(rig.read_and_ack(),
              (Lines{"app.log.3@2:2", "app.log.3@4:2b", "app.log.2@0:3", "app.log.1@0:4", "app.log@0:5"}))
        << in_globs;
    EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
    rig.stop();
    rig.append("app.log", "6\n");
    rig.start();
    EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log@2:6"})) << in_globs;
  }
}

TEST(Rotation, DatedNames) {
  TailRig rig;
  rig.start_with("app.log", "1\n");
  rig.append("app.log", "2\n");
  rig.stop();
  rig.move("app.log", "app.log-20260105");
  rig.append("app.log-20260106T0000", "3\n");
  rig.append("app.log.bak", "not a rotation\n");
  rig.append("app.logger", "neither\n");
  rig.append("app.log", "4\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log-20260105@2:2", "app.log-20260106T0000@0:3", "app.log@0:4"}));
}

TEST(Rotation, DeletedWhileOpenIsReadToItsEndAndClosed) {
  TailRig rig;
  rig.start_with("app.log", "1\n");
  rig.append("app.log", "2\n3");
  rig.remove("app.log");
  rig.append("app.log", "4\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@2:2", "app.log@0:4"}));
  EXPECT_EQ(rig.tailer->stats().files_deleted, 1u);
  rig.pass(milliseconds(4999));
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.pass(milliseconds(1001));
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log@4:3 (partial)"}));
  rig.pass(seconds(6));
  EXPECT_EQ(rig.tailer->stats().files_deleted, 0u);
  EXPECT_EQ(rig.tailer->stats().files_open, 1u);
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, DeletedFileIsHeldUntilAcknowledged) {
  TailRig rig;
  rig.append("app.log", "1\n");
  rig.start();
  rig.remove("app.log");
  rig.scan();
  EXPECT_EQ(rig.read(), (Lines{"app.log@0:1"}));
  rig.pass(seconds(60));
  EXPECT_EQ(rig.tailer->stats().files_deleted, 1u);
  rig.ack();
  rig.pass(seconds(60));
  EXPECT_EQ(rig.tailer->stats().files_deleted, 0u);
  EXPECT_EQ(rig.tailer->in_flight_bytes(), 0u);
}

TEST(Rotation, DeletedFilesThatHoldTooMuchAreGivenUpOldestFirst) {
  TailRig rig;
  rig.options.deleted_bytes_max = 1000;
  rig.append("a.log", std::string(599, 'a') + "\n");
  rig.append("b.log", std::string(499, 'b') + "\n");
  rig.start();
  rig.remove("a.log");
  rig.scan();
  rig.clock.advance(seconds(1));
  rig.remove("b.log");
  rig.scan();
  EXPECT_EQ(rig.tailer->stats().abandoned_bytes, 600u);
  EXPECT_TRUE(rig.log.has("given up"));
  EXPECT_EQ(rig.read_and_ack(), (Lines{"b.log@0:" + std::string(499, 'b')}));
}

TEST(Rotation, PartialLineOfARotatedFileComesAfterTheWait) {
  TailRig rig;
  rig.start_with("app.log", "1\nhal");
  rig.move("app.log", "app.log.1");
  rig.append("app.log", "2\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@0:2"}));
  rig.pass(seconds(4));
  rig.append("app.log.1", "f");  // growth restarts the wait
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  rig.pass(seconds(4));
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.pass(seconds(2));
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log.1@2:half (partial)"}));
  EXPECT_EQ(rig.tailer->stats().partial_lines, 1u);
}

TEST(Rotation, FileThatNeverHadALineEnd) {
  TailRig rig;
  rig.append("app.log", "alone");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.remove("app.log");
  rig.scan();
  rig.pass(seconds(6));
  LineBlock block;
  ASSERT_TRUE(rig.next(block));
  EXPECT_TRUE(block.partial);
  EXPECT_EQ(block.source->head, hash128("alone"));
  rig.ack();
  rig.pass(seconds(6));
  EXPECT_EQ(rig.tailer->stats().files_open, 0u);
}

TEST(Rotation, TruncatedFileIsReadFromItsBeginning) {
  TailRig rig;
  rig.start_with("app.log", "one\ntwo\n");
  const std::uint64_t id = rig.status("app.log").file;
  rig.overwrite("app.log", "new\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@0:new"}));
  EXPECT_NE(rig.status("app.log").file, id);
  EXPECT_EQ(rig.tailer->stats().truncations, 1u);
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, UnreadBytesOfATruncatedFileAreCounted) {
  TailRig rig;
  rig.start_with("app.log", "one\ntwo\n");
  rig.append("app.log", "lost\nlost too\n");
  rig.scan();
  rig.truncate("app.log");
  rig.append("app.log", "new\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@0:new"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 14u);
  EXPECT_TRUE(rig.log.has("gone before they were read"));
}

TEST(Rotation, TruncatedAndGrownPastTheOldOffsetBetweenTwoLooks) {
  TailRig rig;
  rig.start_with("app.log", "one\ntwo\n");
  rig.overwrite("app.log", "three\nfour\nfive\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@0:three", "app.log@6:four", "app.log@11:five"}));
  EXPECT_EQ(rig.tailer->stats().truncations, 1u);
}

TEST(Rotation, TruncatedAndGrownWithTheSameHead) {
  TailRig rig;
  const std::string banner = std::string(3000, '=') + "\n";
  rig.start_with("app.log", banner + "old\n");
  rig.overwrite("app.log", banner + "new\nmore\n");
  // The place is found changed by the read itself, before any scan.
  rig.tailer->hint(rig.logs.path("app.log"));
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.pass(milliseconds(20));
  EXPECT_EQ(rig.read_and_ack(),
            (Lines{"app.log@0:" + banner.substr(0, 3000), "app.log@3001:new", "app.log@3005:more"}));
}

TEST(Rotation, CopytruncateWithTheCopyInTheGlobsLosesAndDoublesNothing) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app.log*")};
  rig.start_with("app.log", "1\n2\n");
  const std::uint64_t id = rig.status("app.log").file;
  rig.append("app.log", "3\n4\n");
  rig.copy("app.log", "app.log.1");
  rig.truncate("app.log");
  rig.append("app.log", "5\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@4:3", "app.log.1@6:4", "app.log@0:5"}));
  EXPECT_EQ(rig.status("app.log.1").file, id);
  EXPECT_EQ(rig.tailer->stats().copies, 1u);
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
  EXPECT_EQ(rig.scan_and_read(), Lines{});
}

TEST(Rotation, CopySeenBeforeTheTruncation) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app.log*")};
  rig.start_with("app.log", "1\n2\n");
  rig.append("app.log", "3\n");
  rig.copy("app.log", "app.log.1");
  rig.scan();
  EXPECT_EQ(rig.tailer->stats().files_held, 1u);
  rig.truncate("app.log");
  rig.append("app.log", "5\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@4:3", "app.log@0:5"}));
  EXPECT_EQ(rig.tailer->stats().files_held, 0u);
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, CopyBesideTheGlobsIsFoundToo) {
  TailRig rig;
  rig.start_with("app.log", "1\n2\n");
  rig.append("app.log", "3\n");
  rig.copy("app.log", "app.log.1");
  rig.truncate("app.log");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log.1@4:3"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, CopyElsewhereMeansCountedLoss) {
  TailRig rig;
  std::filesystem::create_directory(rig.logs.path("old"));
  rig.start_with("app.log", "1\n2\n");
  rig.append("app.log", "333\n");
  rig.scan();
  rig.copy("app.log", "old/app.log");
  rig.truncate("app.log");
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 4u);
}

TEST(Rotation, CopytruncateWhileDown) {
  for (const bool in_globs : {false, true}) {
    TailRig rig;
    if (in_globs) rig.input.include = {rig.logs.path("app.log*")};
    rig.start_with("app.log", "1\n2\n");
    rig.stop();
    rig.append("app.log", "3\n");
    rig.copy("app.log", "app.log.1");
    rig.truncate("app.log");
    rig.append("app.log", "4\n5\n6\n");  // grown past the old offset
    rig.start();
    EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log.1@4:3", "app.log@0:4", "app.log@2:5", "app.log@4:6"})) << in_globs;
    EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
    rig.restart();
    rig.read_and_ack();
  }
}

TEST(Rotation, CopyThatIsKeptAndNeverTruncatedIsNotReadTwice) {
  TailRig rig;
  rig.start_with("app.log", "1\n2\n");
  rig.copy("app.log", "backup.log");
  EXPECT_EQ(rig.scan_and_read(), Lines{});
  rig.append("app.log", "3\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@4:3"}));
  rig.stop();
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  EXPECT_EQ(rig.tailer->stats().files_held, 1u);
  // It turns out to be a file of its own: everything in it is read.
  rig.append("backup.log", "x\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"backup.log@0:1", "backup.log@2:2", "backup.log@4:x"}));
}

TEST(Rotation, TruncationWithoutAppendLeavesAHole) {
  TailRig rig;
  rig.start_with("app.log", std::string(4999, 'x') + "\n");
  rig.truncate("app.log");
  rig.truncate("app.log", 5001);  // what writing at an old position makes of it
  rig.scan();
  EXPECT_EQ(rig.read_and_ack(), Lines{});
  rig.append("app.log", "{\"a\":1}\nnext\n");
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@5001:{\"a\":1}", "app.log@5009:next"}));
  EXPECT_EQ(rig.tailer->stats().nul_bytes, 5001u);
  EXPECT_EQ(rig.status("app.log").committed, 5014u);
  EXPECT_EQ(rig.tailer->in_flight_bytes(), 0u);
}

TEST(Rotation, FileReplacedAtTheSameInodeWhileDown) {
  TailRig rig;
  rig.start_with("app.log", "one\ntwo\n");
  rig.stop();
  // A deleted file's inode is used again at once on many file systems; writing it anew shows the same.
  rig.overwrite("app.log", "uno\ndue\ntre\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log@0:uno", "app.log@4:due", "app.log@8:tre"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, InodeIsNeverReusedWhileWeRead) {
  TailRig rig;
  rig.start_with("app.log", "1\n");
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = rig.inode("app.log");
    rig.remove("app.log");
    rig.append("app.log", std::to_string(i) + " next\n");
    EXPECT_NE(rig.inode("app.log"), before);
    EXPECT_EQ(rig.scan_and_read(), (Lines{"app.log@0:" + std::to_string(i) + " next"}));
    rig.clock.advance(seconds(6));
  }
}

TEST(Rotation, InodeReusedUnderAnotherNameWhileDown) {
  TailRig rig;
  rig.start_with("a.log", "one\ntwo\n");
  rig.append("a.log", "lost\n");
  rig.scan();
  rig.stop();
  rig.move("a.log", "b.log");
  rig.overwrite("b.log", "other\nfile here\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"b.log@0:other", "b.log@6:file here"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 5u);
}

TEST(Rotation, DeletedWhileDownIsCountedOnce) {
  TailRig rig;
  rig.append("app.log", "1\n22\n");
  rig.start();
  rig.read();
  rig.stop();  // nothing acknowledged
  rig.remove("app.log");
  rig.start();
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 5u);
  rig.stop();
  rig.start();
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, PackedWhileDownTellsHowMuchIsMissing) {
  TailRig rig;
  rig.start_with("app.log", "1\n22\n");
  rig.stop();
  rig.remove("app.log");
  rig.logs.write("app.log.1.gz", packed(1005));
  rig.append("app.log", "new\n");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.log@0:new"}));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 1000u);
}

TEST(Rotation, FileMovedAcrossFileSystemsGoesOnWhereItWas) {
  TailRig rig;
  rig.start_with("app.log", "1\n22\n");
  const std::uint64_t id = rig.status("app.log").file;
  rig.append("app.log", "333\n");
  rig.stop();
  rig.copy("app.log", "restored.log");
  rig.remove("app.log");
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"restored.log@5:333"}));
  EXPECT_EQ(rig.status("restored.log").file, id);
}

TEST(Rotation, SameHeadInAllFilesIsNoMixUp) {
  TailRig rig;
  const std::string banner = std::string(4095, '#') + "\n";
  for (int i = 0; i < 5; ++i) rig.append("s" + std::to_string(i) + ".log", banner);
  rig.append("empty.log", "");
  rig.start_with("tiny.log", "t\n");
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i)
      rig.append("s" + std::to_string(i) + ".log", std::to_string(i) + "-" + std::to_string(round) + "\n");
    std::vector<std::string> lines = rig.scan_and_read();
    std::erase_if(lines, [](const std::string& line) { return line.find("###") != std::string::npos; });
    std::sort(lines.begin(), lines.end());
    ASSERT_EQ(lines.size(), 5u);
    for (int i = 0; i < 5; ++i) {
      const std::string n = std::to_string(i);
      EXPECT_EQ(lines[static_cast<std::size_t>(i)],
                "s" + n + ".log@" + std::to_string(4096 + round * 4) + ":" + n + "-" + std::to_string(round));
    }
  }
}

TEST(Rotation, TwoHundredRenamesUnderLoadAreInOrder) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app.log*")};
  rig.start();
  std::vector<std::string> got;
  int written = 0;
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 5; ++k) rig.append("app.log", std::to_string(written++) + "\n");
    if (i % 3 != 0) rig.scan();
    if (i % 7 != 0) {
      for (const std::string& line : rig.read_and_ack()) got.push_back(line.substr(line.find(':') + 1));
    }
    for (int k = 5; k > 0; --k) {
      const std::string from = k == 1 ? "app.log" : "app.log." + std::to_string(k - 1);
      if (std::filesystem::exists(rig.logs.path(from))) rig.move(from, "app.log." + std::to_string(k));
    }
    rig.clock.advance(milliseconds(200));
  }
  for (const std::string& line : rig.scan_and_read()) got.push_back(line.substr(line.find(':') + 1));
  ASSERT_EQ(got.size(), static_cast<std::size_t>(written));
  for (int i = 0; i < written; ++i) ASSERT_EQ(got[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(rig.tailer->stats().missed_bytes, 0u);
}

TEST(Rotation, LinkThatMovesOnToTheNextFile) {
  TailRig rig;
  rig.input.include = {rig.logs.path("app.INFO*")};
  rig.append("app.INFO.1", "1\n");
  std::filesystem::create_symlink("app.INFO.1", rig.logs.path("app.INFO"));
  rig.start();
  EXPECT_EQ(rig.read_and_ack(), (Lines{"app.INFO.1@0:1"}));
  rig.append("app.INFO.1", "2\n");
  rig.append("app.INFO.2", "3\n");
  rig.remove("app.INFO");
  std::filesystem::create_symlink("app.INFO.2", rig.logs.path("app.INFO"));
  EXPECT_EQ(rig.scan_and_read(), (Lines{"app.INFO.2@0:3", "app.INFO.1@2:2"}));
  EXPECT_EQ(rig.scan_and_read(), Lines{});
}

}  // namespace
}  // namespace tapewatch

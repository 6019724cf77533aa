// SPDX-License-Identifier: Apache-2.0
#include "tail/block_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

class BlockReaderTest : public testing::Test {
 protected:
  void write(const std::string& content) {
    folder.write("f", content);
    fd = Fd(::open(folder.path("f").c_str(), O_RDONLY | O_CLOEXEC));
  }
  // Everything until the reader waits; blocks are checked for their own soundness.
  Lines read_all(const ReadLimits& limits) {
    Lines lines;
    for (int i = 0; i < 100'000; ++i) {
      LineBlock block;
      const ReadOutcome outcome = read_lines(fd.get(), limits, cursor, block);
      largest = std::max(largest, block.size);
      if (outcome.step == ReadStep::skipped) skipped += cursor.offset - outcome.from;
      if (outcome.step == ReadStep::waiting) return lines;
      if (outcome.step != ReadStep::block) continue;
      EXPECT_EQ(block.begin, outcome.from);
      EXPECT_EQ(block.end, cursor.offset);
      EXPECT_TRUE(block.cut || block.bytes[block.size - 1] == '\n');
      LineCursor walk(block);
      for (Line line; walk.next(line);)
        lines.push_back(std::to_string(line.offset) + ":" + std::string(line.text) +
                        (line.cut ? "+" + std::to_string(line.full_bytes) : ""));
    }
    ADD_FAILURE() << "never ends";
    return lines;
  }
  TemporaryFolder folder;
  Fd fd;
  Cursor cursor;
  std::uint64_t skipped = 0;
  std::size_t largest = 0;
};

TEST_F(BlockReaderTest, LineLongerThanABlockButNotThanTheLimit) {
  const std::string longer(50'000, 'x');
  write("a\n" + longer + "\nb\n");
  EXPECT_EQ(read_all({4096, 100'000, 1 << 20}), (Lines{"0:a", "2:" + longer, "50003:b"}));
}

TEST_F(BlockReaderTest, LimitIsExact) {
  const std::string at(1000, 'x');
  write(at + "\n" + at + "y\n" + at + "\n");
  for (const std::size_t block : {std::size_t{64}, std::size_t{1500}, std::size_t{1} << 16}) {
    cursor = {};
    EXPECT_EQ(read_all({block, 1000, 1 << 20}), (Lines{"0:" + at, "1001:" + at + "+1001", "2003:" + at})) << block;
  }
}

TEST_F(BlockReaderTest, FiveMegabyteLineBetweenGoodOnes) {
  const std::string longer(5'000'000, 'x');
  write("a\n" + longer + "\nb\n");
  EXPECT_EQ(read_all({}), (Lines{"0:a", "2:" + longer.substr(0, 1 << 20) + "+5000000", "5000003:b"}));
  EXPECT_LE(largest, std::size_t{1} << 20);
}

TEST_F(BlockReaderTest, HundredMegabyteLineIsPassedInSteps) {
  write("a\n");
  // A sparse file of something other than NUL is not to be had: 'x' once, then a hole, which is not at a line's start.
  std::ofstream(folder.path("f"), std::ios::app | std::ios::binary) << 'x';
  std::filesystem::resize_file(folder.path("f"), 100'000'000);
  std::ofstream(folder.path("f"), std::ios::app | std::ios::binary) << "\nb\n";
  LineBlock block;
  ASSERT_EQ(read_lines(fd.get(), {}, cursor, block).step, ReadStep::block);
  int busy = 0;
  ReadOutcome outcome;
  while ((outcome = read_lines(fd.get(), {}, cursor, block)).step == ReadStep::busy) ++busy;
  EXPECT_GE(busy, 10);
  ASSERT_EQ(outcome.step, ReadStep::block);
  EXPECT_TRUE(block.cut);
  EXPECT_EQ(block.begin, 2u);
  EXPECT_EQ(block.cut_bytes, 99'999'998u);
  EXPECT_EQ(block.end, 100'000'001u);
  EXPECT_EQ(block.size, std::size_t{1} << 20);
  ASSERT_EQ(read_lines(fd.get(), {}, cursor, block).step, ReadStep::block);
  EXPECT_EQ(std::string(block.bytes.get(), block.size), "b\n");
}

TEST_F(BlockReaderTest, LongLineThatGrowsSlowlyIsNotReadAgain) {
  write(std::string(3000, 'x'));
  const ReadLimits limits{512, 1000, 1 << 20};
  LineBlock block;
  EXPECT_EQ(read_lines(fd.get(), limits, cursor, block).step, ReadStep::waiting);
  EXPECT_EQ(cursor.scanned, 3000u);
  std::ofstream(folder.path("f"), std::ios::app) << "yy\n";
  EXPECT_EQ(read_lines(fd.get(), limits, cursor, block).step, ReadStep::block);
  EXPECT_EQ(block.cut_bytes, 3002u);
}

TEST_F(BlockReaderTest, NulRunsAtLineStartsAreSkippedOthersKept) {
  const std::string nuls(700, '\0');
  write(nuls + "a\n" + "b" + std::string(3, '\0') + "b\n" + nuls + nuls + "c\n" + nuls);
  for (const std::size_t block : {std::size_t{64}, std::size_t{800}, std::size_t{1} << 16}) {
    cursor = {};
    skipped = 0;
    EXPECT_EQ(read_all({block, 1 << 20, 1 << 20}), (Lines{"700:a", "702:b" + std::string(3, '\0') + "b", "2108:c"}))
        << block;
    EXPECT_EQ(skipped, 2100u);
    EXPECT_EQ(cursor.offset, 2110u);  // NUL bytes at the end may still be written over
  }
  LineBlock block;
  EXPECT_EQ(read_partial(fd.get(), {}, cursor, block).step, ReadStep::skipped);
  EXPECT_EQ(cursor.offset, 2810u);
}

TEST_F(BlockReaderTest, HugeHoleCostsNoReading) {
  write("a\n");
  std::filesystem::resize_file(folder.path("f"), std::uint64_t{1} << 36);
  std::ofstream(folder.path("f"), std::ios::app | std::ios::binary) << "b\n";
  EXPECT_EQ(read_all({}), (Lines{"0:a", "68719476736:b"}));
  EXPECT_EQ(skipped, (std::uint64_t{1} << 36) - 2);
}

TEST_F(BlockReaderTest, ReplacedContentIsNotReadOn) {
  write("first\nsecond\n");
  LineBlock block;
  ASSERT_EQ(read_lines(fd.get(), {}, cursor, block).step, ReadStep::block);
  folder.write("f", "other\nsecond line\nthird\n");
  EXPECT_EQ(read_lines(fd.get(), {}, cursor, block).step, ReadStep::replaced);
  folder.write("f", "x\n");
  EXPECT_EQ(read_lines(fd.get(), {}, cursor, block).step, ReadStep::replaced);
}

TEST_F(BlockReaderTest, TextIsFollowedBySixtyFourReadableBytes) {
  write("a\nbb");
  LineBlock block;
  ASSERT_EQ(read_lines(fd.get(), {4, 1000, 1000}, cursor, block).step, ReadStep::block);
  unsigned sum = 0;
  for (std::size_t i = 0; i < 64; ++i) sum += static_cast<unsigned char>(block.bytes[block.size + i]);
  EXPECT_EQ(sum, 2u * 'b');  // the sanitizer judges
  ASSERT_EQ(read_partial(fd.get(), {}, cursor, block).step, ReadStep::block);
  EXPECT_TRUE(block.partial);
  sum = 0;
  for (std::size_t i = 0; i < 64; ++i) sum += static_cast<unsigned char>(block.bytes[block.size + i]);
  EXPECT_EQ(sum, 0u);
}

// The same lines come out whatever the sizes of blocks are.
TEST_F(BlockReaderTest, AnySizesGiveTheSameLines) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const std::size_t limit = 16 + random() % 100;
    std::string content;
    Lines want;
    for (int i = 0; i < 120; ++i) {
      if (random() % 9 == 0) content.append(random() % 150, '\0');
      const std::string line(random() % 200, static_cast<char>('a' + i % 26));
      if (!line.empty())
        want.push_back(std::to_string(content.size()) + ":" + line.substr(0, limit) +
                       (line.size() > limit ? "+" + std::to_string(line.size()) : ""));
      content += line + "\n";
    }
    write(content);
    cursor = {};
    EXPECT_EQ(read_all({1 + random() % 700, limit, 1 << 20}), want) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tapewatch

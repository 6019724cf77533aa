// SPDX-License-Identifier: Apache-2.0
#include "event/line_block.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace tapewatch {
namespace {

LineBlock make_block(std::string_view text, std::uint64_t begin) {
  LineBlock block;
  block.begin = begin;
  block.end = begin + text.size();
  block.bytes = std::make_unique<char[]>(text.size());
  std::memcpy(block.bytes.get(), text.data(), text.size());
  block.size = text.size();
  return block;
}

TEST(LineCursor, StripsMarksAndSkipsBlankLines) {
  const LineBlock block = make_block("\xEF\xBB\xBF{\"a\":1}\r\n\r\n\n{\"b\":2}\nlast", 0);
  LineCursor cursor(block);
  std::vector<std::pair<std::string, std::uint64_t>> seen;
  for (Line line; cursor.next(line);) seen.emplace_back(line.text, line.offset);
  EXPECT_EQ(seen,
            (std::vector<std::pair<std::string, std::uint64_t>>{{"{\"a\":1}", 0}, {"{\"b\":2}", 15}, {"last", 23}}));
  EXPECT_EQ(cursor.blank_lines(), 2u);
}

TEST(LineCursor, TellsPartialAndCutLines) {
  LineBlock block = make_block("whole\nhalf", 100);
  LineCursor cursor(block);
  Line line;
  ASSERT_TRUE(cursor.next(line));
  EXPECT_FALSE(line.partial);
  ASSERT_TRUE(cursor.next(line));
  EXPECT_TRUE(line.partial);
  EXPECT_EQ(line.offset, 106u);

  LineBlock cut = make_block("start of something long", 5);
  cut.cut = true;
  cut.cut_bytes = 9000;
  LineCursor cut_cursor(cut);
  ASSERT_TRUE(cut_cursor.next(line));
  EXPECT_TRUE(line.cut);
  EXPECT_FALSE(line.partial);
  EXPECT_EQ(line.full_bytes, 9000u);
}

}  // namespace
}  // namespace tapewatch

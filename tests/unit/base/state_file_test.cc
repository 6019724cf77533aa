// SPDX-License-Identifier: Apache-2.0
#include "base/state_file.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "fake/folder.h"

namespace tapewatch {
namespace {

constexpr std::string_view head = "tapewatch test 1\n";

TEST(StateFile, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.path("state");
  EXPECT_FALSE(read_state_file(path, head, 100)->has_value());
  for (const std::string_view content : {std::string_view(), std::string_view("what\0there\nwas", 14)}) {
    ASSERT_TRUE(write_state_file(path, head, content).ok());
    EXPECT_EQ(**read_state_file(path, head, 100), content);
  }
}

TEST(StateFile, EveryOtherByteIsADamage) {
  const TemporaryFolder folder;
  const std::string path = folder.path("state");
  ASSERT_TRUE(write_state_file(path, head, "content").ok());
  const std::string whole = *read_file(path, 100);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    ASSERT_TRUE(write_file_durable(path, changed).ok());
    EXPECT_EQ(read_state_file(path, head, 100).error().code, Code::corrupt) << i;
    ASSERT_TRUE(write_file_durable(path, whole.substr(0, i)).ok());
    EXPECT_EQ(read_state_file(path, head, 100).error().code, Code::corrupt) << i;
  }
  ASSERT_TRUE(write_file_durable(path, whole).ok());
  EXPECT_EQ(read_state_file(path, head, 10).error().code, Code::limit);
}

}  // namespace
}  // namespace tapewatch

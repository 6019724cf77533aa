// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace tapewatch {
namespace {

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tapewatch-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(FilesTest, ADurableWriteReplacesTheWholeFileAndLeavesNothingBeside) {
  const std::string path = folder_ + "/state";
  ASSERT_TRUE(write_file_durable(path, "one and more").ok());
  ASSERT_TRUE(write_file_durable(path, "two").ok());
  EXPECT_EQ(read_file(path, 100).value(), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, ReadingStopsAtTheLimit) {
  const std::string path = folder_ + "/big";
  ASSERT_TRUE(write_file_durable(path, std::string(200'000, 'x')).ok());
  const Result<std::string> read = read_file(path, 1000);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::limit);
  EXPECT_EQ(read_file(folder_ + "/none", 10).error().code, Code::not_found);
}

TEST_F(FilesTest, ALockNamesItsHolderAndEndsWithIt) {
  const std::string path = folder_ + "/lock";
  {
    const Result<Fd> first = lock_file(path);
    ASSERT_TRUE(first.ok());
    const Result<Fd> second = lock_file(path);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Code::busy);
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
    EXPECT_NE(second.error().message.find(path), std::string::npos);
  }
  EXPECT_TRUE(lock_file(path).ok());
}

TEST_F(FilesTest, FoldersAreMadeWithTheirParents) {
  ASSERT_TRUE(make_folders(folder_ + "/a/b/c").ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/a/b/c"));
  EXPECT_TRUE(make_folders(folder_ + "/a/b/c").ok()) << "again";
}

}  // namespace
}  // namespace tapewatch

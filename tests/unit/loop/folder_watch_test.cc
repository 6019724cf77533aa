// SPDX-License-Identifier: Apache-2.0
#include "loop/folder_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "fake/http_server.h"

namespace tapewatch {
namespace {

TEST(FolderWatch, TellsNamesOfWhatIsMadeAndWritten) {
  SystemClock clock;
  auto loop = Loop::open(clock).value();
  std::string folder = testing::TempDir() + "watchXXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::set<std::string> names;
  auto watch = FolderWatch::open(*loop, folder, [&](std::string_view name) { names.emplace(name); }).value();
  std::ofstream(folder + "/a.log") << "x" << std::flush;
  EXPECT_TRUE(run_until(*loop, [&] { return names.contains("a.log"); }));
  watch.reset();
  names.clear();
  std::ofstream(folder + "/b.log") << "x" << std::flush;
  loop->poll();
  EXPECT_TRUE(names.empty());
}

TEST(FolderWatch, AMissingFolderIsAnError) {
  SystemClock clock;
  auto loop = Loop::open(clock).value();
  auto watch = FolderWatch::open(*loop, "/nonexistent/folder", [](std::string_view) {});
  ASSERT_FALSE(watch.ok());
  EXPECT_EQ(watch.error().code, Code::not_found);
}

TEST(FolderWatch, MayBeDestroyedInItsOwnCallback) {
  SystemClock clock;
  auto loop = Loop::open(clock).value();
  std::string folder = testing::TempDir() + "watchXXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  int count = 0;
  std::unique_ptr<FolderWatch> watch;
  watch = FolderWatch::open(*loop, folder, [&](std::string_view) {
            ++count;
            watch.reset();
          }).value();
  std::ofstream(folder + "/a.log") << "x" << std::flush;
  EXPECT_TRUE(run_until(*loop, [&] { return count > 0; }));
  EXPECT_EQ(watch, nullptr);
}

}  // namespace
}  // namespace tapewatch

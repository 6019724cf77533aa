// SPDX-License-Identifier: Apache-2.0
#include "tail/finder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "fake/tail_rig.h"

namespace tapewatch {
namespace {

class FinderTest : public testing::Test {
 protected:
  Lines find(std::vector<std::string> include, std::vector<std::string> exclude = {}, FinderLimits limits = {}) {
    for (std::string& pattern : include) pattern = folder.path(pattern);
    Result<Finder> made = Finder::make(include, exclude, limits);
    EXPECT_TRUE(made.ok());
    finder = std::make_unique<Finder>(std::move(made).value());
    return again();
  }
  Lines again() {
    Lines names;
    for (const Found& found : finder->find(clock)) names.push_back(found.path.substr(folder.path().size() + 1));
    std::sort(names.begin(), names.end());
    return names;
  }
  void make(const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
    folder.write(name, name + "\n");
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, folder.path(name));
  }
  TemporaryFolder folder;
  FakeClock clock;
  std::unique_ptr<Finder> finder;
};

TEST_F(FinderTest, FoldersAndExcludes) {
  for (const char* name : {"a.log", "b.log", "b.log.gz", "x/a.log", "x/y/a.log", "x/.h/a.log", "z/b.txt"}) make(name);
  EXPECT_EQ(find({"*.log"}), (Lines{"a.log", "b.log"}));
  EXPECT_EQ(find({"**/*.log"}), (Lines{"a.log", "b.log", "x/a.log", "x/y/a.log"}));
  EXPECT_EQ(find({"**"}, {"*.gz", "a.log"}), (Lines{"b.log", "z/b.txt"}));
  EXPECT_EQ(find({"{x,z}/*"}), (Lines{"x/a.log", "z/b.txt"}));
  EXPECT_EQ(find({"x/y/a.log", "missing/*.log"}), (Lines{"x/y/a.log"}));
  EXPECT_EQ(find({"*/y/*.log"}), (Lines{"x/y/a.log"}));
}

TEST_F(FinderTest, PackedFilesAreNotFoundAndAreNeighbours) {
  for (const char* name : {"a.log", "a.log.1", "a.log.2.gz", "a.log.3.zst", "a.log.gzip", "b.xz"}) make(name);
  link("a.log.2.gz", "c.log");
  EXPECT_EQ(find({"*"}), (Lines{"a.log", "a.log.1", "a.log.gzip"}));
  EXPECT_EQ(find({"*.log*"}), (Lines{"a.log", "a.log.1", "a.log.gzip"}));
  EXPECT_FALSE(finder->matches(folder.path("a.log.2.gz")));
  EXPECT_TRUE(finder->matches(folder.path("a.log.2")));
  EXPECT_EQ(finder->neighbours(folder.path("a.log"), clock).size(), 4u) << "they tell how much of a file is lost";
}

TEST_F(FinderTest, OnlyRegularFilesEvenByName) {
  make("a.log");
  ASSERT_EQ(::mkfifo(folder.path("fifo.log").c_str(), 0600), 0);
  std::filesystem::create_directory(folder.path("folder.log"));
  link("/dev/null", "null.log");
  EXPECT_EQ(find({"*.log"}), (Lines{"a.log"}));
  EXPECT_EQ(open_log_file(folder.path("fifo.log"), folder.path().size()).error().code, Code::invalid);
}

TEST_F(FinderTest, LinksCountOnlyInsideTheirFolder) {
  make("app.INFO.7");
  make("elsewhere/secret");
  link("app.INFO.7", "app.log");
  link("elsewhere/secret", "leak.log");
  link("/etc/passwd", "passwd.log");
  link("nothing", "dangling.log");
  link("loop.log", "loop.log");
  EXPECT_EQ(find({"*.log"}), (Lines{"app.INFO.7"}));
  EXPECT_EQ(finder->links_refused(), 2u);
  make("app.INFO.8");
  std::filesystem::remove(folder.path("app.log"));
  link("app.INFO.8", "app.log");
  EXPECT_EQ(again(), (Lines{"app.INFO.8"}));
}

TEST_F(FinderTest, LinkedFoldersAreNotEnteredByWildcards) {
  make("real/a.log");
  link("real", "linked");
  EXPECT_EQ(find({"*/a.log"}), (Lines{"real/a.log"}));
  EXPECT_EQ(find({"**/a.log"}), (Lines{"real/a.log"}));
  EXPECT_EQ(find({"linked/*.log"}), (Lines{"linked/a.log"}));  // named by whoever configures: trusted
  // A folder swapped for a link after it was found is not followed when the file is opened.
  EXPECT_TRUE(open_log_file(folder.path("real/a.log"), folder.path().size()).ok());
  EXPECT_FALSE(open_log_file(folder.path("linked/a.log"), folder.path().size()).ok());
  EXPECT_TRUE(open_log_file(folder.path("linked/a.log"), folder.path("linked").size()).ok());
}

TEST_F(FinderTest, OneFileWithTwoNamesIsOne) {
  make("a.log");
  std::filesystem::create_hard_link(folder.path("a.log"), folder.path("b.log"));
  EXPECT_EQ(find({"*.log", "a*"}), (Lines{"a.log"}));
}

TEST_F(FinderTest, LimitsAreCounted) {
  for (int i = 0; i < 10; ++i) make(std::to_string(i) + "/a.log");
  EXPECT_EQ(find({"*/a.log"}, {}, {4, 1000}).size(), 4u);
  EXPECT_EQ(finder->over_limit(), 6u);
  EXPECT_EQ(find({"*/*.log"}, {}, {1000, 4}).size(), 3u);
  EXPECT_EQ(finder->over_limit(), 7u);
}

TEST_F(FinderTest, QuietFoldersAreNotListedAgain) {
  make("a.log");
  clock.advance(std::chrono::hours(24 * 365 * 10));  // the folder has been quiet for long
  EXPECT_EQ(find({"*.log"}), (Lines{"a.log"}));
  make("b.log");
  EXPECT_EQ(again(), (Lines{"a.log", "b.log"}));
  // Its time set back hides a change, for a while only.
  make("c.log");
  timespec times[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, folder.path().c_str(), times, 0), 0);
  EXPECT_EQ(again().size(), 3u);
  make("d.log");
  ASSERT_EQ(::utimensat(AT_FDCWD, folder.path().c_str(), times, 0), 0);
  EXPECT_EQ(again().size(), 3u);
  for (int i = 0; i < 30; ++i) (void)again();
  EXPECT_EQ(again().size(), 4u);
}

TEST_F(FinderTest, NeighboursStartWithTheName) {
  for (const char* name : {"app.log", "app.log.1", "app.log.2.gz", "app.lo", "app.log-2026", "other.log.1"}) make(name);
  EXPECT_EQ(find({"*.log"}, {"*.gz"}), (Lines{"app.log"}));
  Lines names;
  for (const Found& found : finder->neighbours(folder.path("app.log"), clock))
    names.push_back(found.path.substr(folder.path().size() + 1));
  EXPECT_EQ(names, (Lines{"app.log-2026", "app.log.1"}));
}

}  // namespace
}  // namespace tapewatch

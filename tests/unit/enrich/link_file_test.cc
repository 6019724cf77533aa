// SPDX-License-Identifier: Apache-2.0
#include "enrich/link_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "fake/clock.h"
#include "fake/folder.h"
#include "fake/log.h"

namespace tapewatch {
namespace {

LinkRecords everything(std::string bytes) { return {"", std::move(bytes), true, true}; }

class LinkFileTest : public testing::Test {
 protected:
  LinkFile file(std::uint64_t bytes_max = 1 << 20) { return {folder_.path(), bytes_max, clock_, log_}; }
  std::string loaded() { return file().load(); }
  [[nodiscard]] std::string content(const std::string& name) const { return *read_file(folder_.path(name), 1 << 20); }

  TemporaryFolder folder_;
  FakeClock clock_;
  CapturedLog log_;
};

TEST_F(LinkFileTest, NothingThere) {
  LinkFile links = file();
  EXPECT_EQ(links.load(), "");
  EXPECT_EQ(links.stats().quarantined, 0u);
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(LinkFileTest, EverythingAndWhatCameSince) {
  LinkFile links = file();
  links.add(everything("one"));
  links.add({"two", "", false, false});
  links.add({"three", "", false, false});
  links.sync();
  EXPECT_EQ(loaded(), "onetwothree");
  EXPECT_EQ(std::filesystem::status(folder_.path("links")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(LinkFileTest, BegunAnewTheGenerationBeforeIsKept) {
  LinkFile links = file();
  links.add(everything("one"));
  links.add(everything("four"));
  EXPECT_EQ(loaded(), "four");
  EXPECT_EQ(folder_.names(), (std::vector<std::string>{"links", "links.prev"}));
}

// Each moment of it is a moment at which a crash may come.
TEST_F(LinkFileTest, PutTogetherInPieces) {
  LinkFile links = file();
  links.add(everything("one"));
  links.add({"two", "ONE", true, false});
  EXPECT_EQ(loaded(), "onetwo");
  links.add({"three", "TWO", false, false});
  links.add({"four", "", false, false});
  EXPECT_EQ(loaded(), "onetwothreefour");
  links.add({"five", "THREE", false, true});
  EXPECT_EQ(loaded(), "ONEtwoTWOthreefourTHREEfive");
  links.add({"six", "", false, false});
  EXPECT_EQ(loaded(), "ONEtwoTWOthreefourTHREEfivesix");
}

TEST_F(LinkFileTest, ChangesBeforeEverythingAreNotWritten) {
  LinkFile links = file();
  links.add({"two", "", false, false});
  EXPECT_TRUE(folder_.names().empty());
}

// What a crash leaves: the beginning is used, and nothing is called damaged.
TEST_F(LinkFileTest, CutShortAnywhere) {
  LinkFile links = file();
  links.add(everything("one"));
  links.add({"two", "", false, false});
  const std::string whole = content("links");
  for (std::size_t size = 8; size < whole.size(); ++size) {
    folder_.write("links", whole.substr(0, size));
    LinkFile again = file();
    EXPECT_EQ(again.load(), size < whole.size() - 19 ? "" : "one") << size;
    EXPECT_EQ(again.stats().quarantined, 0u) << size;
  }
}

TEST_F(LinkFileTest, EveryFlippedByteIsFoundAndPutAside) {
  LinkFile links = file();
  links.add(everything("old"));
  links.add(everything("one"));
  links.add({"two", "", false, false});
  const std::string whole = content("links");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    folder_.write("links", damaged);
    const TemporaryFolder copy;
    std::filesystem::copy(folder_.path(), copy.path(), std::filesystem::copy_options::recursive);
    LinkFile again(copy.path(), 1 << 20, clock_, log_);
    const bool first_is_whole = at >= 8 + 19;
    EXPECT_EQ(again.load(), first_is_whole ? "oldone" : "old") << at;
    EXPECT_EQ(again.stats().quarantined, 1u) << at;
    EXPECT_EQ(copy.names("corrupt-1767571200").size(), 1u) << at;
    // What could be read is written down at once.
    EXPECT_EQ(LinkFile(copy.path(), 1 << 20, clock_, log_).load(), first_is_whole ? "oldone" : "old") << at;
  }
  EXPECT_TRUE(log_.has("was put aside"));
}

TEST_F(LinkFileTest, TooLargeIsDamage) {
  LinkFile links = file();
  links.add(everything(std::string(200'000, 'x')));
  LinkFile again = file(1'000);
  EXPECT_EQ(again.load(), "");
  EXPECT_EQ(again.stats().quarantined, 1u);
}

TEST_F(LinkFileTest, WhatCannotBeWrittenIsSaidAndMendedByEverything) {
  std::filesystem::create_directory(folder_.path("links.new"));  // in the way
  LinkFile links = file();
  links.add(everything("one"));
  EXPECT_TRUE(links.broken());
  EXPECT_EQ(links.stats().failures, 1u);
  EXPECT_TRUE(log_.has("cannot be written"));
  links.add({"two", "", false, false});
  std::filesystem::remove(folder_.path("links.new"));
  links.add({"three", "", false, false});
  EXPECT_TRUE(links.broken());
  links.add(everything("all"));
  links.add({"more", "", false, false});
  EXPECT_FALSE(links.broken());
  EXPECT_EQ(loaded(), "allmore");
}

}  // namespace
}  // namespace tapewatch

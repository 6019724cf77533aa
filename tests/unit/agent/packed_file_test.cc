// SPDX-License-Identifier: Apache-2.0
#include "packed_file.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "fake/folder.h"
#include "sinks/gzip.h"

namespace tapewatch {
namespace {

class PackedFileTest : public testing::Test {
 protected:
  // In reads of `step` bytes; the error's message when there was one.
  std::string read_all(const std::string& content, std::size_t step) {
    folder_.write("file", content);
    Result<std::unique_ptr<ByteSource>> source = open_packed(folder_.path("file"));
    if (!source.ok()) return source.error().message;
    std::string all;
    std::string buffer(step, '\0');
    for (;;) {
      const Result<std::size_t> got = (*source)->read(buffer.data(), step);
      if (!got.ok()) return got.error().message;
      if (*got == 0) break;
      all.append(buffer, 0, *got);
    }
    EXPECT_EQ((*source)->bytes_read(), content.size());
    return all;
  }
  static std::string lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "line " + std::to_string(i * 7919) + "\n";
    return text;
  }
  static std::string gzip(const std::string& text) {
    std::string packed;
    Gzip(1).compress(text, packed);
    return packed;
  }
  // "one\ntwo\nthree\n", and "four\n" behind it as a frame of its own, both with checksums.
  static std::string zstd() {
    constexpr std::string_view hex =
        "28b52ffd240e7100006f6e650a74776f0a74687265650aa458893428b52ffd2405290000666f75720aa323fa36";
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return bytes;
  }

  TemporaryFolder folder_;
};

TEST_F(PackedFileTest, PlainFilesAreReadAsTheyAre) {
  EXPECT_EQ(read_all("plain\n", 4), "plain\n");
  EXPECT_EQ(read_all("", 4), "");
  EXPECT_EQ(read_all("\x1F", 4), "\x1F");
}

TEST_F(PackedFileTest, GzipMembersFollowEachOther) {
  const std::string text = lines(50'000);
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
    const std::string some = step == 1 ? lines(300) : text;
    EXPECT_TRUE(read_all(gzip(some), step) == some) << step;
    EXPECT_TRUE(read_all(gzip(some) + gzip("") + gzip("more\n") + std::string(512, '\0'), step) == some + "more\n")
        << step;
  }
}

TEST_F(PackedFileTest, DamagedGzipIsToldAndNotReadOn) {
  const std::string packed = gzip(lines(1000));
  for (std::size_t size = 3; size < packed.size(); size += 101)
    EXPECT_EQ(read_all(packed.substr(0, size), 4096), "gzip that is cut short") << size;
  std::string flipped = packed;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  EXPECT_NE(read_all(flipped, 4096).find("damaged gzip"), std::string::npos);
  flipped = packed;
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);
  EXPECT_NE(read_all(flipped, 4096).find("damaged gzip"), std::string::npos) << "the checksum";
}

TEST_F(PackedFileTest, ZstdFramesFollowEachOther) {
  for (const std::size_t step : {1u, 5u, 100u}) EXPECT_EQ(read_all(zstd(), step), "one\ntwo\nthree\nfour\n");
}

TEST_F(PackedFileTest, DamagedZstdIsToldAndNotReadOn) {
  const std::string packed = zstd();
  EXPECT_EQ(read_all(packed.substr(0, packed.size() - 2), 100), "zstd that is cut short");
  std::string flipped = packed;
  flipped[10] = static_cast<char>(flipped[10] ^ 1);
  EXPECT_NE(read_all(flipped, 100).find("damaged zstd"), std::string::npos);
}

TEST_F(PackedFileTest, AMissingFileIsAnError) {
  EXPECT_EQ(open_packed(folder_.path("none")).error().code, Code::not_found);
}

}  // namespace
}  // namespace tapewatch

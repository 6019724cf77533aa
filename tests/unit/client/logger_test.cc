// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>
#include <vector>

#include "tapewatch/log.h"

namespace tapewatch {
namespace {

namespace fs = std::filesystem;

class LoggerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tapewatch-client-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = (folder_ / "app.log").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<Logger> open(Logger::Options options = {}) {
    auto opened = Logger::open(path_, std::move(options));
    EXPECT_TRUE(opened);
    return std::move(opened).value();
  }
  static std::vector<std::string> lines(const std::string& path) {
    std::vector<std::string> out;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  }
  std::vector<std::string> lines() const { return lines(path_); }

  fs::path folder_;
  std::string path_;
};

TEST_F(LoggerTest, WritesOneObjectALine) {
  const auto log = open({.service_name = "oms", .logger = "oms.gateway"});
  log->write_at(1'767'571'200'000'000'123, Logger::Level::warning, "約定\n\"x\"\x01\xff",
                {{"order.id", std::string("ORD-1")},
                 {"quantity", -5},
                 {"big", std::numeric_limits<std::uint64_t>::max()},
                 {"price", 0.1},
                 {"nan", std::numeric_limits<double>::quiet_NaN()},
                 {"manual", true}});
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(
      lines()[0],
      "{\"@timestamp\":\"2026-01-05T00:00:00.000000123Z\",\"log.level\":\"WARNING\","
      "\"message\":\"約定\\n\\\"x\\\"\\u0001\xEF\xBF\xBD\",\"log.logger\":\"oms.gateway\",\"service.name\":\"oms\","
      "\"order.id\":\"ORD-1\",\"quantity\":-5,\"big\":18446744073709551615,\"price\":0.1,\"nan\":null,"
      "\"manual\":true,\"ecs.version\":\"8.11.0\"}");
}

TEST_F(LoggerTest, TimesAreRightOnHardDays) {
  const auto log = open();
  log->write_at(951'782'400'000'000'000, Logger::Level::info, "leap day");
  log->write_at(4'107'542'399'999'999'999, Logger::Level::info, "end of February in a year without one");
  log->write_at(-1, Logger::Level::info, "before the epoch");
  EXPECT_NE(lines()[0].find("2000-02-29T00:00:00.000000000Z"), std::string::npos);
  EXPECT_NE(lines()[1].find("2100-02-28T23:59:59.999999999Z"), std::string::npos);
  EXPECT_NE(lines()[2].find("1969-12-31T23:59:59.999999999Z"), std::string::npos);
}

TEST_F(LoggerTest, LowLevelsAndLongLinesAreNotWritten) {
  const auto log = open({.lowest = Logger::Level::warning, .line_bytes_max = 300});
  log->info("quiet");
  log->warning("loud");
  log->error(std::string(400, 'x'));
  EXPECT_EQ(lines().size(), 1u);
  EXPECT_EQ(log->counts().lines, 1u);
  EXPECT_EQ(log->counts().dropped_lines, 1u);
  EXPECT_EQ(log->counts().bytes, fs::file_size(path_));
}

TEST_F(LoggerTest, ScopesNestAndBelongToTheirThread) {
  const auto log = open();
  {
    const CorrelationScope outer("req-1");
    log->info("a");
    {
      const CorrelationScope inner("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
      log->info("b");
      std::thread([&] { log->info("c"); }).join();
    }
    EXPECT_EQ(CorrelationScope::current(), "req-1");
    log->info("d");
  }
  EXPECT_EQ(CorrelationScope::current(), "");
  const CorrelationScope broken("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01");
  log->info("e");
  const auto all = lines();
  EXPECT_NE(all[0].find("\"labels.correlation_id\":\"req-1\""), std::string::npos);
  EXPECT_NE(all[1].find("\"trace.id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span.id\":\"00f067aa0ba902b7\""),
            std::string::npos);
  EXPECT_EQ(all[2].find("trace.id"), std::string::npos);
  EXPECT_EQ(all[2].find("correlation"), std::string::npos);
  EXPECT_NE(all[3].find("req-1"), std::string::npos);
  EXPECT_EQ(all[4].find("trace.id"), std::string::npos);
  EXPECT_NE(all[4].find("\"labels.correlation_id\":\"00-4bf9"), std::string::npos);
}

TEST_F(LoggerTest, RotationLosesNoLine) {
  const auto log = open();
  constexpr int per_thread = 2'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < per_thread; ++i) log->info("line", {{"thread", t}, {"n", i}});
    });
  }
  for (int i = 0; i < 5; ++i) {
    fs::rename(path_, path_ + "." + std::to_string(i));
    EXPECT_TRUE(log->reopen());
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t count = lines().size();
  for (int i = 0; i < 5; ++i) {
    for (const std::string& line : lines(path_ + "." + std::to_string(i))) {
      EXPECT_EQ(line.front(), '{');
      EXPECT_EQ(line.back(), '}');
      ++count;
    }
  }
  EXPECT_EQ(count, 4u * per_thread);
  EXPECT_EQ(log->counts().lines, 4u * per_thread);
}

TEST_F(LoggerTest, TwoWritersOfOneFileNeverOverwriteEachOther) {
  const auto one = open();
  const auto two = open();
  for (int i = 0; i < 50; ++i) {
    one->info("first");
    two->info("second and longer");
  }
  EXPECT_EQ(lines().size(), 100u);
  EXPECT_EQ(fs::file_size(path_), one->counts().bytes + two->counts().bytes);
}

TEST_F(LoggerTest, AFullDiskIsCountedAndForgiven) {
  auto full = Logger::open("/dev/full", {});
  ASSERT_TRUE(full);
  (*full)->error("lost");
  EXPECT_EQ((*full)->counts().dropped_lines, 1u);
  EXPECT_EQ((*full)->counts().lines, 0u);
}

TEST_F(LoggerTest, AMissingFolderIsAnError) {
  const auto missing = Logger::open((folder_ / "no" / "app.log").string(), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::io);
  const auto log = open();
  log->info("one");
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_FALSE(log->reopen());
  log->info("two");
  EXPECT_EQ(log->counts().lines, 2u);
}

}  // namespace
}  // namespace tapewatch

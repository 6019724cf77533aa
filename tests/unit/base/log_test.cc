// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "fake/clock.h"

namespace tapewatch {
namespace {

std::string drain(int fd) {
  std::string out(65536, '\0');
  const ssize_t n = ::read(fd, out.data(), out.size());
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

TEST(JsonLog, WritesOneObjectALineAndCountsWhatItHoldsBack) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  FakeClock clock;
  clock.set_wall_ns(1'767'571'200'000'000'000);
  JsonLog log(ends[1], clock, LogLevel::info, 2);
  log.debug("not shown");
  log.warn("bulk rejected", {{"status", 429}, {"reason", "a \"b\"\n"}});
  EXPECT_EQ(drain(ends[0]),
            "{\"@timestamp\":\"2026-01-05T00:00:00.000Z\",\"log.level\":\"WARNING\",\"log.logger\":\"tapewatch\","
            "\"message\":\"bulk rejected\",\"status\":429,\"reason\":\"a \\\"b\\\"\\n\"}\n");
  for (int i = 0; i < 5; ++i) log.warn("bulk rejected", {{"status", 429}});
  const std::string burst = drain(ends[0]);
  EXPECT_EQ(std::count(burst.begin(), burst.end(), '\n'), 1);
  clock.advance(std::chrono::seconds(11));
  log.warn("bulk rejected");
  EXPECT_NE(drain(ends[0]).find("\"suppressed\":4"), std::string::npos);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace tapewatch

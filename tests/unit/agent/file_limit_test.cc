// SPDX-License-Identifier: Apache-2.0
#include "file_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "fake/log.h"

namespace tapewatch {
namespace {

TEST(FileLimit, WantsWhatIsNeededAndMayBeHad) {
  const struct {
    std::uint64_t needed, soft, hard, wanted;
  } cases[] = {
      {1640, 1024, 1'048'576, 1640}, {1640, 1024, 1200, 1200},
      {1640, 4096, 1'048'576, 4096},  // never lowered
      {1640, 1024, 1024, 1024},      {1640, RLIM_INFINITY, RLIM_INFINITY, RLIM_INFINITY},
  };
  for (const auto& c : cases) EXPECT_EQ(wanted_soft_limit(c.needed, {c.soft, c.hard}), c.wanted);
}

TEST(FileLimit, FilesAndConnectionsAreCounted) {
  Config config;
  config.limits.files_open_max = 5000;
  const std::uint64_t with_http = descriptors_needed(config);
  EXPECT_GT(with_http, 5000u + 256u);
  config.http.enabled = false;
  EXPECT_LT(descriptors_needed(config), with_http);
  EXPECT_GT(descriptors_needed(config), 5000u);
}

TEST(FileLimit, RaisesItsOwnProcessAndWarnsWhenThatIsNotEnough) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  CapturedLog log;
  Config config;
  config.http.enabled = false;
  config.limits.files_open_max = 100;
  raise_file_limit(config, log);
  struct rlimit after {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, descriptors_needed(config));
  EXPECT_FALSE(log.has("too low"));
  config.limits.files_open_max = before.rlim_max;
  raise_file_limit(config, log);
  EXPECT_TRUE(log.has("LimitNOFILE="));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Every broken configuration in broken/ prints exactly what stands beside it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config.h"

namespace tapewatch {
namespace {

std::filesystem::path broken_folder() {
  return std::filesystem::path(TAPEWATCH_SOURCE_DIR) / "tests/unit/agent/broken";
}

std::vector<std::string> broken_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(broken_folder())) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class BrokenConfig : public testing::TestWithParam<std::string> {};

TEST_P(BrokenConfig, PrintsEveryFaultWithItsPlace) {
  ASSERT_EQ(::chdir(broken_folder().c_str()), 0);  // the names in the messages are those that were given
  const Surroundings around{[](const std::string& name) -> std::optional<std::string> {
                              if (name == "HOME") return "/home/trader";
                              return std::nullopt;
                            },
                            "trade-host-01", "/srv/app"};
  Diagnostics diagnostics;
  EXPECT_FALSE(load_config(GetParam() + ".yaml", around, diagnostics).has_value());
  EXPECT_TRUE(diagnostics.has_errors());
  const std::string printed = diagnostics.render(false);
  std::ifstream file(GetParam() + ".expected");
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(printed, expected.str()) << "printed:\n" << printed;
  for (const Diagnostic& d : diagnostics.all()) EXPECT_FALSE(explain_config_fault(d.number).empty()) << d.number;
}

INSTANTIATE_TEST_SUITE_P(All, BrokenConfig, testing::ValuesIn(broken_names()),
                         [](const testing::TestParamInfo<std::string>& test) { return test.param; });

}  // namespace
}  // namespace tapewatch

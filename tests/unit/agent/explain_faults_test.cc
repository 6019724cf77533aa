// SPDX-License-Identifier: Apache-2.0
// Every number that the source can give a fault is explained, and nothing else is.
#include "explain_faults.h"

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace tapewatch {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Numbers from `first` on, less than 100 above it, that stand between `before` and `after`.
std::set<int> numbers(const std::string& text, int first, const std::string& before, const std::string& after) {
  std::set<int> out;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
    std::size_t end = at + before.size();
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (end != at + before.size() + 3 || text.compare(end, after.size(), after) != 0) continue;
    const int number = std::stoi(text.substr(at + before.size(), 3));
    if (number >= first && number < first + 100) out.insert(number);
  }
  return out;
}

std::set<int> explained(int first) {
  std::set<int> out;
  for (int number = first; number < first + 100; ++number) {
    if (!explain_fault(number).empty()) out.insert(number);
  }
  return out;
}

const fs::path agent = fs::path(TAPEWATCH_SOURCE_DIR) / "agent";

TEST(ExplainFaults, EveryConfigurationFault) {
  std::set<int> given;
  for (const fs::directory_entry& file : fs::directory_iterator(agent)) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with("config") || name == "config_explain.cc") continue;
    given.merge(numbers(read(file.path()), 100, ", ", ","));
  }
  EXPECT_GT(given.size(), 30u);
  for (const int number : given) EXPECT_FALSE(explain_fault(number).empty()) << number;
}

TEST(ExplainFaults, EveryRuleFault) {
  const std::set<int> given = numbers(read(agent / "detect" / "rule_fault.h"), 200, " = ", ";");
  EXPECT_GT(given.size(), 30u);
  EXPECT_EQ(given, explained(200));
}

TEST(ExplainFaults, EveryQueryFault) {
  const std::set<int> given = numbers(read(agent / "storage" / "query.cc"), 300, " = ", ",");
  EXPECT_GE(given.size(), 10u);
  EXPECT_EQ(given, explained(300));
}

TEST(ExplainFaults, TheFirstLineIsTheFaultInShort) {
  for (int number = 0; number < 1000; ++number) {
    const std::string text(explain_fault(number));
    if (text.empty()) continue;
    EXPECT_LE(text.find('\n') == std::string::npos ? text.size() : text.find('\n'), 90u) << number;
    EXPECT_NE(text.back(), '\n') << number;
  }
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "cli_args.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

const Command find{
    "find",
    "WORD",
    "look for something",
    "",
    {{"config", 'c', "FILE", "the configuration"}, {"json", 0, "", "as JSON"}, {"rules", 'r', "PATH", ""}},
    "tapewatch find x",
    1,
    2,
    {},
    nullptr};

std::string fault(const Command& command, const std::vector<std::string>& given) {
  const auto arguments = parse_arguments(command, given);
  return arguments ? "" : arguments.error().message;
}

TEST(Arguments, FlagsStandAnywhereAndInEveryForm) {
  const auto a = parse_arguments(find, {"-ca", "x", "--config=b", "--rules", "r1", "-r", "r2", "--json", "--", "--y"});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->value("config"), "b");
  EXPECT_EQ(a->values("rules"), (std::vector<std::string>{"r1", "r2"}));
  EXPECT_TRUE(a->has("json"));
  EXPECT_EQ(a->words(), (std::vector<std::string>{"x", "--y"}));
  EXPECT_EQ(a->value("limit", "7"), "7");
}

TEST(Arguments, ADashAloneIsAWord) {
  const auto a = parse_arguments(find, {"-"});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->words(), std::vector<std::string>{"-"});
}

TEST(Arguments, FaultsSaySomethingUseful) {
  EXPECT_EQ(fault(find, {"x", "--jsno"}), "unknown flag --jsno of find; did you mean --json?");
  EXPECT_EQ(fault(find, {"x", "-q"}), "unknown flag -q of find");
  EXPECT_EQ(fault(find, {"x", "--json=1"}), "--json takes no value");
  EXPECT_EQ(fault(find, {"x", "--config"}), "--config needs FILE");
  EXPECT_EQ(fault(find, {}), "find needs WORD");
  EXPECT_EQ(fault(find, {"a", "b", "c"}), "find does not take \"c\"");
  Command verbs = find;
  verbs.verbs = {"print", "apply"};
  EXPECT_EQ(fault(verbs, {"aply"}), "find does not know \"aply\"; did you mean apply?");
}

TEST(Arguments, HelpNeedsNothingElse) {
  const auto a = parse_arguments(find, {"--help"});
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->has("help"));
  const std::string text = help_text(find);
  EXPECT_NE(text.find("tapewatch find WORD: look for something"), std::string::npos);
  EXPECT_NE(text.find("-c --config FILE"), std::string::npos);
  EXPECT_NE(text.find("examples:\n  tapewatch find x"), std::string::npos);
}

}  // namespace
}  // namespace tapewatch

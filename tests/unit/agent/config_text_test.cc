// SPDX-License-Identifier: Apache-2.0
#include "config_text.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

struct Case {
  std::string name;
  std::string text;
  std::string shown;
};

class RedactSecrets : public testing::TestWithParam<Case> {};

TEST_P(RedactSecrets, KeepsLengthsAndHidesValues) {
  EXPECT_EQ(redact_secrets(GetParam().text), GetParam().shown);
  EXPECT_EQ(redact_secrets(GetParam().text).size(), GetParam().text.size());
}

INSTANTIATE_TEST_SUITE_P(
    All, RedactSecrets,
    testing::Values(Case{"plain", "  password: ab c\n", "  password: ****\n"},
                    Case{"quoted", "token: \"a: b\" # why\n", "token: ****** # why\n"},
                    Case{"misspelt", "pasword: abc\napi_kye: abc", "pasword: ***\napi_kye: ***"},
                    Case{"no_space", "token:abc", "token:***"},
                    Case{"in_a_map", "{token: abc, x: 1}", "{token: ***, x: 1}"},
                    Case{"file", "token: {file: /x/y}\n", "token: {file: /x/y}\n"},
                    Case{"reference", "token: ${TOKEN}\n", "token: ${TOKEN}\n"},
                    Case{"default", "token: ${TOKEN:-abc}\n", "token: *************\n"},
                    Case{"below", "password:\n  abc\nname: x\n", "password:\n  ***\nname: x\n"},
                    Case{"file_below", "password:\n  file: /x\n", "password:\n  file: /x\n"},
                    Case{"block", "a:\n  secret: |\n    abc\n    d\n  b: 1", "a:\n  secret: |\n    ***\n    *\n  b: 1"},
                    Case{"url", "hosts: [\"http://u:p@h:1/a@b\"]", "hosts: [\"http://***@h:1/a@b\"]"},
                    Case{"others", "keys: [pin]\nkey: /a.pem\nname: token\n",
                         "keys: [pin]\nkey: /a.pem\nname: token\n"}),
    [](const testing::TestParamInfo<Case>& test) { return test.param.name; });

TEST(FindUnclosed, TellsWhereItWasOpened) {
  const auto place = [](const std::string& text, int line_max = 99) {
    const auto found = find_unclosed(text, line_max);
    return found ? std::string(1, found->opened) + std::to_string(found->line) + ":" + std::to_string(found->column)
                 : "";
  };
  EXPECT_EQ(place("a: [x, y]\nb: 'it''s'\nc: it's [fine] {here}\n# \"\n"), "");
  EXPECT_EQ(place("a: 1\nb: \"x\nc: \"y\"\n"), "\"2:4");
  EXPECT_EQ(place("a: 'x\nb: 1\n"), "'1:4");
  EXPECT_EQ(place("a: [x, {y: 1}\nb: 2\n"), "[1:4");
  EXPECT_EQ(place("a: \"\\\"\"\n"), "");
  EXPECT_EQ(place("a: 1\nb: [\n", 1), "");
}

}  // namespace
}  // namespace tapewatch

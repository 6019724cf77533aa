// SPDX-License-Identifier: Apache-2.0
// The values that rules compare with: patterns, numbers, networks, encodings, folding, literals of expressions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "detect/cidr.h"
#include "detect/decimal.h"
#include "detect/fold.h"
#include "detect/pattern.h"
#include "detect/regex_literal.h"
#include "detect/text_codec.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(FoldTest, KeepsLengthAndFoldsPairs) {
  EXPECT_EQ(folded("AbC-ÄÖÜ-ΑΩ-ЖЯЁ-ĀŽ-Ａ-ß-約定"), "abc-äöü-αω-жяё-āž-ａ-ß-約定");
  EXPECT_EQ(folded("\xC3"), "\xC3") << "a broken character stays";
  EXPECT_TRUE(is_folded_ascii("abc[`{@ 0123456789"));
  EXPECT_FALSE(is_folded_ascii("0123456789abcZ"));
  EXPECT_FALSE(is_folded_ascii("0123456A89abc"));
  EXPECT_FALSE(is_folded_ascii("é"));
}

TEST(FoldTest, CaselessHashIsOfAllSpellings) {
  for (const char* text : {"", "a", "ab", "abc", "order", "order.rejected", "order.rejected.by.risk.limits"}) {
    std::string upper = text;
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    EXPECT_EQ(caseless_hash(text), caseless_hash(upper)) << text;
  }
  EXPECT_NE(caseless_hash("order.a"), caseless_hash("order.b"));
}

TEST(DecimalTest, ComparesExactly) {
  struct Case {
    const char* a;
    const char* b;
    int order;
  };
  for (const Case& c : std::vector<Case>{{"1", "1.0", 0},
                                         {"10", "1e1", 0},
                                         {"0", "-0.0", 0},
                                         {"9007199254740993", "9007199254740992", 1},
                                         {"123456789012345678901234567890", "123456789012345678901234567891", -1},
                                         {"-2", "-1", -1},
                                         {"-1", "1", -1},
                                         {"0.1", "0.09", 1},
                                         {"1e-5", "0.00001", 0},
                                         {"99.99", "100", -1},
                                         {"1e300", "2", 1},
                                         {"0.30", "0.3", 0}}) {
    const auto a = Decimal::parse(c.a);
    const auto b = Decimal::parse(c.b);
    ASSERT_TRUE(a && b);
    const auto sign = [](std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; };
    EXPECT_EQ(sign(a->compare(*b)), c.order) << c.a << " " << c.b;
    EXPECT_EQ(sign(*b->compare_text(c.a)), c.order) << c.a << " " << c.b;
    EXPECT_EQ(a->canonical() == b->canonical(), c.order == 0) << c.a << " " << c.b;
  }
}

TEST(DecimalTest, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-", "05", "+5", ".5", "5.", "1e", "0x1F", "1_000", "NaN", " 1", "1e99999", "1.2.3"}) {
    EXPECT_FALSE(Decimal::parse(text)) << text;
    EXPECT_FALSE(Decimal::from(1).compare_text(text)) << text;
  }
  EXPECT_TRUE(is_plain_integer("-12"));
  EXPECT_FALSE(is_plain_integer("-0"));
  EXPECT_FALSE(is_plain_integer("012"));
  EXPECT_FALSE(is_plain_integer("1.0"));
}

TEST(CidrTest, BordersOfNetworks) {
  const auto network = Cidr::parse("192.0.2.128/25");
  ASSERT_TRUE(network.ok());
  EXPECT_TRUE(network->contains("192.0.2.128"));
  EXPECT_TRUE(network->contains("192.0.2.255"));
  EXPECT_FALSE(network->contains("192.0.2.127"));
  EXPECT_FALSE(network->contains("::ffff:192.0.2.128"));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains("8.8.8.8"));
  EXPECT_TRUE(Cidr::parse("::1")->contains("0:0:0:0:0:0:0:1"));
  for (const char* bad : {"", "x", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/8 ", "1.2.3.4/-1"}) {
    EXPECT_FALSE(Cidr::parse(bad).ok()) << bad;
  }
}

TEST(CodecTest, Base64OfTheStandard) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_THAT(base64_offsets("/bin/bash"), ElementsAre("L2Jpbi9iYXNo", "9iaW4vYmFza", "vYmluL2Jhc2"));
}

TEST(CodecTest, Utf16) {
  EXPECT_EQ(utf16("aé", ByteOrder::little), std::string("a\0\xE9\0", 4));
  EXPECT_EQ(utf16("a", ByteOrder::big), std::string("\0a", 2));
  EXPECT_EQ(utf16("\xF0\x9F\x9A\x80", ByteOrder::big), "\xD8\x3D\xDE\x80");
}

TEST(PatternTest, Shapes) {
  const auto shape = [](const char* text) {
    Pattern pattern = Pattern::parse(text);
    pattern.finish(false);
    return pattern.shape();
  };
  EXPECT_EQ(shape(""), Pattern::Shape::exact);
  EXPECT_EQ(shape("abc"), Pattern::Shape::exact);
  EXPECT_EQ(shape("*"), Pattern::Shape::anything);
  EXPECT_EQ(shape("***"), Pattern::Shape::anything);
  EXPECT_EQ(shape("abc*"), Pattern::Shape::prefix);
  EXPECT_EQ(shape("*abc"), Pattern::Shape::suffix);
  EXPECT_EQ(shape("*abc*"), Pattern::Shape::substring);
  EXPECT_EQ(shape("a*c"), Pattern::Shape::glob);
  EXPECT_EQ(shape("?"), Pattern::Shape::glob);
}

TEST(PatternTest, WitnessIsTheLongestPartWithoutCaseBeyondAscii) {
  const auto witness = [](const char* text) {
    Pattern pattern = Pattern::parse(text);
    pattern.finish(false);
    return pattern.witness();
  };
  EXPECT_EQ(witness("*ab*cdef*g"), "cdef");
  EXPECT_EQ(witness("Größe"), "gr");
  EXPECT_EQ(witness("約定"), "約定");
  EXPECT_EQ(witness("*"), "");
}

TEST(RegexLiteralTest, WhatEveryMatchHolds) {
  struct Case {
    const char* regex;
    std::vector<std::string> want;
  };
  for (const Case& c : std::vector<Case>{{"timeout", {"timeout"}},
                                         {"^GET /admin", {"GET /admin"}},
                                         {"a.*longer", {"longer"}},
                                         {"foo\\.bar", {"foo.bar"}},
                                         {"abcd?ef", {"abc"}},
                                         {"abcd*", {"abc"}},
                                         {"abcd+efg", {"abcd"}},
                                         {"abcd{0,2}", {"abc"}},
                                         {"abc|defg", {"abc", "defg"}},
                                         {"abc|d", {}},
                                         {"(abc|def)ghi", {"ghi"}},
                                         {"(abc)?xyz", {"xyz"}},
                                         {"[abc]defg[^]x]", {"defg"}},
                                         {"\\d+\\s\\w", {}},
                                         {"\\x41abcd", {}},
                                         {"\\Qabc\\E", {}},
                                         {"(?i)password", {"word"}},
                                         {"(?i)timeout", {"timeout"}},
                                         {"(?P<n>abcdef)", {}},
                                         {"caf\xC3\xA9?s", {"caf"}}}) {
    EXPECT_EQ(required_literals(c.regex, false), c.want) << c.regex;
  }
  EXPECT_THAT(required_literals("kiosk", true), IsEmpty()) << "the Kelvin sign is a k, the long s is an s";
}

}  // namespace
}  // namespace tapewatch

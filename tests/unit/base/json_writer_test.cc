// SPDX-License-Identifier: Apache-2.0
#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace tapewatch {
namespace {

TEST(JsonWriter, EscapesWhatMustBe) {
  EXPECT_EQ(json_string("plain"), "\"plain\"");
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01\x1f"), R"("a\"b\\c\n\r\t\u0001\u001f")");
  EXPECT_EQ(json_string("約定 🚀"), "\"約定 🚀\"");
}

TEST(JsonWriter, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(json_string("a\xFF\xC0\x80z"), "\"a\uFFFD\uFFFD\uFFFDz\"");
  EXPECT_EQ(json_string("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"") << "a surrogate is no character";
  EXPECT_EQ(json_string("\xE7\xB4"), "\"\uFFFD\uFFFD\"") << "cut in the middle";
}

TEST(JsonWriter, ObjectsSeparateTheirMembers) {
  std::string out;
  JsonObject object(out);
  object.add("a", 1);
  object.add("b", "x");
  object.add("c", true);
  object.add("d", 0.5);
  object.add("e", std::numeric_limits<double>::infinity());
  object.add("f", std::numeric_limits<std::uint64_t>::max());
  object.end();
  EXPECT_EQ(out, R"({"a":1,"b":"x","c":true,"d":0.5,"e":null,"f":18446744073709551615})");
}

}  // namespace
}  // namespace tapewatch

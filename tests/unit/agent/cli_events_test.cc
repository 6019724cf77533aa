// SPDX-License-Identifier: Apache-2.0
#include "cli_events.h"

#include <gtest/gtest.h>

#include "cli_console.h"

namespace tapewatch {
namespace {

TEST(TerminalSafe, ShowsWhatCouldActOnATerminal) {
  EXPECT_EQ(terminal_safe("a\x1b[31mb\r\nc\td"), "a\\x1b[31mb\\x0d\\x0ac\td");
  EXPECT_EQ(terminal_safe("\xc2\x9b"
                          "31m"),
            "\\u009b31m");  // CSI as one C1 character
  EXPECT_EQ(terminal_safe("a\xe2\x80\xae"
                          "b"),
            "a\\u202eb");                                       // right-to-left override
  EXPECT_EQ(terminal_safe("\x9b\xff\x7f"), "\\x9b\\xff\\x7f");  // not UTF-8
  EXPECT_EQ(terminal_safe("注文を受け付けました é"), "注文を受け付けました é");
}

TEST(EventLine, PutsTimeLevelLoggerAndMessageFirst) {
  EXPECT_EQ(event_line(R"({"@timestamp":"2026-01-05T00:00:00Z","log.level":"error","log":{"logger":"oms"},)"
                       R"("message":"order rejected","order":{"id":"ORD-1","qty":5},"host":{"name":"h"}})",
                       false),
            "2026-01-05T00:00:00Z ERROR    oms order rejected  order.id=ORD-1 order.qty=5");
}

TEST(EventLine, NeverPassesControlBytesOn) {
  const std::string line = event_line(R"({"message":"a\u001b]0;x\u0007b\u009b","k\u001b":"v\n"})", true);
  EXPECT_EQ(line.find('\a'), std::string::npos);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find("\x1b]"), std::string::npos);
  EXPECT_EQ(event_line("not json \x1b[2J", true), "not json \\x1b[2J");
}

TEST(Json, ListsAreTakenApartWithoutChangingTheirItems) {
  const std::string json = R"({"a":[1,{"x":"]"}], "events": [ {"n":1.50} , {"n":[2]}, "s" ],"cursor":"c\"1"})";
  const auto items = list_items(json, "events");
  ASSERT_TRUE(items);
  EXPECT_EQ(*items, (std::vector<std::string_view>{R"({"n":1.50})", R"({"n":[2]})", "\"s\""}));
  EXPECT_EQ(top_scalar(json, "cursor"), "c\"1");
  EXPECT_EQ(top_scalar(json, "events"), "");
  EXPECT_EQ(top_scalar(json, "none"), "");
  EXPECT_TRUE(list_items(R"({"events":[]})", "events")->empty());
}

TEST(Json, BrokenAnswersAreErrors) {
  for (const char* json : {"", "{", "[]", R"({"events":1})", R"({"events":[1)", R"({"events":[1 2]})", R"({"x":[]})",
                           R"({"events":[{]})", "{\"events\":[\"\x01\"]}"}) {
    EXPECT_FALSE(list_items(json, "events")) << json;
  }
}

TEST(Json, FlatteningIsBounded) {
  std::string deep = "{\"a\":";
  for (int i = 0; i < 1000; ++i) deep += "[";
  EXPECT_FALSE(flatten_json(deep));
  std::string wide = "{\"a\":[0";
  for (int i = 0; i < 5000; ++i) wide += ",1";
  const auto flat = flatten_json(wide + "]}");
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->size(), scalars_max);
}

}  // namespace
}  // namespace tapewatch

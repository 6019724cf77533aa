// SPDX-License-Identifier: Apache-2.0
#include "sinks/bulk_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fake/bulk.h"

namespace tapewatch {
namespace {

Bulk bulk_of(std::size_t items) {
  Batch batch = fake_batch(1, items);
  return Bulk{std::move(batch.body), std::move(batch.items), {}};
}

TEST(BulkReply, CountsVerdicts) {
  const Bulk bulk = bulk_of(5);
  BulkReply reader;
  const std::string text =
      fake_reply(bulk.body, {{201, ""}, {200, ""}, {409, ""}, {429, "es_rejected_execution_exception"}});
  const BulkVerdict verdict = reader.read(text, bulk).value();
  EXPECT_EQ(verdict.created, 3U);
  EXPECT_EQ(verdict.duplicate, 1U);
  ASSERT_EQ(verdict.refused.size(), 1U);
  EXPECT_EQ(verdict.refused[0].item, 3U);
  EXPECT_EQ(verdict.refused[0].status, 429);
  EXPECT_EQ(verdict.refused[0].type, "es_rejected_execution_exception");
  EXPECT_EQ(verdict.refused[0].reason, "because \"x\"");
}

TEST(BulkReply, TakesWhatOtherEnginesWrite) {
  const Bulk bulk = bulk_of(2);
  BulkReply reader;
  // No ids, other order, white space, unknown members, an error that is a string.
  const auto verdict = reader.read(
      " { \"items\" : [ {\"create\":{\"status\":201,\"x\":[1,{\"status\":500}]}} ,\n{\"create\":{\"error\":\"no "
      "\\u00fc\","
      "\"status\":400}} ] , \"errors\" : true , \"took\":1.5e3 } ",
      bulk);
  ASSERT_TRUE(verdict.ok()) << verdict.error().message;
  EXPECT_EQ(verdict->created, 1U);
  EXPECT_EQ(verdict->refused.at(0).reason, "no \xc3\xbc");
}

TEST(BulkReply, ALongReasonIsCutBetweenCharacters) {
  const Bulk bulk = bulk_of(1);
  BulkReply reader;
  std::string reason;
  for (int i = 0; i < 2000; ++i) reason += "\\u00fc";
  const auto verdict =
      reader.read("{\"errors\":true,\"items\":[{\"create\":{\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"" +
                      reason + "\"}}}]}",
                  bulk);
  ASSERT_TRUE(verdict.ok());
  EXPECT_LE(verdict->refused[0].reason.size(), BulkReply::reason_bytes_max);
  EXPECT_EQ(verdict->refused[0].reason.substr(0, 4), "\xc3\xbc\xc3\xbc");
}

struct Case {
  const char* name;
  std::string text;
};

std::vector<Case> broken_replies() {
  const Bulk bulk = bulk_of(2);
  const std::string good = fake_reply(bulk.body);
  const auto replaced = [&good](const std::string& from, const std::string& to) {
    std::string out = good;
    out.replace(out.find(from), from.size(), to);
    return out;
  };
  return {
      {"Empty", ""},
      {"Html", "<html><body>Sign in</body></html>"},
      {"NotAnObject", "[1,2]"},
      {"EmptyObject", "{}"},
      {"NoErrorsMember", replaced("\"errors\":true,", "")},
      {"ErrorsIsText", replaced("\"errors\":true", "\"errors\":\"false\"")},
      {"ErrorsIsNull", replaced("\"errors\":true", "\"errors\":null")},
      {"NoItems", "{\"took\":1,\"errors\":false}"},
      {"ItemsIsObject", "{\"errors\":false,\"items\":{}}"},
      {"ItemsTwice",
       replaced("\"items\":[", "\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":201}}],\"items\":[")},
      {"FewerItems", fake_reply(bulk_of(1).body)},
      {"MoreItems", fake_reply(bulk_of(3).body)},
      {"OtherAction", replaced("\"create\"", "\"index\"")},
      {"OtherId", replaced("1-1", "1-2")},
      {"TwoActions", replaced("}},{", "},\"delete\":{}},{")},
      {"StatusIsText", replaced("\"status\":201", "\"status\":\"201\"")},
      {"StatusIsFraction", replaced("\"status\":201", "\"status\":201.5")},
      {"StatusIsHuge", replaced("\"status\":201", "\"status\":99999999999")},
      {"StatusIsZero", replaced("\"status\":201", "\"status\":0")},
      {"NoStatus", replaced(",\"status\":201", "")},
      {"EmptyItem", replaced("{\"create\":{", "{},{\"create\":{")},
      {"TrailingText", good + "{}"},
      {"TrailingComma", replaced("}]}", "},]}")},
      {"BadNumber", replaced("\"took\":3", "\"took\":03")},
      {"BadLiteral", replaced("\"took\":3", "\"took\":tru")},
      {"ControlCharacter", replaced("\"took\":3", "\"took\":\"\n\"")},
      {"NotUtf8", replaced("\"took\":3", "\"took\":\"\xff\"")},
      {"DeepNesting", replaced("\"took\":3", "\"took\":" + std::string(5000, '[') + std::string(5000, ']'))},
  };
}

class BrokenReply : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Replies, BrokenReply, testing::ValuesIn(broken_replies()),
                         [](const auto& param) { return param.param.name; });

TEST_P(BrokenReply, IsNotUnderstood) {
  const Bulk bulk = bulk_of(2);
  BulkReply reader;
  const auto verdict = reader.read(GetParam().text, bulk);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, Code::bad_reply);
}

TEST(BulkReply, NoTruncationIsUnderstood) {
  const Bulk bulk = bulk_of(3);
  BulkReply reader;
  const std::string good = fake_reply(bulk.body, {{201, ""}, {400, "t"}, {201, ""}});
  ASSERT_TRUE(reader.read(good, bulk).ok());
  for (std::size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(reader.read(std::string_view(good).substr(0, n), bulk).ok()) << n;
  }
}

// Every byte changed to a few others: never a crash, and never a verdict on the wrong number of items.
TEST(BulkReply, SurvivesAnyChangedByte) {
  const Bulk bulk = bulk_of(2);
  BulkReply reader;
  const std::string good = fake_reply(bulk.body, {{201, ""}, {400, "t"}});
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char c : std::string_view("\"\\{}[],:0\x01\xff", 11)) {
      std::string text = good;
      text[i] = c;
      const auto verdict = reader.read(text, bulk);
      if (verdict.ok()) {
        EXPECT_EQ(verdict->created + verdict->duplicate + verdict->refused.size(), 2U);
      }
    }
  }
}

}  // namespace
}  // namespace tapewatch

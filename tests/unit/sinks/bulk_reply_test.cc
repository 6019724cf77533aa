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

// Replies without errors take the fast way; it must come to the same verdicts as the strict reader.
class UniformReply : public testing::Test {
 protected:
  static std::string item(std::size_t i, const std::string& id = "", int term = 1) {
    return "{\"create\":{\"_index\":\"i\",\"_id\":\"" + (id.empty() ? "1-" + std::to_string(i % 10) : id) +
           "\",\"_version\":1,\"_shards\":{\"total\":2},\"_seq_no\":" + std::to_string(i * 7) +
           ",\"_primary_term\":" + std::to_string(term) + ",\"status\":201}}";
  }
  static std::string reply(const std::vector<std::string>& items) {
    std::string out = "{\"errors\":false,\"took\":3,\"items\":[";
    for (std::size_t i = 0; i < items.size(); ++i) out += (i > 0 ? "," : "") + items[i];
    return out + "]}";
  }
  static std::vector<std::string> items(std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(item(i));
    return out;
  }
  Bulk bulk_ = bulk_of(10);
  BulkReply reader_;
};

TEST_F(UniformReply, AllCreated) {
  EXPECT_EQ(reader_.read(reply(items(10)), bulk_).value().created, 10U);
  std::vector<std::string> terms = items(10);
  for (std::size_t i = 0; i < 10; ++i) terms[i] = item(i, "", static_cast<int>(i) / 3);
  EXPECT_EQ(reader_.read(reply(terms), bulk_).value().created, 10U);
}

TEST_F(UniformReply, ADifferentItemIsSeen) {
  std::vector<std::string> some = items(10);
  some[4].replace(some[4].find("201"), 3, "409");
  some[7].replace(some[7].find("201"), 3, "429");
  const BulkVerdict verdict = reader_.read(reply(some), bulk_).value();
  EXPECT_EQ(verdict.created, 8U);
  EXPECT_EQ(verdict.duplicate, 1U);
  EXPECT_EQ(verdict.refused.at(0).item, 7U);
}

TEST_F(UniformReply, WrongCountsAndIdsAreNotUnderstood) {
  EXPECT_FALSE(reader_.read(reply(items(9)), bulk_).ok());
  EXPECT_FALSE(reader_.read(reply(items(11)), bulk_).ok());
  std::vector<std::string> other = items(10);
  other[0] = item(0, "9-9");
  EXPECT_FALSE(reader_.read(reply(other), bulk_).ok());
  other = items(10);
  other[9] = item(9, "9-9");
  EXPECT_FALSE(reader_.read(reply(other), bulk_).ok());
}

TEST_F(UniformReply, NoTruncationAndNoChangedByteIsTakenForMoreThanItIs) {
  const std::string good = reply(items(10));
  for (std::size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(reader_.read(std::string_view(good).substr(0, n), bulk_).ok()) << n;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char c : std::string_view("\"{}[],0x", 8)) {
      std::string text = good;
      text[i] = c;
      const auto verdict = reader_.read(text, bulk_);
      if (verdict.ok()) {
        EXPECT_EQ(verdict->created + verdict->duplicate + verdict->refused.size(), 10U);
      }
    }
  }
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

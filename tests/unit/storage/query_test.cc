// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/query.h"

#include <gtest/gtest.h>

namespace tapewatch {
namespace {

constexpr const char* order =
    R"({"@timestamp":"2026-01-05T00:00:00Z","log.level":"ERROR","message":"Order REJECTED: limit exceeded",)"
    R"("labels":{"correlation_id":"3f2a-77","desk":"tokyo_1"},"order":{"id":"ORD-000123","qty":500,"price":12.5,)"
    R"("tags":["urgent","vip client"],"legs":[{"side":"buy"},{"side":"sell"}],"parent":null,"open":true},)"
    R"("note":"\u7d04\u5b9a \u30a8\u30e9\u30fc path C:\\temp\\new","memo":"約定番号が不正です","ratio":"7.5"})";

struct MatchCase {
  const char* name;
  const char* query;
  bool matches;
};

class QueryMatches : public ::testing::TestWithParam<MatchCase> {};

TEST_P(QueryMatches, Order) {
  const auto parsed = Query::parse(GetParam().query);
  ASSERT_TRUE(std::holds_alternative<Query>(parsed)) << std::get<QueryFault>(parsed).message;
  EXPECT_EQ(std::get<Query>(parsed).matches(order), GetParam().matches) << GetParam().query;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, QueryMatches,
    ::testing::Values(
        MatchCase{"Empty", "", true}, MatchCase{"Blank", "  ", true}, MatchCase{"Word", "rejected", true},
        MatchCase{"WordIsWhole", "reject", false}, MatchCase{"WordWithStar", "reject*", true},
        MatchCase{"StarInFront", "*jected", true}, MatchCase{"StarsAround", "*xceede*", true},
        MatchCase{"StarInside", "ord-*123", true}, MatchCase{"StarKeepsToOneWord", "order*exceeded", false},
        MatchCase{"KeysAreNotText", "labels", false}, MatchCase{"Id", "ORD-000123", true},
        MatchCase{"PartOfIdIsAWordToo", "000123", true}, MatchCase{"CutId", "ord-00012", false},
        MatchCase{"Phrase", "\"limit exceeded\"", true}, MatchCase{"PhraseInOrder", "\"exceeded limit\"", false},
        MatchCase{"StarInPhraseIsAStar", "\"limit*\"", false}, MatchCase{"Underscore", "tokyo", false},
        MatchCase{"Japanese", "番号", true}, MatchCase{"JapaneseEscaped", "約定", true},
        MatchCase{"JapaneseEscapedWord", "エラー", true}, MatchCase{"JapaneseAbsent", "売買", false},
        MatchCase{"Backslash", "\"c:\\\\temp\"", true}, MatchCase{"NotTheEscape", "u7d04", false},
        MatchCase{"NewIsAWord", "new", true}, MatchCase{"Nested", "order.id:ORD-000123", true},
        MatchCase{"DottedKey", "log.level:error", true}, MatchCase{"OtherField", "message:ORD-000123", false},
        MatchCase{"WordInField", "message:rejected", true},
        MatchCase{"PhraseInField", "message:\"order rejected\"", true},
        MatchCase{"WholeNot", "message:=rejected", false}, MatchCase{"WholeQuoted", "order.tags:=\"VIP client\"", true},
        MatchCase{"WholeStar", "message:=order*exceeded", true}, MatchCase{"Array", "order.tags:urgent", true},
        MatchCase{"ArrayOfObjects", "order.legs.side:sell", true}, MatchCase{"NumberWhole", "order.qty:500", true},
        MatchCase{"NumberNotInPart", "order.qty:5", false}, MatchCase{"NumberDot", "order.price:12", false},
        MatchCase{"NumberStar", "order.price:12*", true}, MatchCase{"True", "order.open:true", true},
        MatchCase{"Exists", "order.id:*", true}, MatchCase{"ObjectExists", "order:*", true},
        MatchCase{"NullIsNotThere", "order.parent:*", false}, MatchCase{"Null", "order.parent:null", true},
        MatchCase{"Absent", "trade.id:*", false}, MatchCase{"AtLeast", "order.qty:>=500", true},
        MatchCase{"More", "order.qty:>500", false}, MatchCase{"Less", "order.price:<12.6", true},
        MatchCase{"Range", "order.qty:[400..500]", true}, MatchCase{"RangeSpaces", "order.qty:[ 501 .. 600 ]", false},
        MatchCase{"NumberInString", "ratio:>7", true}, MatchCase{"NoNumber", "order.id:>1", false},
        MatchCase{"And", "rejected and limit", true}, MatchCase{"AndFails", "rejected accepted", false},
        MatchCase{"Or", "accepted or rejected", true}, MatchCase{"Not", "not accepted", true},
        MatchCase{"Minus", "rejected -limit", false}, MatchCase{"MinusField", "-order.qty:>1000", true},
        MatchCase{"Precedence", "rejected or accepted and accepted", true},
        MatchCase{"Brackets", "(rejected or accepted) accepted", false},
        MatchCase{"Deep", "((not (a or b)) and (limit))", true}, MatchCase{"Url", "http://x", false},
        MatchCase{"TimeIsAWord", "05T00:00:00Z or 2026-01-05T00:00:00Z", true}, MatchCase{"OnlyStar", "*", true}),
    [](const auto& test) { return std::string(test.param.name); });

struct FaultCase {
  const char* name;
  const char* query;
  int number;
  std::size_t offset;
  std::size_t length;
};

class QueryFaults : public ::testing::TestWithParam<FaultCase> {};

TEST_P(QueryFaults, TellWhere) {
  const auto parsed = Query::parse(GetParam().query);
  ASSERT_TRUE(std::holds_alternative<QueryFault>(parsed)) << GetParam().query;
  const QueryFault& fault = std::get<QueryFault>(parsed);
  EXPECT_EQ(fault.number, GetParam().number) << fault.message;
  EXPECT_EQ(fault.offset, GetParam().offset) << fault.message;
  EXPECT_EQ(fault.length, GetParam().length) << fault.message;
  EXPECT_FALSE(fault.message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, QueryFaults,
    ::testing::Values(FaultCase{"OpenQuote", "a \"b c", 302, 2, 4}, FaultCase{"OpenBracket", "a (b or c", 303, 2, 1},
                      FaultCase{"StrayBracket", "a b) c", 304, 3, 1}, FaultCase{"NothingAfterOr", "a or", 305, 2, 2},
                      FaultCase{"NothingBeforeAnd", "and b", 305, 0, 3}, FaultCase{"OrOr", "a or or b", 305, 5, 2},
                      FaultCase{"EmptyBrackets", "a ()", 305, 3, 1}, FaultCase{"NoValue", "x order.id: 5", 306, 2, 9},
                      FaultCase{"ListValue", "order.id:(a b)", 306, 9, 1},
                      FaultCase{"NotANumber", "qty:>=abc", 307, 6, 3}, FaultCase{"NoNumber", "qty:>", 307, 4, 1},
                      FaultCase{"RangeEnd", "qty:[1..x]", 307, 8, 1}, FaultCase{"RangeOpen", "qty:[1..5", 308, 4, 5},
                      FaultCase{"RangeDots", "qty:[1-5]", 308, 4, 5},
                      FaultCase{"RangeSwapped", "qty:[5..1]", 308, 4, 6},
                      FaultCase{"EmptyPhrase", "a \"\"", 309, 2, 2}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Query, BoundsItsSize) {
  EXPECT_TRUE(std::holds_alternative<QueryFault>(Query::parse(std::string(5000, 'a'))));
  EXPECT_TRUE(std::holds_alternative<QueryFault>(Query::parse(std::string(100, '('))));
  std::string many;
  for (int i = 0; i < 70; ++i) many += "a ";
  EXPECT_TRUE(std::holds_alternative<QueryFault>(Query::parse(many)));
}

TEST(Query, TraceFindsAnIdInItsFieldsOnly) {
  EXPECT_TRUE(Query::trace("3F2A-77").matches(order));
  EXPECT_TRUE(Query::trace("ORD-000123").matches(order));
  EXPECT_FALSE(Query::trace("000123").matches(order));
  EXPECT_FALSE(Query::trace("limit").matches(order));
  EXPECT_FALSE(Query::trace("").matches(order));
  EXPECT_TRUE(Query::trace("a b").matches(R"({"trace.id":"a b"})"));
}

TEST(Query, TreatsWhatIsNoJsonAsText) {
  const auto rejected = std::get<Query>(Query::parse("rejected"));
  EXPECT_TRUE(rejected.matches("plain text, rejected"));
  EXPECT_TRUE(rejected.matches(R"({"a":"rejected)"));
  EXPECT_FALSE(rejected.matches(R"({"a":1,})"));
  EXPECT_FALSE(std::get<Query>(Query::parse("a:1")).matches("a:1"));
  EXPECT_FALSE(rejected.matches(""));
  EXPECT_FALSE(rejected.matches(std::string(100'000, '[')));
}

TEST(Query, HostileStarsTakeNoLong) {
  std::string text = "{\"m\":\"";
  for (int i = 0; i < 200'000; ++i) text += "a-";
  text += " b\"}";
  EXPECT_FALSE(std::get<Query>(Query::parse("a*a*a*b")).matches(text));
}

}  // namespace
}  // namespace tapewatch

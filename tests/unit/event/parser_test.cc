// SPDX-License-Identifier: Apache-2.0
#include "event/parser.h"

#include <gtest/gtest.h>

#include <cstring>

namespace tapewatch {
namespace {

class SecretKeys final : public KeyPolicy {
 public:
  [[nodiscard]] bool sensitive(std::string_view key) const override { return key == "password"; }
};

class ParserTest : public testing::Test {
 protected:
  Event& parse(std::string_view text) {
    text_ = text;
    Line line;
    line.text = text_;
    line.offset = 7;
    line.full_bytes = text_.size();
    if (!parser_) parser_ = std::make_unique<Parser>(fields_, &keys_);
    return parser_->parse(line, source_, 42);
  }
  std::string json(Event& event) {
    std::string out;
    event.append_json(out);
    return out;
  }

  FieldTable fields_;
  SecretKeys keys_;
  SourceFile source_;
  std::unique_ptr<Parser> parser_;
  std::string text_;
};

TEST_F(ParserTest, SpacesInAKeyDoNotCount) {
  const FieldId source = fields_.add("SourceName");
  const FieldId spaced = fields_.add("Threat Name");
  Event& event = parse(R"({"Source Name":"a","Threat Name":"b","ThreatName":"c"})");
  EXPECT_EQ("a", event.field(source).raw);
  EXPECT_EQ("b", event.field(spaced).raw);
  EXPECT_EQ(no_more_values, event.field(spaced).more);
}

TEST_F(ParserTest, FillsNestedDottedAndMixedSpellings) {
  const FieldId id = fields_.add("a.b.c");
  for (const char* text : {R"({"a":{"b":{"c":1}}})", R"({"a.b.c":1})", R"({"a":{"b.c":1}})", R"({"a.b":{"c":1}})"}) {
    Event& event = parse(text);
    ASSERT_TRUE(event.is_json()) << text;
    EXPECT_EQ(event.field(id).raw, "1") << text;
    EXPECT_EQ(event.field(id).type, JsonType::number);
  }
  EXPECT_FALSE(parse(R"({"b":{"c":1}})").field(id).present()) << "slots of the line before are cleared";
}

TEST_F(ParserTest, AliasFillsTheSameSlot) {
  const FieldId id = fields_.add("log.level");
  fields_.alias("level", id);
  Event& event = parse(R"({"x":0, "level" : "INFO" })");
  const FieldValue& value = event.field(id);
  EXPECT_EQ(value.raw, "INFO");
  EXPECT_TRUE(value.top_level);
  EXPECT_EQ(text_.substr(value.key_begin, value.key_bytes), "\"level\"");
  EXPECT_EQ(event.offset_of(value.raw), text_.find("INFO"));
}

TEST_F(ParserTest, ArraysGiveEveryMember) {
  const FieldId id = fields_.add("legs.px");
  Event& event = parse(R"({"legs":[{"px":1},{"px":2},{"qty":5},{"px":3}]})");
  std::vector<std::string> seen{std::string(event.field(id).raw)};
  for (std::uint16_t i = event.field(id).more; i != no_more_values; i = event.more_value(i).more) {
    seen.emplace_back(event.more_value(i).raw);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(ParserTest, EscapedKeysAndValuesAreUnderstood) {
  const FieldId id = fields_.add("user");
  Event& event = parse("{\"us\\u0065r\":\"\\u7d04\\u5b9a \\ud83d\\udcc8 \\ud800 \\\"x\\\"\"}");
  ASSERT_TRUE(event.field(id).escaped);
  EXPECT_EQ(event.text(event.field(id)), "約定 \xF0\x9F\x93\x88 \xEF\xBF\xBD \"x\"");
}

TEST_F(ParserTest, SensitiveValuesAreNotedWithTheirRange) {
  for (const char* value : {R"("hunter2")", "12.5", R"({"a":[1,{"b":2}]})", "[]", "null"}) {
    Event& event = parse(std::string(R"({"a":1,"deep":{"passw\u006frd": )") + value + R"( },"z":2})");
    ASSERT_TRUE(event.is_json()) << value;
    ASSERT_EQ(event.sensitive_values().size(), 1u) << value;
    const SensitiveValue& hit = event.sensitive_values()[0];
    EXPECT_EQ(text_.substr(hit.begin, hit.end - hit.begin), value);
    EXPECT_EQ(hit.key, "password");
  }
}

TEST_F(ParserTest, EditsAndAdditionsTakeEffectInTheOneCopy) {
  Event& event = parse(R"( {"a":"secret","b":[1,2]}  )");
  event.edit(13, 14, "");  // out of order and harmless: inside the next one's range
  event.edit(6, 14, R"("***")");
  event.add("log.offset", 7);
  event.add("note", "\"quoted\"\n");
  EXPECT_EQ(json(event), R"( {"a":"***","b":[1,2],"log.offset":7,"note":"\"quoted\"\n"})");
}

TEST_F(ParserTest, EmptyObjectTakesAdditionsWithoutComma) {
  Event& event = parse("{}");
  event.add("a", 1);
  EXPECT_EQ(json(event), R"({"a":1})");
}

TEST_F(ParserTest, LinesThatAreNotObjectsBecomeText) {
  struct Case {
    const char* text;
    LineKind kind;
  };
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  const std::vector<std::pair<std::string, LineKind>> cases = {
      {"plain text", LineKind::invalid},
      {"[1,2]", LineKind::not_object},
      {"12", LineKind::not_object},
      {R"({"k":"v"}{"k":"w"})", LineKind::invalid},
      {R"({"k":"v",})", LineKind::invalid},
      {R"({"k":tru})", LineKind::invalid},
      {R"({"k":01.2.3})", LineKind::invalid},
      {R"({"k":"v" "x"})", LineKind::invalid},
      {R"({"k":"v"x})", LineKind::invalid},
      {R"({"k" 1})", LineKind::invalid},
      {R"({"k":1)", LineKind::invalid},
      {R"({"k":"\x"})", LineKind::invalid},
      {R"({"k\u12":1})", LineKind::invalid},
      {R"({"k":"unclosed)", LineKind::invalid},
      {R"({"k":[1,]})", LineKind::invalid},
      {R"({"k":)" + deep + "}", LineKind::invalid},
      {"{\"k\":\"\xFF\"}", LineKind::invalid},
      {"{\"k\":\"a\tb\"}", LineKind::invalid},
      {"{}}", LineKind::invalid},
  };
  for (const auto& [text, kind] : cases) {
    Event& event = parse(text);
    EXPECT_FALSE(event.is_json()) << text;
    EXPECT_EQ(parser_->kind(), kind) << text;
  }
  Event& event = parse("say \"hi\" \xFF");
  event.add("log.offset", 7);
  EXPECT_EQ(json(event),
            "{\"message\":\"say \\\"hi\\\" "
            "\xEF\xBF\xBD\",\"error.type\":\"json\",\"event.original\":\"c2F5ICJoaSIg/w==\",\"log.offset\":7}");
}

TEST_F(ParserTest, LegalRaritiesPass) {
  const char* texts[] = {R"({"a":18446744073709551616,"b":1e400,"c":-0.0E-7})",
                         "{\"\":\"\"}",
                         R"({"a":"\/\b\f\u0000"})",
                         "{ \"a\" : [ ] , \"b\" : { } }",
                         R"({"a":1,"a":2})",
                         "{\"a\":\"\xE2\x80\xA8\x7F\"}"};
  for (const char* text : texts) EXPECT_TRUE(parse(text).is_json()) << text;
}

TEST_F(ParserTest, EveryScalarIsVisitedKeysAreNot) {
  Event& event = parse(R"({"k":"v","o":{"k2":[1,true,"w"]},"n":null})");
  std::vector<std::string> seen;
  event.for_each_scalar([&](std::string_view raw, bool, JsonType, std::uint32_t begin, std::uint32_t end) {
    seen.emplace_back(raw);
    EXPECT_GE(end - begin, raw.size());
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"v", "1", "true", "w", "null"}));
}

TEST_F(ParserTest, TokenAroundAnOffset) {
  const std::string line = R"({"a b":[ 12 , "x y"], "c":true})";
  Event& event = parse(line);
  const LineToken key = event.token_at(3);
  EXPECT_EQ(key.raw, "a b");
  EXPECT_TRUE(key.is_key);
  const LineToken text = event.token_at(static_cast<std::uint32_t>(line.find(" y")));
  EXPECT_EQ(text.raw, "x y");
  EXPECT_FALSE(text.is_key);
  EXPECT_EQ(line.substr(text.begin, text.end - text.begin), "\"x y\"");
  EXPECT_EQ(event.token_at(static_cast<std::uint32_t>(line.find("2 ,"))).raw, "12");
  EXPECT_EQ(event.token_at(0).type, JsonType::invalid) << "a brace is neither key nor value";
}

TEST_F(ParserTest, ViewsStayValidHoweverMuchIsKept) {
  Event& event = parse("{}");
  std::vector<std::string_view> kept;
  const std::string bytes(100'000, 'x');
  for (int i = 0; i < 20; ++i) kept.push_back(event.keep(bytes));
  for (const std::string_view view : kept) EXPECT_EQ(view, bytes);
}

TEST_F(ParserTest, MaskedAndCutValuesAreHidden) {
  const FieldId a = fields_.add("a");
  const FieldId b = fields_.add("b.c");
  Event& event = parse(R"({"a":"secret","b":{"c":"hidden","d":1}})");
  event.edit(1, 4, "\"A\"");
  event.mask(5, 13, "\"*\"", "*");
  event.cut(19, 32, "-");
  EXPECT_EQ(json(event), R"({"A":"*","b":{"d":1}})");
  EXPECT_EQ(event.field(a).raw, "*");
  EXPECT_EQ(event.field(b).raw, "-");
  EXPECT_TRUE(event.is_masked(5));
  EXPECT_FALSE(event.is_masked(13));
}

}  // namespace
}  // namespace tapewatch

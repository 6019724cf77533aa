// SPDX-License-Identifier: Apache-2.0
#include "enrich/masker.h"

#include "enrich/leak_scan.h"
#include "unit/enrich/event_fixture.h"

namespace tapewatch {
namespace {

class MaskerTest : public EventFixture {
 protected:
  Masker& masker() {
    if (!masker_) {
      masker_ = std::make_unique<Masker>(options_, masked_fields_);
      policy_ = masker_->key_policy();
    }
    return *masker_;
  }
  Event& masked_event(std::string_view text) {
    Masker& m = masker();
    Event& event = parse(text);
    m.mask(event);
    return event;
  }
  std::string masked(std::string_view text) { return json(masked_event(text)); }

  MaskOptions options_;
  std::unique_ptr<Masker> masker_;
};

struct Case {
  const char* name;
  const char* in;
  const char* out;
};

class MaskerCases : public MaskerTest, public testing::WithParamInterface<Case> {};

TEST_P(MaskerCases, Fixed) {
  const std::string out = masked(GetParam().in);
  EXPECT_EQ(out, GetParam().out);
  Event& again = parse(out);
  EXPECT_TRUE(again.is_json()) << "what goes out is valid JSON";
}

constexpr Case cases[] = {
    {"nothing", R"({"@timestamp":"x","a":"b"})", R"({"@timestamp":"x","a":"b"})"},
    {"key", R"({"password":"hunter2","a":1})", R"({"password":"[masked]","a":1})"},
    {"key_number", R"({"pin":1234})", R"({"pin":"[masked]"})"},
    {"key_object", R"({"credentials":{"user":"a","password":"b"},"c":[1]})", R"({"credentials":"[masked]","c":[1]})"},
    {"key_array", R"({"tokens":["a"],"secrets":["a","b"]})", R"({"tokens":["a"],"secrets":"[masked]"})"},
    {"key_empty", R"({"token":null,"secret":"","password":false})", R"({"token":null,"secret":"","password":false})"},
    {"key_nested", R"({"a":[{"b":{"apiKey":"k"}}]})", R"({"a":[{"b":{"apiKey":"[masked]"}}]})"},
    {"key_escaped_name", R"({"pass\u0077ord":"x"})", R"({"pass\u0077ord":"[masked]"})"},
    {"card_dashes", R"({"m":"pay 4111-1111-1111-1111 now"})", R"({"m":"pay [card] now"})"},
    {"card_spaces", R"({"m":"4111 1111 1111 1111"})", R"({"m":"[card]"})"},
    {"card_amex", R"({"m":"3782-822463-10005"})", R"({"m":"[card]"})"},
    {"card_number", R"({"n":4111111111111111,"m":[5555555555554444]})", R"({"n":"[card]","m":["[card]"]})"},
    {"card_after_number", R"({"m":"12 4111 1111 1111 1111 99"})", R"({"m":"12 [card] 99"})"},
    {"card_japanese", R"({"m":"カード4111111111111111です"})", R"({"m":"カード[card]です"})"},
    {"card_sentence", R"({"m":"It is 4111111111111111."})", R"({"m":"It is [card]."})"},
    {"card_newline", R"({"m":"a\n4111111111111111\tb"})", R"({"m":"a\n[card]\tb"})"},
    {"card_escaped_digit", R"({"m":"\u0034111111111111111"})", R"({"m":"[card]"})"},
    {"card_key", R"({"4111111111111111":1,"a@b.example":2})", R"({"[card]":1,"[email]#2":2})"},
    {"no_luhn", R"({"m":"4111-1111-1111-1112"})", R"({"m":"4111-1111-1111-1112"})"},
    {"no_issuer", R"({"m":"9111111111111113","t":1767571200000000007})",
     R"({"m":"9111111111111113","t":1767571200000000007})"},
    {"no_longer_run", R"({"m":"x4111111111111111","n":41111111111111110000000})",
     R"({"m":"x4111111111111111","n":41111111111111110000000})"},
    {"no_fraction", R"({"m":0.4111111111111111})", R"({"m":0.4111111111111111})"},
    {"no_uuid", R"({"m":"a1b2c3d4-4111-4111-8111-111111111111"})", R"({"m":"a1b2c3d4-4111-4111-8111-111111111111"})"},
    {"email", R"({"m":"to bob.b+x@mail.example.com, ok"})", R"({"m":"to [email], ok"})"},
    {"email_url", R"({"m":"?u=bob%40example.com&x=1"})", R"({"m":"?u=[email]&x=1"})"},
    {"email_escaped", R"({"m":"bob\u0040example.com \"q\""})", R"({"m":"[email] \"q\""})"},
    {"email_none", R"({"m":"user@host logo@2x.png @ a@b"})", R"({"m":"user@host logo@2x.png @ a@b"})"},
    {"bearer", R"({"m":"Authorization: Bearer abc123def456 x"})", R"({"m":"Authorization: [secret] x"})"},
    {"bearer_alone", R"({"m":"got bearer abc123def456"})", R"({"m":"got bearer [secret]"})"},
    {"bearer_prose", R"({"m":"Bearer authentication failed"})", R"({"m":"Bearer authentication failed"})"},
    {"basic", R"({"m":"Basic dXNlcjpwYXNz"})", R"({"m":"Basic [secret]"})"},
    {"basic_prose", R"({"m":"basic authentication"})", R"({"m":"basic authentication"})"},
    {"jwt", R"({"m":"t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_ z"})", R"({"m":"t [secret] z"})"},
    {"aws", R"({"m":"AKIAIOSFODNN7EXAMPLE"})", R"({"m":"[secret]"})"},
    {"github", R"({"m":"ghp_0123456789abcdefghijABCDEFGHIJ012345"})", R"({"m":"[secret]"})"},
    {"slack", R"({"m":"xoxb-123456789012-abc"})", R"({"m":"[secret]"})"},
    {"stripe", R"({"m":"sk_live_abcdefgh12345678"})", R"({"m":"[secret]"})"},
    {"private_key", R"({"m":"a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b"})",
     R"({"m":"a [secret] b"})"},
    {"private_key_cut", R"({"m":"-----BEGIN PRIVATE KEY-----\nMIIE"})", R"({"m":"[secret]"})"},
    {"password_text", R"({"m":"login user=bob password=hunter2 ok"})",
     R"({"m":"login user=bob password=[secret] ok"})"},
    {"password_prose", R"({"m":"password changed, token: expired"})", R"({"m":"password changed, token: expired"})"},
    {"token_param", R"({"m":"GET /x?access_token=abcd&b=1"})", R"({"m":"GET /x?access_token=[secret]&b=1"})"},
    {"token_count", R"({"m":"token_count=512 tokens: 9000000"})", R"({"m":"token_count=512 tokens: 9000000"})"},
    {"json_in_string", R"({"m":"{\"password\":\"hunter 2\",\"a\":1}"})",
     R"({"m":"{\"password\":\"[secret]\",\"a\":1}"})"},
    {"json_in_json", R"({"m":"{\"b\":\"{\\\"secret\\\":\\\"x y\\\"}\"}"})",
     R"({"m":"{\"b\":\"{\\\"secret\\\":\\\"[secret]\\\"}\"}"})"},
    {"url", R"({"m":"postgres://bob:s3cret@db:5432/x"})", R"({"m":"postgres://[secret]@db:5432/x"})"},
    {"url_plain", R"({"m":"http://a:8080/b?c=d@e"})", R"({"m":"http://a:8080/b?c=d@e"})"},
    {"text_line", "password=hunter2 \"a\" bob@example.com",
     R"({"message":"password=[secret] \"a\" [email]","error.type":"json"})"},
    {"text_cut_json", R"({"password":"hunt er2)", R"({"message":"{\"password\":\"[secret]","error.type":"json"})"},
};

TEST_P(MaskerCases, NothingIsLeftThatAScanWouldFind) {
  for (const auto action : {MaskOptions::Action::fixed, MaskOptions::Action::hmac, MaskOptions::Action::drop}) {
    options_.action = action;
    options_.hmac_key = "key";
    masker_.reset();
    parser_.reset();
    const std::string out = masked(GetParam().in);
    Family<Counter> leaks({"leaks", "", {"rule"}}, [] { return std::make_unique<Counter>(); });
    LeakScan scan(options_, leaks);
    scan.see(out);
    leaks.for_each([&](const auto& labels, const Counter& counter) {
      EXPECT_EQ(counter.value(), 0u) << labels[0] << " in " << out;
    });
  }
}

TEST_F(MaskerTest, AScanFindsWhatWasNotHidden) {
  Family<Counter> leaks({"leaks", "", {"rule"}}, [] { return std::make_unique<Counter>(); });
  LeakScan scan(options_, leaks);
  scan.see(R"({"a":{"b":["4111 1111 1111 1111"]},"m":"{\"c\":\"bob@example.com\"}","t":"Bearer abc123def456"})");
  for (const char* rule : {"card", "email", "token"}) EXPECT_EQ(leaks.with({rule}).value(), 1u) << rule;
}

INSTANTIATE_TEST_SUITE_P(Table, MaskerCases, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& c) { return c.param.name; });

TEST_F(MaskerTest, DropTakesMembersWithTheirCommas) {
  options_.action = MaskOptions::Action::drop;
  EXPECT_EQ(masked(R"({"password":"x"})"), "{}");
  EXPECT_EQ(masked(R"({"a":1,"password":"x"})"), R"({"a":1})");
  EXPECT_EQ(masked(R"({"password":"x","a":1})"), R"({"a":1})");
  EXPECT_EQ(masked(R"({"a":1 , "password" : "x" , "token":"y" })"), R"({"a":1  })");
  EXPECT_EQ(masked(R"({"password":"x","token":"y","pin":1})"), "{}");
  EXPECT_EQ(masked(R"({"a":{"b":1,"secret":{"c":[1,2]}},"d":[{"token":"x"}]})"), R"({"a":{"b":1},"d":[{}]})");
  EXPECT_EQ(masked(R"({"a\"password":"b","a\"\\\"token":"x"})"), R"({})");
  EXPECT_EQ(masked(R"({"credentials":{"password":"x"},"token":"y"})"), "{}");
  EXPECT_EQ(masked(R"({"m":"a bob@example.com b","n":4111111111111111})"), R"({"m":"a  b","n":null})");
}

TEST_F(MaskerTest, DropThenAddStaysJson) {
  options_.action = MaskOptions::Action::drop;
  Event& event = masked_event(R"({"password":"x", "token":"y" })");
  event.add("a", "b");
  EXPECT_EQ(json(event), R"({ "a":"b"})");
}

TEST_F(MaskerTest, HmacIsTheSameForTheSameSecret) {
  options_.action = MaskOptions::Action::hmac;
  options_.hmac_key = "0123456789abcdef";
  const std::string one = masked(R"({"m":"4111-1111-1111-1111"})");
  EXPECT_EQ(one, masked(R"({"m":"4111 1111 1111 1111"})"));
  EXPECT_EQ(masked(R"({"m":4111111111111111})"), one);
  EXPECT_NE(masked(R"({"m":"5555555555554444"})"), one);
  EXPECT_EQ(one.size(), std::string(R"({"m":"hmac:"})").size() + 32);
  EXPECT_EQ(masked(R"({"password":"caf\u00e9"})"), masked(R"({"password":"café"})"));
  EXPECT_EQ(masked(R"({"m":"Bob@Example.com"})"), masked(R"({"m":"bob@example.com"})"));
}

TEST_F(MaskerTest, SlotsAndScalarsSeeTheReplacementOnly) {
  const FieldId message = fields_.add("message");
  const FieldId password = fields_.add("user.password");
  const FieldId user = fields_.add("user");
  const FieldId plain = fields_.add("plain");
  Event& event = masked_event(
      R"({"message":"mail \"bob@example.com\"","user":{"password":"hunter2"},"plain":"x\"y","n":[4111111111111111]})");
  EXPECT_EQ(text_of(event, message), "mail \"[email]\"");
  EXPECT_EQ(text_of(event, password), "[masked]");
  EXPECT_EQ(text_of(event, user), "[masked]") << "an object that holds a masked value";
  EXPECT_EQ(text_of(event, plain), "x\"y");
  std::string seen;
  event.for_each_scalar(
      [&](std::string_view raw, bool, JsonType, std::uint32_t, std::uint32_t) { seen.append(raw).push_back('|'); });
  EXPECT_EQ(seen, R"(mail "[email]"|[masked]|x\"y|[card]|)");
  EXPECT_EQ(masked_fields_.with({"card"}).value(), 1u);
  EXPECT_EQ(masked_fields_.with({"email"}).value(), 1u);
  EXPECT_EQ(masked_fields_.with({"key"}).value(), 1u);
}

TEST_F(MaskerTest, CorrelationIdInsideAMaskedValue) {
  const FieldId id = fields_.add("id");
  masker();
  Event& event = parse(R"({"id":"bob@example.com"})");
  event.correlation_id = event.text(event.field(id));
  masker().mask(event);
  EXPECT_EQ(event.correlation_id, "[email]");
}

TEST_F(MaskerTest, MembersRenamedAndMasked) {
  const FieldId msg = fields_.add("msg");
  for (const auto action : {MaskOptions::Action::fixed, MaskOptions::Action::drop}) {
    options_.action = action;
    options_.keys = {"msg"};
    masker_.reset();
    parser_.reset();
    masker();
    Event& event = parse(R"({"a":1,"msg":"x"})");
    event.edit(event.field(msg).key_begin, event.field(msg).key_begin + event.field(msg).key_bytes, "\"message\"");
    masker().mask(event);
    EXPECT_EQ(json(event), action == MaskOptions::Action::drop ? R"({"a":1})" : R"({"a":1,"message":"[masked]"})");
  }
}

TEST_F(MaskerTest, DetectorsAndNamesCanBeSwitchedOff) {
  options_.cards = options_.emails = options_.tokens = false;
  options_.allow = {"password"};
  const char* line = R"({"password":"x","m":"4111111111111111 bob@example.com token=abc\n"})";
  EXPECT_EQ(masked(line), line);
  options_.enabled = false;
  masker_.reset();
  parser_.reset();
  EXPECT_EQ(masked(R"({"token":"x"})"), R"({"token":"x"})");
}

TEST_F(MaskerTest, Text) {
  EXPECT_EQ(masker().mask_text("mail bob@example.com"), "mail [email]");
  EXPECT_EQ(masker().mask_text(R"({"password":"a b","x":1})"), R"({"password":"[secret]","x":1})");
  EXPECT_EQ(masker().mask_text(""), "");
  EXPECT_TRUE(masker().is_clean("4d4673ef-77ba-4574-a1af-8cfd4c4cbee5"));
  EXPECT_TRUE(masker().is_clean("r-bd6ae8f8"));
  EXPECT_FALSE(masker().is_clean("bob@example.com"));
  EXPECT_FALSE(masker().is_clean("4111111111111111"));
  EXPECT_FALSE(masker().is_clean("pwd=abc"));
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/matcher.h"

#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

// One detection item against one line.
struct Case {
  const char* name;
  const char* item;
  const char* line;
  bool want;
};

class ItemTest : public RulesFixture, public testing::WithParamInterface<Case> {};

TEST_P(ItemTest, Matches) {
  EXPECT_EQ(matches(GetParam().item, GetParam().line), GetParam().want) << GetParam().item << " " << GetParam().line;
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Strings, ItemTest,
                         testing::Values(Case{"Whole", "a: login", R"({"a":"login"})", true},
                                         Case{"CaseInsensitive", "a: LogIn", R"({"a":"lOGiN"})", true},
                                         Case{"NotPart", "a: login", R"({"a":"login2"})", false},
                                         Case{"Star", "a: lo*n", R"({"a":"login"})", true},
                                         Case{"StarEmptyRun", "a: lo*gin", R"({"a":"login"})", true},
                                         Case{"StarAcrossNewline", "a: a*b", R"({"a":"a\n\nb"})", true},
                                         Case{"TwoStars", "a: '*og*n'", R"({"a":"login"})", true},
                                         Case{"StarBacktracks", "a: '*ab*ab'", R"({"a":"abxabab"})", true},
                                         Case{"StarsNeedBoth", "a: '*ab*ab'", R"({"a":"xxab"})", false},
                                         Case{"Question", "a: lo?in", R"({"a":"login"})", true},
                                         Case{"QuestionNeedsOne", "a: login?", R"({"a":"login"})", false},
                                         Case{"QuestionIsOneCharacter", "a: a?b", R"({"a":"a約b"})", true},
                                         Case{"DotIsLiteral", "a: lo.in", R"({"a":"login"})", false},
                                         Case{"BracketIsLiteral", "a: '[l]ogin'", R"({"a":"login"})", false},
                                         Case{"StarAloneNeedsPresence", "a: '*'", R"({"b":1})", false},
                                         Case{"StarAloneMatchesEmpty", "a: '*'", R"({"a":""})", true},
                                         Case{"StarAloneMatchesNumber", "a: '*'", R"({"a":0})", true},
                                         Case{"StarAloneMatchesObject", "a: '*'", R"({"a":{"b":1}})", true},
                                         Case{"StarAloneNotNull", "a: '*'", R"({"a":null})", false},
                                         Case{"EmptyString", "a: ''", R"({"a":""})", true},
                                         Case{"EmptyStringNotAbsent", "a: ''", R"({"b":""})", false},
                                         Case{"EmptyStringNotText", "a: ''", R"({"a":"x"})", false},
                                         Case{"EscapedEvent", "a: 'x\"y'", R"({"a":"x\"y"})", true},
                                         Case{"UnicodeEscapeInEvent", "a: 約定", R"({"a":"\u7d04\u5b9a"})", true},
                                         Case{"CaseBeyondAscii", "a: GRÖSSE", R"({"a":"größe"})", false},
                                         Case{"UmlautCase", "a: MÜLLER", R"({"a":"müller"})", true},
                                         Case{"CyrillicCase", "a: '*ОШИБКА*'", R"({"a":"была Ошибка тут"})", true},
                                         Case{"FullWidthCase", "a: ＡＢＣ", R"({"a":"ａｂｃ"})", true},
                                         Case{"KelvinStaysItself", "a: 'k'", R"({"a":"\u212a"})", false}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    Escaping, ItemTest,
    testing::Values(Case{"EscapedStar", R"(a: 'a\*b')", R"({"a":"a*b"})", true},
                    Case{"EscapedStarIsNoWildcard", R"(a: 'a\*b')", R"({"a":"axb"})", false},
                    Case{"EscapedQuestion", R"(a: 'a\?')", R"({"a":"a?"})", true},
                    Case{"EscapedQuestionIsNoWildcard", R"(a: 'a\?')", R"({"a":"ax"})", false},
                    Case{"BackslashThenWildcard", R"(a: 'a\\*')", R"({"a":"a\\xyz"})", true},
                    Case{"BackslashThenWildcardNeedsBackslash", R"(a: 'a\\*')", R"({"a":"axyz"})", false},
                    Case{"BackslashThenLiteralStar", R"(a: 'a\\\*')", R"({"a":"a\\*"})", true},
                    Case{"BackslashThenLiteralStarOnly", R"(a: 'a\\\*')", R"({"a":"a\\x"})", false},
                    Case{"TwoAreOne", R"(a: 'a\\b')", R"({"a":"a\\b"})", true},
                    Case{"FourAreTwo", R"(a: 'a\\\\b')", R"({"a":"a\\\\b"})", true},
                    Case{"FourAreNotOne", R"(a: 'a\\\\b')", R"({"a":"a\\b"})", false},
                    Case{"BeforeOtherCharacter", R"(a: 'C:\desk\n')", R"({"a":"C:\\desk\\n"})", true},
                    Case{"Last", R"(a: 'desk\')", R"({"a":"desk\\"})", true}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Numbers, ItemTest,
    testing::Values(
        Case{"Equal", "a: 5", R"({"a":5})", true}, Case{"Fraction", "a: 5", R"({"a":5.0})", true},
        Case{"FractionOfRule", "a: 5.0", R"({"a":5})", true}, Case{"Exponent", "a: 500", R"({"a":5e2})", true},
        Case{"NumericString", "a: 5", R"({"a":"5"})", true},
        Case{"NumericStringFraction", "a: 5", R"({"a":"5.00"})", true},
        Case{"LeadingZeroString", "a: 5", R"({"a":"05"})", false},
        Case{"StringRuleLeadingZero", "a: '5'", R"({"a":"05"})", false},
        Case{"StringRuleNumber", "a: '5'", R"({"a":5})", true},
        Case{"StringRuleOtherSpelling", "a: '5'", R"({"a":5.0})", false},
        Case{"NotBoolean", "a: 1", R"({"a":true})", false},
        Case{"Beyond53Bits", "a: 9007199254740993", R"({"a":9007199254740992})", false},
        Case{"Beyond53BitsEqual", "a: 9007199254740993", R"({"a":9007199254740993})", true},
        Case{"Beyond64Bits", "a: 123456789012345678901", R"({"a":123456789012345678901})", true},
        Case{"Beyond64BitsDiffers", "a: 123456789012345678901", R"({"a":123456789012345678902})", false},
        Case{"Negative", "a: -3", R"({"a":-3})", true}, Case{"MinusZero", "a: 0", R"({"a":-0})", true},
        Case{"ContainsOnNumber", "a|contains: 23", R"({"a":1234})", true},
        Case{"StartswithOnNumber", "a|startswith: '12'", R"({"a":1234})", true},
        Case{"True", "a: true", R"({"a":true})", true}, Case{"TrueText", "a: true", R"({"a":"TRUE"})", true},
        Case{"TrueNotOne", "a: true", R"({"a":1})", false}, Case{"TrueNotFalse", "a: true", R"({"a":false})", false},
        Case{"False", "a: false", R"({"a":false})", true},
        Case{"QuotedTrueIsText", "a: 'true'", R"({"a":"true"})", true}),
    name_of);

INSTANTIATE_TEST_SUITE_P(NullAndAbsent, ItemTest,
                         testing::Values(Case{"NullAbsent", "a: null", R"({"b":1})", true},
                                         Case{"NullNull", "a: null", R"({"a":null})", true},
                                         Case{"NullNotEmpty", "a: null", R"({"a":""})", false},
                                         Case{"NullEmptyValue", "a:", R"({"b":1})", true},
                                         Case{"ExistsTrue", "a|exists: true", R"({"a":0})", true},
                                         Case{"ExistsNullCounts", "a|exists: true", R"({"a":null})", true},
                                         Case{"ExistsTrueAbsent", "a|exists: true", R"({"b":0})", false},
                                         Case{"ExistsFalse", "a|exists: false", R"({"b":0})", true},
                                         Case{"ExistsFalsePresent", "a|exists: false", R"({"a":""})", false},
                                         Case{"ExistsEmptyArray", "a|exists: true", R"({"a":[]})", true},
                                         Case{"NullEmptyArray", "a: null", R"({"a":[]})", false}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(ArraysAndPaths, ItemTest,
                         testing::Values(Case{"AnyMember", "roles: admin", R"({"roles":["trader","admin"]})", true},
                                         Case{"NoMember", "roles: admin", R"({"roles":["trader"]})", false},
                                         Case{"AllOverMembers", "roles|all: [admin, trader]",
                                              R"({"roles":["trader","admin"]})", true},
                                         Case{"EscapedMember", "roles: 'a\"b'", R"({"roles":["x","a\"b"]})", true},
                                         Case{"Nested", "a.b: x", R"({"a":{"b":"x"}})", true},
                                         Case{"Dotted", "a.b: x", R"({"a.b":"x"})", true},
                                         Case{"ThroughArray", "a.b: x", R"({"a":[{"b":"y"},{"b":"x"}]})", true},
                                         Case{"ObjectMembersAreNotValues", "a: x", R"({"a":[{"b":"x"}]})", false},
                                         Case{"FieldNamesHaveCase", "User: x", R"({"user":"x"})", false}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    TextModifiers, ItemTest,
    testing::Values(
        Case{"Contains", "a|contains: ogi", R"({"a":"LOGIN"})", true},
        Case{"ContainsNot", "a|contains: ogx", R"({"a":"LOGIN"})", false},
        Case{"ContainsWildcard", "a|contains: 'o?i'", R"({"a":"LOGIN"})", true},
        Case{"Startswith", "a|startswith: LOG", R"({"a":"login"})", true},
        Case{"StartswithNot", "a|startswith: og", R"({"a":"login"})", false},
        Case{"Endswith", "a|endswith: GIN", R"({"a":"login"})", true},
        Case{"EndswithNot", "a|endswith: log", R"({"a":"login"})", false},
        Case{"EndsOfAList", "a|endswith: [xx, '\\cmd.exe', gin]", R"({"a":"LOGIN"})", true},
        Case{"EndsLonger", "a|endswith: [xx, yy, '\\system32\\cmd.exe']", R"({"a":"c:\\System32\\CMD.exe"})", true},
        Case{"EndsLongerNot", "a|endswith: [xx, yy, '\\system32\\cmd.exe']", R"({"a":"c:\\system64\\cmd.exe"})", false},
        Case{"EndsOfAShortText", "a|endswith: [xx, yy, '\\cmd.exe']", R"({"a":"cmd.exe"})", false},
        Case{"EndsOfAnEmptyText", "a|endswith: [xx, yy, zz]", R"({"a":""})", false},
        Case{"EndsOfANumber", "a|endswith: [xx, yy, '42']", R"({"a":1042})", true},
        Case{"EndsOrOthers", "a|endswith: [xx, yy, zz, 'l*n']", R"({"a":"login"})", true},
        Case{"List", "a: [x, login]", R"({"a":"login"})", true},
        Case{"All", "a|contains|all: [lo, in]", R"({"a":"login"})", true},
        Case{"AllNot", "a|contains|all: [lo, xx]", R"({"a":"login"})", false},
        Case{"LongList", "a: [q1, q2, q3, q4, q5, q6, q7, q8, login]", R"({"a":"LOGIN"})", true},
        Case{"LongContains", "a|contains: [q1, q2, q3, q4, q5, q6, q7, q8, ogi]", R"({"a":"LOGIN"})", true},
        Case{"LongContainsNot", "a|contains: [q1, q2, q3, q4, q5, q6, q7, q8]", R"({"a":"LOGIN"})", false},
        Case{"Cased", "a|cased: Login", R"({"a":"Login"})", true},
        Case{"CasedNot", "a|cased: Login", R"({"a":"login"})", false},
        Case{"CasedContains", "a|contains|cased: Log", R"({"a":"xLogin"})", true},
        Case{"CasedContainsNot", "a|contains|cased: Log", R"({"a":"xlogin"})", false},
        Case{"Neq", "a|neq: x", R"({"a":"y"})", true}, Case{"NeqNot", "a|neq: x", R"({"a":"X"})", false},
        Case{"NeqAbsent", "a|neq: x", R"({"b":1})", true},
        Case{"NeqNoneOfTheList", "a|neq: [x, y]", R"({"a":"y"})", false},
        Case{"Windash", "a|windash|contains: ' -f'", R"({"a":"cmd /f"})", true},
        Case{"WindashEnDash", "a|contains|windash: ' -f'", R"({"a":"cmd –f"})", true},
        Case{"WindashInnerDashStays", "a|windash: 'a-b'", R"({"a":"a/b"})", false},
        Case{"WindashAll", "a|windash|contains|all: [' -f', ' -g']", R"({"a":"cmd /f –g"})", true},
        Case{"WindashAllNot", "a|windash|contains|all: [' -f', ' -g']", R"({"a":"cmd /f"})", false}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Encodings, ItemTest,
    testing::Values(Case{"Base64", "a|base64: foo", R"({"a":"Zm9v"})", true},
                    Case{"Base64OffsetZero", "a|base64offset|contains: tapewatch", R"({"a":"dGFwZXdhdGNo"})", true},
                    Case{"Base64OffsetOne", "a|base64offset|contains: tapewatch", R"({"a":"eHRhcGV3YXRjaHk="})", true},
                    Case{"Base64OffsetTwo", "a|base64offset|contains: tapewatch", R"({"a":"eHl0YXBld2F0Y2h6"})", true},
                    Case{"Base64OffsetNot", "a|base64offset|contains: tapewatch", R"({"a":"dGFwZXdhdGNx"})", false},
                    Case{"WideBase64", "a|wide|base64: ab", R"({"a":"YQBiAA=="})", true},
                    Case{"Utf16leBase64", "a|utf16le|base64: ab", R"({"a":"YQBiAA=="})", true},
                    Case{"Utf16beBase64", "a|utf16be|base64: ab", R"({"a":"AGEAYg=="})", true},
                    Case{"Utf16Base64", "a|utf16|base64: ab", R"({"a":"//5hAGIA"})", true},
                    Case{"WideBeyondBmp", "a|wide|base64: '\xF0\x9F\x9A\x80'", R"({"a":"PdiA3g=="})", true}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OtherModifiers, ItemTest,
    testing::Values(
        Case{"Re", "a|re: 'l.g\\w+$'", R"({"a":"xlogin"})", true},
        Case{"ReHasCase", "a|re: login", R"({"a":"LOGIN"})", false},
        Case{"ReI", "a|re|i: login", R"({"a":"LOGIN"})", true},
        Case{"ReIgnorecase", "a|re|ignorecase: login", R"({"a":"LOGIN"})", true},
        Case{"ReInline", "a|re: '(?i)login'", R"({"a":"LOGIN"})", true},
        Case{"ReM", "a|re|m: '^b'", R"({"a":"a\nb"})", true}, Case{"ReNoM", "a|re: '^b'", R"({"a":"a\nb"})", false},
        Case{"ReS", "a|re|s: 'a.b'", R"({"a":"a\nb"})", true}, Case{"ReNoS", "a|re: 'a.b'", R"({"a":"a\nb"})", false},
        Case{"ReOnNumber", "a|re: '^4..$'", R"({"a":404})", true},
        Case{"Cidr", "a|cidr: 10.0.0.0/8", R"({"a":"10.1.2.3"})", true},
        Case{"CidrNot", "a|cidr: 10.0.0.0/8", R"({"a":"11.1.2.3"})", false},
        Case{"CidrList", "a|cidr: [10.0.0.0/8, 192.0.2.0/25]", R"({"a":"192.0.2.127"})", true},
        Case{"CidrSix", "a|cidr: 2001:db8::/33", R"({"a":"2001:db8:7fff::1"})", true},
        Case{"CidrSixNot", "a|cidr: 2001:db8::/33", R"({"a":"2001:db8:8000::1"})", false},
        Case{"CidrNoAddress", "a|cidr: 10.0.0.0/8", R"({"a":"10.1.2"})", false},
        Case{"CidrNoAddressNegated", "a|cidr|neq: 10.0.0.0/8", R"({"a":"host"})", true},
        Case{"Lt", "a|lt: 5", R"({"a":4.9})", true}, Case{"LtNot", "a|lt: 5", R"({"a":5})", false},
        Case{"Lte", "a|lte: 5", R"({"a":5})", true}, Case{"Gt", "a|gt: 5", R"({"a":5.0001})", true},
        Case{"GtNot", "a|gt: 5", R"({"a":5})", false}, Case{"Gte", "a|gte: 5", R"({"a":"5"})", true},
        Case{"GteText", "a|gte: 5", R"({"a":"many"})", false},
        Case{"GtBig", "a|gt: 9007199254740992", R"({"a":9007199254740993})", true},
        Case{"GtExponent", "a|gt: 1000", R"({"a":1e4})", true}, Case{"LtNegative", "a|lt: -1.5", R"({"a":-2})", true},
        Case{"FieldRef", "a|fieldref: b", R"({"a":"X","b":"x"})", true},
        Case{"FieldRefNot", "a|fieldref: b", R"({"a":"x","b":"y"})", false},
        Case{"FieldRefAbsent", "a|fieldref: b", R"({"a":"x"})", false},
        Case{"FieldRefNeq", "a|fieldref|neq: b", R"({"a":"x","b":"y"})", true},
        Case{"FieldRefContains", "a|fieldref|contains: b", R"({"a":"xyz","b":"Y"})", true},
        Case{"FieldRefStartswith", "a|fieldref|startswith: b", R"({"a":"xyz","b":"xy"})", true},
        Case{"FieldRefEndswith", "a|fieldref|endswith: b", R"({"a":"xyz","b":"xy"})", false},
        Case{"FieldRefCased", "a|fieldref|cased: b", R"({"a":"X","b":"x"})", false},
        Case{"Hour", "a|hour: 23", R"({"a":"2026-01-05T23:10:00Z"})", true},
        Case{"HourGte", "a|hour|gte: 22", R"({"a":"2026-01-05T23:10:00Z"})", true},
        Case{"HourGteNot", "a|hour|gte: 22", R"({"a":"2026-01-05T21:10:00Z"})", false},
        Case{"Minute", "a|minute: 10", R"({"a":"2026-01-05T23:10:00Z"})", true},
        Case{"Day", "a|day: 5", R"({"a":"2026-01-05T23:10:00Z"})", true},
        Case{"Month", "a|month: 1", R"({"a":"2026-01-05T23:10:00Z"})", true},
        Case{"Year", "a|year|lt: 2026", R"({"a":"2025-12-31T23:59:59Z"})", true},
        Case{"Week", "a|week: 53", R"({"a":"2027-01-02T00:00:00Z"})", true},
        Case{"WeekOne", "a|week: 1", R"({"a":"2025-12-29T00:00:00Z"})", true},
        Case{"HourOfEpoch", "a|hour: 0", R"({"a":1767571200})", true},
        Case{"HourOfText", "a|hour: 0", R"({"a":"noon"})", false}),
    name_of);

struct ConditionCase {
  const char* name;
  const char* condition;
  const char* line;
  bool want;
};

class ConditionTest : public RulesFixture, public testing::WithParamInterface<ConditionCase> {};

TEST_P(ConditionTest, Matches) {
  start(std::string(
            "title: t\ndetection:\n  s_a: {a: 1}\n  s_b: {b: 1}\n  s-c: {c: 1}\n  _hidden: {h: 1}\n  condition: ") +
        GetParam().condition + "\n");
  EXPECT_EQ(!see(GetParam().line).empty(), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Conditions, ConditionTest,
                         testing::Values(ConditionCase{"And", "s_a and s_b", R"({"a":1,"b":1})", true},
                                         ConditionCase{"AndNot", "s_a and s_b", R"({"a":1})", false},
                                         ConditionCase{"Or", "s_a or s_b", R"({"b":1})", true},
                                         ConditionCase{"NotAbsent", "not s_a", R"({"x":1})", true},
                                         ConditionCase{"NotPresent", "not s_a", R"({"a":1})", false},
                                         ConditionCase{"DoubleNot", "not not s_a", R"({"a":1})", true},
                                         ConditionCase{"AndBeforeOr", "s_a or s_b and s-c", R"({"a":1})", true},
                                         ConditionCase{"Parentheses", "(s_a or s_b) and s-c", R"({"a":1})", false},
                                         ConditionCase{"NotBeforeAnd", "not s_a and s_b", R"({"a":1,"b":1})", false},
                                         ConditionCase{"NotOfParentheses", "not (s_a and s_b)", R"({"a":1})", true},
                                         ConditionCase{"OneOf", "1 of s_*", R"({"b":1})", true},
                                         ConditionCase{"OneOfNot", "1 of s_*", R"({"c":1})", false},
                                         ConditionCase{"AnyOf", "any of s_*", R"({"a":1})", true},
                                         ConditionCase{"AllOf", "all of s_*", R"({"a":1,"b":1})", true},
                                         ConditionCase{"AllOfNot", "all of s_*", R"({"a":1})", false},
                                         ConditionCase{"InnerStar", "all of s*a", R"({"a":1})", true},
                                         ConditionCase{"StarFirst", "1 of *-c", R"({"c":1})", true},
                                         ConditionCase{"AllOfThem", "all of them", R"({"a":1,"b":1,"c":1})", true},
                                         ConditionCase{"ThemSkipsHidden", "1 of them", R"({"h":1})", false},
                                         ConditionCase{"PatternSkipsHidden", "1 of *", R"({"h":1})", false},
                                         ConditionCase{"HiddenPattern", "1 of _*", R"({"h":1})", true},
                                         ConditionCase{"HiddenByName", "_hidden", R"({"h":1})", true},
                                         ConditionCase{"NotOneOf", "s-c and not 1 of s_*", R"({"c":1})", true},
                                         ConditionCase{"NotOneOfNot", "s-c and not 1 of s_*", R"({"c":1,"a":1})",
                                                       false},
                                         ConditionCase{"UpperCase", "s_a AND NOT s_b", R"({"a":1})", true},
                                         ConditionCase{"List", "[s_a, s_b]", R"({"b":1})", true},
                                         ConditionCase{"Folded", ">\n    s_a\n    or s_b", R"({"b":1})", true}),
                         [](const auto& of) { return of.param.name; });

struct KeywordCase {
  const char* name;
  const char* selection;
  const char* line;
  bool want;
};

class KeywordTest : public RulesFixture, public testing::WithParamInterface<KeywordCase> {};

TEST_P(KeywordTest, Matches) {
  start(rule(GetParam().selection));
  EXPECT_EQ(!see(GetParam().line).empty(), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Keywords, KeywordTest,
    testing::Values(KeywordCase{"AnyValue", "    - timeout", R"({"a":{"b":["x","Read TIMEOUT!"]}})", true},
                    KeywordCase{"KeysAreNotSearched", "    - timeout", R"({"timeout":"x"})", false},
                    KeywordCase{"NumbersAsText", "    - 404", R"({"a":14041})", true},
                    KeywordCase{"EscapedValue", "    - 'a\"b'", R"({"x":"1 A\"B 2"})", true},
                    KeywordCase{"UnicodeEscape", "    - 約定", R"({"x":"\u7d04\u5b9a"})", true},
                    KeywordCase{"Wildcard", "    - 'read*out'", R"({"x":"a read timeout b"})", true},
                    KeywordCase{"Or", "    - nothing\n    - timeout", R"({"x":"timeout"})", true},
                    KeywordCase{"AllInDifferentFields", "    '|all':\n      - one\n      - two",
                                R"({"x":"one","y":"two"})", true},
                    KeywordCase{"AllNot", "    '|all':\n      - one\n      - two", R"({"x":"one"})", false},
                    KeywordCase{"Re", "    '|re': 'o.e$'", R"({"x":"the one"})", true},
                    KeywordCase{"ReNot", "    '|re': 'o.e$'", R"({"x":"one two"})", false},
                    KeywordCase{"Contains", "    '|contains': one", R"({"x":"bones"})", true},
                    KeywordCase{"Scalar", "    timeout", R"({"x":"timeout"})", true},
                    KeywordCase{"ListOfMaps", "    - {a: 1}\n    - {b: 2}", R"({"b":2})", true},
                    KeywordCase{"MapsAreAnd", "    - {a: 1, b: 3}\n    - {b: 2}", R"({"b":3})", false},
                    KeywordCase{"MixedList", "    - {a: 1}\n    - word", R"({"x":"a word"})", true},
                    KeywordCase{"TextLine", "    - segfault", "kernel: SEGFAULT at 0", true}),
    [](const auto& of) { return of.param.name; });

using MatcherTest = RulesFixture;

TEST_F(MatcherTest, SharesPredicatesAndWakesOnlyWhatAnEventConcerns) {
  std::string yaml;
  for (int i = 0; i < 200; ++i) {
    yaml += "---\ntitle: r" + std::to_string(i) + "\ndetection:\n  s: {event: e" + std::to_string(i) +
            "}\n  lvl: {level: ERROR}\n  condition: s and lvl\n";
  }
  start(yaml);
  EXPECT_EQ(see(R"({"event":"e7","level":"ERROR"})").size(), 1u);
  EXPECT_EQ(see(R"({"event":"none","level":"INFO"})").size(), 0u);
  EXPECT_EQ(detector_->counters().evaluations, 1u);
}

TEST_F(MatcherTest, WitnessesLoseNoMatch) {
  start(
      "title: lit\ndetection: {s: {m|contains: [read timeout, 'connection re?et*peer']}, condition: s}\n---\n"
      "title: num\ndetection: {s: {n: [1.50, 7]}, condition: s}\n---\n"
      "title: absent\ndetection: {s: {m|contains: x}, f: {z: null}, condition: s or f}\n---\n"
      "title: wide\ndetection: {s: {m: ÄPFEL}, condition: s}\n");
  const auto titles = [this](const char* line) {
    std::string all;
    for (const Alert& alert : see(line)) all += alert.title + " ";
    return all;
  };
  EXPECT_EQ(titles(R"({"m":"a READ timeout","z":1})"), "lit ");
  EXPECT_EQ(titles(R"({"m":"connection RESET by peer","z":1})"), "lit ");
  EXPECT_EQ(titles(R"({"n":"15e-1","z":1})"), "num ");
  EXPECT_EQ(titles(R"({"n":[3,7.0],"z":1})"), "num ");
  EXPECT_EQ(titles(R"({"m":"y"})"), "absent ");
  EXPECT_EQ(titles(R"({"m":"Äpfel","z":1})"), "wide ");
}

TEST_F(MatcherTest, AliasesOfASchemaReachTheSameSlot) {
  const FieldId user = fields_.add("user.id");
  fields_.alias("user_id", user);
  start(
      "title: a\ndetection: {s: {user.id: U1}, condition: s}\n---\n"
      "title: b\ndetection: {s: {user_id: U1}, condition: s}\n");
  EXPECT_EQ(see(R"({"user_id":"U1"})").size(), 2u);
  EXPECT_EQ(see(R"({"user":{"id":"U1"}})").size(), 2u);
}

}  // namespace
}  // namespace tapewatch

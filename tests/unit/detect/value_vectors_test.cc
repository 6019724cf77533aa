// SPDX-License-Identifier: Apache-2.0
// Vectors of values without modifiers, of lists and maps, of keywords, and of conditions: what matches and what must
// not.
#include <gmock/gmock.h>

#include <functional>

#include "unit/detect/item_vectors.h"

namespace tapewatch {
namespace {

using ValueVectors = ItemVectors;

TEST_F(ValueVectors, Texts) {
  check({
      {"a: ''", {R"("")", R"(["x",""])"}, {"null", "0", "[]", R"({"b":""})", R"(" ")"}},
      {"a: ['', x]", {R"("")", R"("X")"}, {"null", R"("y")"}},
      {"a: '*'", {R"("")", "false", R"([null,1])", "{}"}, {"null", R"({"b":"x"})"}},
      {"a: '?'", {R"("x")", R"("約")", "7"}, {R"("")", R"("xy")", "null"}},
      {"a: '*?'", {R"("x")", R"("xyz")"}, {R"("")"}},
      {"a: 'a*b*c'", {R"("abc")", R"("aXbYc")", R"("abbcc")"}, {R"("acb")", R"("abcd")"}},
      {"a: '*a?b'", {R"("xaab")", R"("aaab")"}, {R"("ab")", R"("aab ")"}},
      {"a: '*約?'", {R"("x約定")"}, {R"("x約")"}},
      {"a: 'a.b[c](d)+^$|'", {R"("A.B[C](D)+^$|")"}, {R"("axb[c](d)+^$|")", R"("a.bc(d)+^$|")"}},
      {"a: ' x '", {R"(" x ")"}, {R"("x")"}},
      {"a: \"x\\ty\"", {R"("x\ty")"}, {R"("x y")"}},
      {"a: \"x\\u0000y\"", {R"("x\u0000y")"}, {R"("xy")", R"("x")"}},
      {"a: x", {R"("\u0058")"}, {R"("xx")", R"(["xx"])", R"({"a":{"a":"x"}})"}},
  });
}

// `\*` `\?` `\\` are literal; a backslash before anything else, or last, is itself.
TEST_F(ValueVectors, Escaping) {
  check({
      {R"(a: '\*')", {R"("*")"}, {R"("")", R"("x")", R"("\\*")"}},
      {R"(a: '\\*')", {R"("\\")", R"("\\x")"}, {R"("*")", R"("x")"}},
      {R"(a: '\\\*')", {R"("\\*")"}, {R"("\\x")", R"("*")", R"("\\")"}},
      {R"(a: '\\\\*')", {R"("\\\\")", R"("\\\\x")"}, {R"("\\x")", R"("\\*")"}},
      {R"(a: '\\\\\*')", {R"("\\\\*")"}, {R"("\\\\x")", R"("\\*")"}},
      {R"(a: '\\?')", {R"("\\x")"}, {R"("\\")", R"("?")", R"("\\xy")"}},
      {R"(a: '\\\?')", {R"("\\?")"}, {R"("\\x")"}},
      {R"(a: '*\*')", {R"("*")", R"("x*")"}, {R"("x")"}},
      {R"(a: '\**')", {R"("*")", R"("*x")"}, {R"("x*")"}},
      {R"(a: '\')", {R"("\\")"}, {R"("")", R"("\\\\")"}},
      {R"(a: '\\')", {R"("\\")"}, {R"("\\\\")"}},
      {R"(a: '\\\')", {R"("\\\\")"}, {R"("\\")", R"("\\\\\\")"}},
      {R"(a: '\\\\')", {R"("\\\\")"}, {R"("\\")"}},
      {R"(a: 'C:\Win\*\x.exe')", {R"("c:\\win*\\x.exe")"}, {R"("c:\\win\\y\\x.exe")"}},
      {R"(a: 'C:\Win\\*\x.exe')", {R"("c:\\win\\y\\x.exe")"}, {R"("c:\\winy\\x.exe")"}},
      {R"(a: '\n\t\"')", {R"("\\n\\t\\\"")"}, {R"("\n\t\"")"}},
      {R"(a: "\\*")", {R"("*")"}, {R"("\\x")", R"("x")"}},
  });
}

TEST_F(ValueVectors, NumbersAndTexts) {
  check({
      {"a: 5",
       {"5", "5.0", "50e-1", R"("5")", R"("5.0")", "[4,5]"},
       {R"("05")", R"(" 5")", R"("5x")", "true", "null", "51", R"({"a":{"b":5}})"}},
      {"a: '5'", {R"("5")", "5"}, {"5.0", R"("5.0")", R"("05")"}},
      {"a: 05", {R"("05")"}, {"5", R"("5")"}},
      {"a: '05'", {R"("05")"}, {"5"}},
      {"a: -0", {"0", "-0.0", R"("0")"}, {R"("")", "1"}},
      {"a: 1e3", {"1000", "1.0e3", R"("1000")"}, {"1001", "100"}},
      {"a: '1e3'", {"1e3", R"("1E3")"}, {"1000"}},
      {"a: 0x1F", {R"("0x1f")"}, {"31"}},
      {"a: 9007199254740993",
       {"9007199254740993", R"("9007199254740993")", "9007199254740993.0"},
       {"9007199254740992", "9007199254740994", "9.007199254740992e15"}},
      {"a: 18446744073709551615", {"18446744073709551615"}, {"18446744073709551616", "-1"}},
      {"a: -9223372036854775808", {"-9223372036854775808"}, {"-9223372036854775807", "9223372036854775808"}},
      {"a: 0.1", {"0.1", "0.10", "1e-1", R"("0.1")"}, {"0.1000000000000000055", "0.09999999999999999999"}},
      {"a: [5, x]", {"5.0", R"("X")"}, {R"("6")", R"("05")"}},
      {"a: '4*4'", {"404", "44"}, {"405"}},
      {"a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", {"9.0", R"("10")"}, {"11", R"("010")"}},
  });
}

TEST_F(ValueVectors, BooleansAndNull) {
  check({
      {"a: true",
       {"true", R"("true")", R"("TRUE")", "[false,true]"},
       {"false", "1", R"("1")", R"("yes")", "null", R"({"b":true})"}},
      {"a: false", {"false", R"("False")"}, {"true", "0", "null", R"("")", R"({"b":1})"}},
      {"a: TRUE", {"true"}, {"false"}},
      {"a: 'true'", {"true", R"("True")"}, {"false", "1"}},
      {"a: 'yes'", {R"("YES")"}, {"true"}},
      {"a: [true, 7]", {"true", "7"}, {"false", "1"}},
      {"a: null", {"null", R"({"b":1})", R"([1,null])"}, {R"("")", "0", "false", "[]", "{}", R"("null")"}},
      {"a: ~", {"null", R"({"b":1})"}, {R"("~")"}},
      {"a: 'null'", {R"("NULL")"}, {"null", R"({"b":1})"}},
      {"a.b: null", {R"({"a":{}})", R"({"a":null})", R"({"a":{"b":null}})", R"({"c":1})"}, {R"({"a":{"b":0}})"}},
  });
}

TEST_F(ValueVectors, PathsAndArrays) {
  check({
      {"a.b.c: x",
       {R"({"a":{"b":{"c":"x"}}})", R"({"a.b.c":"x"})", R"({"a.b":{"c":"x"}})", R"({"a":{"b.c":"x"}})",
        R"({"a":[{"b":[{"c":"y"},{"c":"x"}]}]})", R"({"a":[{"b":{"c":["y","x"]}}]})",
        R"({"a":[{"c":1},{"b":{"c":"X"}}]})"},
       {R"({"a":{"b":"x"}})", R"({"a":{"c":"x"}})", R"({"c":"x"})", R"({"a":[{"b":[{"c":"y"}]}]})"}},
      {"a: x", {R"(["y",["z",["x"]]])", R"([{"b":1},"x"])"}, {R"([{"a":"x"}])", R"(["y",[]])"}},
      {"a|contains|all: [x, y]", {R"([{"b":1},"1x",["2y"]])"}, {R"(["1x","2z"])"}},
      {"a.b: 5", {R"({"a":[{"b":"4"},{"b":5.0}]})"}, {R"({"a":[{"b":"05"}]})"}},
      {"a.b|all: [x, y]", {R"({"a":[{"b":"x"},{"b":"y"}]})"}, {R"({"a":[{"b":"x"},{"c":"y"}]})"}},
      {"a.b|neq: x", {R"({"a":[{"b":"y"},{"b":"z"}]})", R"({"a":[]})"}, {R"({"a":[{"b":"y"},{"b":"x"}]})"}},
      {"SourceName: x",
       {R"({"Source Name":"x"})", R"({"SourceName":"x"})"},
       {R"({"Sourcename":"x"})", R"({"Source_Name":"x"})"}},
      {"'@timestamp|contains': T09",
       {R"({"@timestamp":"2026-01-05T09:00:00Z"})"},
       {R"({"timestamp":"2026-01-05T09:00:00Z"})"}},
      {"ä.b: x", {R"({"ä":{"b":"x"}})", R"({"\u00e4.b":"x"})"}, {R"({"Ä":{"b":"x"}})"}},
  });
}

TEST_F(ValueVectors, ListsAndMaps) {
  const auto selection = [this](const std::string& yaml, const std::string& line) {
    start(rule(yaml));
    return !see(line).empty();
  };
  const std::string both = "    a: x\n    b: [1, 2]";
  EXPECT_TRUE(selection(both, R"({"a":"X","b":2})"));
  EXPECT_FALSE(selection(both, R"({"a":"x","b":3})"));
  EXPECT_FALSE(selection(both, R"({"b":1})"));
  const std::string maps = "    - a: x\n      b: 1\n    - c|neq: y\n      d: 2";
  EXPECT_TRUE(selection(maps, R"({"a":"x","b":1})"));
  EXPECT_TRUE(selection(maps, R"({"d":2})"));
  EXPECT_FALSE(selection(maps, R"({"a":"x","d":3})"));
  EXPECT_FALSE(selection(maps, R"({"c":"y","d":2})"));
  const std::string one_field = "    a|startswith: x\n    a|endswith: y\n    a|contains: z";
  EXPECT_TRUE(selection(one_field, R"({"a":"x z y"})"));
  EXPECT_FALSE(selection(one_field, R"({"a":"x y"})"));
  const std::string absent = "    - a: null\n    - a: ''";
  EXPECT_TRUE(selection(absent, R"({"b":1})"));
  EXPECT_TRUE(selection(absent, R"({"a":""})"));
  EXPECT_FALSE(selection(absent, R"({"a":"x"})"));
}

struct KeywordVector {
  const char* selection;
  std::vector<const char*> matching;
  std::vector<const char*> others;
};

TEST_F(ValueVectors, Keywords) {
  const std::vector<KeywordVector> vectors = {
      {"    - x*y", {R"({"m":"1x2y3"})"}, {R"({"m":"yx"})", R"({"x":"y"})", R"({"m":"x","n":"y"})"}},
      {"    - 'a?c'", {R"({"m":"zabcz"})"}, {R"({"m":"ac"})"}},
      {R"(    - 'a\*c')", {R"({"m":"1a*c"})"}, {R"({"m":"abc"})"}},
      {"    - 404", {R"({"m":404})", R"({"m":"x4045"})", R"({"m":[[{"n":1.404}]]})"}, {R"({"404":1})", R"({"m":40})"}},
      {"    - true", {R"({"m":true})", R"({"m":"not TRUE"})"}, {R"({"m":false})"}},
      {"    - ''", {R"({"m":""})", R"({"m":1})"}, {R"({})"}},
      {"    '|all': [one, 'tw?']", {R"({"a":"ONE","b":["x",{"c":"two"}]})"}, {R"({"a":"one","one":"x"})"}},
      {"    '|contains|all': [one, two]", {R"({"a":"two one"})"}, {R"({"a":"two"})"}},
      {"    '|startswith': one", {R"({"a":"x","b":"ONE two"})"}, {R"({"a":"two one"})"}},
      {"    '|endswith': [one, two]", {R"({"a":"x two"})"}, {R"({"a":"two x"})"}},
      {"    '|cased': One", {R"({"a":"xOney"})"}, {R"({"a":"xoney"})"}},
      {"    '|re': ['^o.e$', 't{2}']", {R"({"a":"x","b":"one"})", R"({"a":"xtty"})"}, {R"({"a":"x one"})"}},
      {"    '|re|i': '^O.E$'", {R"({"a":"one"})"}, {R"({"a":"on"})"}},
      {"    '|re|all': ['^o', 'e$']", {R"({"a":"o","b":"e"})"}, {R"({"a":"o"})"}},
      {"    '|windash': ' -f'", {R"({"a":"cmd /f"})"}, {R"({"a":"cmd f"})"}},
      {"    '|base64offset': foobar", {R"({"a":"eGZvb2Jhcg=="})"}, {R"({"a":"foobar"})"}},
      {"    '|neq': x", {R"({"a":"y"})"}, {R"({"a":"y","b":"1x"})"}},
      {"    '|all': [one, two]\n    a: 1",
       {R"({"a":1,"b":"one two"})"},
       {R"({"a":2,"b":"one two"})", R"({"a":1,"b":"one"})"}},
      {"    - one\n    - {a: 1, b|contains: two}", {R"({"x":"one"})", R"({"a":1,"b":"two"})"}, {R"({"a":1,"b":"x"})"}},
      {"    [one, two]", {R"({"x":"two"})"}, {R"({"x":"tw"})"}},
      {"    error", {"kernel: ERROR 5"}, {"kernel: err"}},
      {"    '|all': [kernel, error]", {"kernel: ERROR 5"}, {"error 5"}},
  };
  for (const KeywordVector& vector : vectors) {
    for (const auto& [lines, want] : {std::pair(vector.matching, true), std::pair(vector.others, false)}) {
      for (const char* line : lines) {
        start(rule(vector.selection));
        EXPECT_EQ(!see(line).empty(), want) << vector.selection << "  " << line;
        start(rule(vector.selection, "not not sel"));
        EXPECT_EQ(!see(line).empty(), want) << "without witnesses: " << vector.selection << "  " << line;
      }
    }
  }
}

// A condition over a, b, c and _h, and the same in C++, over all of their truth values.
struct ConditionVector {
  const char* condition;
  bool (*want)(bool a, bool b, bool c, bool h);
};

#define WANT(expression)               \
  [](bool a, bool b, bool c, bool h) { \
    (void)(a && b && c && h);          \
    return expression;                 \
  }

TEST_F(ValueVectors, ConditionsOverAllTruthValues) {
  const std::vector<ConditionVector> vectors = {
      {"s_a", WANT(a)},
      {"not s_a", WANT(!a)},
      {"not not not s_a", WANT(!a)},
      {"s_a and s_b and s-c", WANT(a && b && c)},
      {"s_a or s_b or s-c", WANT(a || b || c)},
      {"s_a or s_b and s-c", WANT(a || (b && c))},
      {"s_a and s_b or s-c", WANT((a && b) || c)},
      {"(s_a or s_b) and s-c", WANT((a || b) && c)},
      {"s_a and (s_b or s-c)", WANT(a && (b || c))},
      {"not s_a and s_b", WANT(!a && b)},
      {"not s_a or s_b", WANT(!a || b)},
      {"not (s_a and s_b)", WANT(!(a && b))},
      {"not (s_a or s_b) or s-c", WANT(!(a || b) || c)},
      {"s_a and not s_b or not s-c", WANT((a && !b) || !c)},
      {"s_a and not (s_b or not s-c)", WANT(a && (!b && c))},
      {"((s_a))", WANT(a)},
      {"(not s_a) and (not (not s_b))", WANT(!a && b)},
      {"1 of them", WANT(a || b || c)},
      {"any of them", WANT(a || b || c)},
      {"all of them", WANT(a && b && c)},
      {"not 1 of them", WANT(!(a || b || c))},
      {"not all of them", WANT(!(a && b && c))},
      {"1 of s_*", WANT(a || b)},
      {"any of s_*", WANT(a || b)},
      {"all of s_*", WANT(a && b)},
      {"not 1 of s_*", WANT(!(a || b))},
      {"not any of s_*", WANT(!(a || b))},
      {"not all of s_*", WANT(!(a && b))},
      {"s-c and not 1 of s_*", WANT(c && !(a || b))},
      {"1 of s_* and s-c", WANT((a || b) && c)},
      {"1 of s_* or all of *-c", WANT(a || b || c)},
      {"all of s* and not _h", WANT(a && b && c && !h)},
      {"1 of s_a", WANT(a)},
      {"all of *_a", WANT(a)},
      {"1 of *_*", WANT(a || b)},
      {"1 of *", WANT(a || b || c)},
      {"1 of _*", WANT(h)},
      {"all of _h", WANT(h)},
      {"not _h and 1 of them", WANT(!h && (a || b || c))},
      {"S_A_not_an_operator", WANT(a && h)},
      {"1 OF THEM AND NOT s_a", WANT((a || b || c) && !a)},
      {"All of s_* Or NOT Any Of s-*", WANT((a && b) || !c)},
      {"[s_a, s_b and s-c]", WANT(a || (b && c))},
      {"[not s_a]", WANT(!a)},
      {"['1 of s_*', 'all of _*']", WANT(a || b || h)},
      {"|\n    s_a\n    and\n      not s_b", WANT(a && !b)},
      {"\"s_a\\tand\\ts_b\"", WANT(a && b)},
      {"(s_a)and(s_b)", WANT(a && b)},
  };
  for (const ConditionVector& vector : vectors) {
    const bool upper = std::string(vector.condition).starts_with("S_A");
    start(std::string("title: t\ndetection:\n  s_a: {a: 1}\n  s_b: {b: 1}\n  s-c: {c: 1}\n  _h: {h: 1}\n") +
          (upper ? "  S_A_not_an_operator: {a: 1, h: 1}\n" : "") + "  condition: " + vector.condition + "\n");
    ASSERT_FALSE(HasFatalFailure()) << vector.condition;
    for (int bits = 0; bits < 16; ++bits) {
      const auto bit = [bits](int at) { return (bits >> at & 1) != 0; };
      std::string line = R"({"x":0)";
      for (int at = 0; at < 4; ++at) line += std::string(",\"") + "abch"[at] + "\":" + (bit(at) ? "1" : "2");
      EXPECT_EQ(!see(line + "}").empty(), vector.want(bit(0), bit(1), bit(2), bit(3)))
          << vector.condition << " " << line;
    }
  }
}

TEST_F(ValueVectors, SeveralDocumentsOfAnyEditor) {
  const char* const files[] = {
      "title: p\ndetection: {s: {a: 1}, condition: s}\n---\ntitle: q\ndetection: {s: {b: 1}, condition: s}\n",
      "---\ntitle: p\ndetection: {s: {a: 1}, condition: s}\n...\n---\n---\ntitle: q\ndetection: {s: {b: 1}, condition: "
      "s}",
      "\xEF\xBB\xBFtitle: p\r\ndetection: {s: {a: 1}, condition: s}\r\n---\r\ntitle: q\r\ndetection: {s: {b: 1}, "
      "condition: s}\r\n",
      "# one\n--- # first\n{title: p, detection: {s: {a: 1}, condition: s}}\n--- {title: q, detection: {s: {b: 1}, "
      "condition: s}}\n",
  };
  for (const char* file : files) {
    start(file);
    ASSERT_FALSE(HasFatalFailure()) << file;
    const auto titles = [this](const char* line) {
      std::string all;
      for (const Alert& alert : see(line)) all += alert.title;
      return all;
    };
    EXPECT_EQ(titles(R"({"a":1,"b":1})"), "pq") << file;
    EXPECT_EQ(titles(R"({"b":1})"), "q") << file;
    EXPECT_EQ(titles(R"({"a":2})"), "") << file;
  }
}

// Words of the language may be parts of names.
TEST_F(ValueVectors, NamesOfIdentifiers) {
  for (const char* name :
       {"and_x", "x-or", "1_sel", "not_x", "of_x", "them_x", "sel.1", "größe", "A", "notx", "1of", "allof"}) {
    start("title: t\ndetection:\n  " + std::string(name) + ": {a: 1}\n  b: {b: 1}\n  condition: " + name +
          " and not b\n");
    EXPECT_FALSE(see(R"({"a":1})").empty()) << name;
    EXPECT_TRUE(see(R"({"a":2})").empty()) << name;
    EXPECT_TRUE(see(R"({"a":1,"b":1})").empty()) << name;
  }
}

}  // namespace
}  // namespace tapewatch

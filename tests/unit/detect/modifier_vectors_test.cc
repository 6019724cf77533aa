// SPDX-License-Identifier: Apache-2.0
// Vectors of every modifier: values that an item matches, and values that it must not.
#include <gmock/gmock.h>

#include <set>

#include "unit/detect/item_vectors.h"

namespace tapewatch {
namespace {

using ModifierVectors = ItemVectors;

// Every name that stands behind '|', with the least that tells it from its neighbours.
const std::vector<std::pair<const char*, ItemVector>> every_modifier = {
    {"contains", {"a|contains: og", {R"("LOGIN")"}, {R"("LO GIN")", "null", R"({"b":"og"})"}}},
    {"startswith", {"a|startswith: lo", {R"("LOGIN")"}, {R"("xlogin")", R"("l")"}}},
    {"endswith", {"a|endswith: in", {R"("LOGIN")"}, {R"("login ")", R"("n")"}}},
    {"all", {"a|contains|all: [lo, in]", {R"("login")"}, {R"("lo")", R"("in")"}}},
    {"cased", {"a|cased: Login", {R"("Login")"}, {R"("login")"}}},
    {"neq", {"a|neq: x", {R"("y")", "null", R"({"b":"x"})"}, {R"("x")", R"(["y","x"])"}}},
    {"exists", {"a|exists: true", {R"("")", "null", "[]", "{}"}, {R"({"b":1})"}}},
    {"cidr", {"a|cidr: 10.0.0.0/8", {R"("10.255.255.255")"}, {R"("11.0.0.0")", R"("10.0.0.x")"}}},
    {"re", {"a|re: '^lo+gin$'", {R"("looogin")"}, {R"("Login")", R"("lgin")"}}},
    {"i", {"a|re|i: '^lo+gin$'", {R"("LOOGIN")"}, {R"("LGIN")"}}},
    {"ignorecase", {"a|re|ignorecase: '^lo+gin$'", {R"("LOOGIN")"}, {R"("LGIN")"}}},
    {"m", {"a|re|m: '^b$'", {R"("a\nb\nc")"}, {R"("a\nbc")"}}},
    {"multiline", {"a|re|multiline: '^b$'", {R"("a\nb\nc")"}, {R"("a\nbc")"}}},
    {"s", {"a|re|s: 'a.b'", {R"("a\nb")"}, {R"("a\n\nb")"}}},
    {"dotall", {"a|re|dotall: 'a.b'", {R"("a\nb")"}, {R"("a\n\nb")"}}},
    {"fieldref", {"a|fieldref: b", {R"({"a":"x","b":"X"})"}, {R"({"a":"x","b":"xy"})"}}},
    {"expand", {"a|expand: 'x%y'", {R"("X%Y")"}, {R"("xy")"}}},
    {"windash", {"a|windash: '-f'", {R"("/F")"}, {R"("f")"}}},
    {"base64", {"a|base64: foo", {R"("Zm9v")"}, {R"("foo")"}}},
    {"base64offset", {"a|base64offset|contains: foobar", {R"("eGZvb2Jhcg==")"}, {R"("eGZvb2Jhfg==")"}}},
    {"wide", {"a|wide: ab", {R"("a\u0000b\u0000")"}, {R"("ab")", R"("\u0000a\u0000b")"}}},
    {"utf16le", {"a|utf16le: ab", {R"("a\u0000b\u0000")"}, {R"("ab")", R"("\u0000a\u0000b")"}}},
    {"utf16be", {"a|utf16be: ab", {R"("\u0000a\u0000b")"}, {R"("ab")", R"("a\u0000b\u0000")"}}},
    {"utf16", {"a|utf16|base64: ab", {R"("//5hAGIA")"}, {R"("YQBiAA==")", R"("/v8AYQBi")"}}},
    {"lt", {"a|lt: 5", {"4.999", "-6"}, {"5", "5.0", R"("x")"}}},
    {"lte", {"a|lte: 5", {"5", "5.0", "-6"}, {"5.001", R"("x")"}}},
    {"gt", {"a|gt: 5", {"5.001", "1e2"}, {"5", "5.0", "-6", R"("x")"}}},
    {"gte", {"a|gte: 5", {"5", "5.0", "1e2"}, {"4.999", "-6", R"("x")"}}},
    {"minute", {"a|minute: 10", {R"("2026-02-05T23:10:59Z")"}, {R"("2026-02-05T10:11:10Z")"}}},
    {"hour", {"a|hour: 23", {R"("2026-02-05T23:10:00Z")"}, {R"("2026-02-23T22:23:23Z")"}}},
    {"day", {"a|day: 29", {R"("2028-02-29T00:00:00Z")"}, {R"("2028-03-01T00:00:00Z")"}}},
    {"week", {"a|week: 9", {R"("2026-02-23T00:00:00Z")", R"("2026-03-01T23:59:59Z")"}, {R"("2026-03-02T00:00:00Z")"}}},
    {"month", {"a|month: 2", {R"("2026-02-05T23:10:00Z")"}, {R"("2026-12-02T02:02:02Z")"}}},
    {"year", {"a|year: 2026", {R"("2026-12-31T23:59:59Z")"}, {R"("2027-01-01T00:00:00Z")"}}},
};

TEST_F(ModifierVectors, EveryModifierHasBoth) {
  std::set<std::string> names;
  for (const auto& [name, vector] : every_modifier) {
    EXPECT_NE((std::string(vector.item) + "|").find(std::string("|") + name), std::string::npos) << vector.item;
    EXPECT_FALSE(vector.matching.empty() || vector.others.empty()) << name;
    names.insert(name);
    check({vector});
  }
  EXPECT_EQ(names.size(), 31u + 3u) << "the 31 of the standard, and the long names of i, m and s";
}

TEST_F(ModifierVectors, PartsOfTexts) {
  check({
      {"a|contains: ''", {R"("")", R"("x")", "0"}, {"null", R"({"b":1})"}},
      {"a|startswith: ''", {R"("")", R"("x")"}, {"null", R"({"b":1})"}},
      {"a|endswith: ''", {R"("")", R"("x")"}, {"null", R"({"b":1})"}},
      {"a|contains: '*x'", {R"("yx")", R"("xz")"}, {R"("y")"}},
      {R"(a|contains: 'a\*b')", {R"("1a*b2")"}, {R"("1axb2")"}},
      {R"(a|contains: 'a\\*b')", {R"("1a\\xb2")"}, {R"("1axb2")"}},
      {R"(a|startswith: 'C:\\')", {R"("c:\\x")"}, {R"("c:x")"}},
      {R"(a|endswith: '\')", {R"("c:\\")"}, {R"("c:")"}},
      {"a|endswith: '?'", {R"("x")", R"("約")"}, {R"("")"}},
      {"a|startswith: '?\?'", {R"("xy")", R"("約束")"}, {R"("x")", R"("約")"}},
      {"a|contains: 0.5", {"10.55", R"("v0.5")"}, {"0.45"}},
      {"a|endswith: e", {"true", R"("E")"}, {"1"}},
      {"a|startswith|contains: b", {R"("abc")"}, {R"("ac")"}},
      {"a|contains: [x, y]", {R"("1y")"}, {R"("z")"}},
      {"a|startswith|all: [l, lo]", {R"("login")"}, {R"("lag")"}},
      {"a|endswith|all: [n, '*gi*']", {R"("login")"}, {R"("logon")", R"("logia")"}},
  });
}

TEST_F(ModifierVectors, AllOfAList) {
  check({
      {"a|all: ['*x*', '*y*']", {R"("xy")", R"(["x","y"])"}, {R"("x")", R"(["x","z"])"}},
      {"a|all: [1, '1']", {"1", R"("1")"}, {"1.0"}},
      {"a|all: [x]", {R"("x")"}, {R"("y")"}},
      {"a|re|all: ['^a', 'z$']", {R"("abz")"}, {R"("ab")", R"("bz")"}},
      {"a|all|re: ['^a', 'z$']", {R"("abz")"}, {R"("ab")"}},
      {"a|cidr|all: [10.0.0.0/8, 10.1.0.0/16]", {R"("10.1.2.3")"}, {R"("10.2.2.3")"}},
      {"a|gte|all: [5, 7]", {"7"}, {"6"}},
      {"a|contains|all|neq: [x, y]", {R"("x")", R"("z")", R"({"b":1})"}, {R"("xy")"}},
      {"a|windash|contains|all: [' -f', ' /g']", {R"("x –f -g")"}, {R"("x –f")", R"("x -h -g")"}},
      {"a|base64offset|contains|all: [foobar, bazqux]",
       {R"("eGZvb2Jhcg== YmF6cXV4")"},
       {R"("eGZvb2Jhcg==")", R"("YmF6cXV4")"}},
      {"a|fieldref|all: [b, c]", {R"({"a":"x","b":"x","c":"X"})"}, {R"({"a":"x","b":"x","c":"y"})", R"("x")"}},
  });
}

TEST_F(ModifierVectors, Cased) {
  check({
      {"a|cased: 'Lo*n'", {R"("Login")"}, {R"("login")", R"("LogiN")"}},
      {"a|cased: 'L?gin'", {R"("L\u00f6gin")"}, {R"("l\u00f6gin")"}},
      {"a|startswith|cased: Lo", {R"("Login")"}, {R"("LOgin")"}},
      {"a|cased|endswith: iN", {R"("logiN")"}, {R"("login")"}},
      {"a|cased: MÜLLER", {R"("MÜLLER")"}, {R"("müller")"}},
      {"a|cased: [A1, A2, A3, A4, A5, A6, A7, A8, A9]", {R"("A9")"}, {R"("a9")"}},
      {"a|contains|cased: [A1, A2, A3, A4, A5, A6, A7, A8, A9]", {R"("xA9")"}, {R"("xa9")"}},
      {"a|contains|all|cased: [Lo, iN]", {R"("LogiN")"}, {R"("Login")"}},
      {"a|cased|windash: '-F'", {R"("/F")"}, {R"("/f")"}},
      {"a|cased|base64: foo", {R"("Zm9v")"}, {R"("ZM9V")"}},
      {"a|cased: 5", {"5", R"("5")"}, {"5.0"}},
      {"a|cased: true", {"true", R"("true")"}, {R"("TRUE")", "false"}},
      {"a|cased|neq: X", {R"("x")"}, {R"("X")"}},
  });
}

// Only a dash or slash that starts a word, and any of five for it.
TEST_F(ModifierVectors, Windash) {
  check({
      {"a|windash: '-f'",
       {R"("-f")", R"("/f")", R"("\u2013f")", R"("\u2014f")", R"("\u2015f")"},
       {R"("f")", R"("--f")", R"("\u2012f")", R"("\\f")"}},
      {"a|windash: '/f'", {R"("-f")", R"("/f")", R"("\u2015F")"}, {R"("f")"}},
      {"a|windash: '--force'", {R"("--force")", R"("-/force")"}, {R"("//force")", R"("/-force")"}},
      {"a|windash: 'a - b'", {R"("a - b")"}, {R"("a / b")"}},
      {"a|windash: 'x-y -z'", {R"("x-y /z")"}, {R"("x/y -z")", R"("x/y /z")"}},
      {"a|windash: 'é-z'", {R"("é-z")"}, {R"("é/z")"}},
      {"a|windash: 'x -'", {R"("x -")"}, {R"("x /")"}},
      {"a|windash: '\"-f\"'", {R"("\"/f\"")"}, {R"("/f")"}},
      {"a|windash: '*-f*'", {R"("cmd /f x")", R"("/f")"}, {R"("cmd f")"}},
      {"a|windash: 'x?-f'", {R"("x –f")"}, {R"("x-f")"}},
      {"a|windash|contains: ' -a -b'", {R"("x -a /b")", R"("x /a –b y")"}, {R"("x -a b")"}},
      {"a|contains|windash: [' -a', ' -b']", {R"("x /b")"}, {R"("x /c")"}},
      {"a|windash|endswith: ' -a'", {R"("x /a")"}, {R"("x /a b")"}},
      {"a|windash|startswith: '-a'", {R"("/a b")"}, {R"("x /a")"}},
      {"a|windash|neq: '-f'", {R"("f")", R"({"b":1})"}, {R"("/f")", R"("-f")"}},
      {"a|windash: '\u2013f'", {R"("\u2013f")"}, {R"("-f")"}},
      {"a|windash: plain", {R"("PLAIN")"}, {R"("-plain")"}},
      {"a|windash|base64: '-f'", {R"("LWY=")", R"("L2Y=")", R"("4oCTZg==")"}, {R"("-f")", R"("Zg==")"}},
      {"a|windash|wide|base64offset|contains: ' -f'",
       {R"("eAAgAC8AZgA=")", R"("eAAgAC0AZgA=")"},
       {R"("eAAgACsAZgA=")"}},
  });
}

TEST_F(ModifierVectors, Base64) {
  check({
      {"a|base64: foo", {R"("zM9V")"}, {R"("Zm9v=")", R"("xZm9v")"}},
      {"a|base64|contains: foo", {R"("xxZm9vYmFy")"}, {R"("Zm9")"}},
      {"a|base64|startswith: foo", {R"("Zm9vYmFy")"}, {R"("xZm9v")"}},
      {"a|base64: 123", {R"("MTIz")"}, {"123"}},
      {"a|base64: true", {R"("dHJ1ZQ==")"}, {"true"}},
      {R"(a|base64: 'a\*')", {R"("YSo=")"}, {R"("YXg=")"}},
      {R"(a|base64: 'a\b')", {R"("YVxi")"}, {R"("YWI=")"}},
      {"a|base64: é", {R"("w6k=")"}, {R"("6Q==")"}},
      {"a|base64: ''", {R"("")"}, {R"("x")"}},
      {"a|base64: [foo, bar]", {R"("YmFy")"}, {R"("YmF6")"}},
      {"a|base64offset|contains: [foobar, bazqux]", {R"("eHhiYXpxdXg=")"}, {R"("YmF6cQ==")"}},
  });
}

TEST_F(ModifierVectors, Base64Offsets) {
  check({
      {"a|base64offset|contains: /bin/bash",
       {R"("xL2Jpbi9iYXNo")", R"("IC9iaW4vYmFzaCA=")", R"("ICAvYmluL2Jhc2ggIA==")"},
       {R"("L2Jpbi9iYXN")", R"("/bin/bash")"}},
      {"a|base64offset: /bin/bash", {R"("9iaW4vYmFza")"}, {R"("IC9iaW4vYmFzaCA=")"}},
      {"a|base64offset|contains: foob", {R"("Zm9vYg==")", R"("eGZvb2I=")", R"("eHhmb29i")"}, {R"("Zm9vcg==")"}},
      {"a|base64offset|contains: fooba", {R"("Zm9vYmE=")", R"("eGZvb2Jh")", R"("eHhmb29iYQ==")"}, {R"("Zm9vcmE=")"}},
      {"a|base64offset|contains: 約定", {R"("57SE5a6a")", R"("eOe0hOWumg==")"}, {R"("57SE5a6b")"}},
      {"a|wide|base64offset|contains: tape", {R"("dABhAHAAZQA=")", R"("eAB0AGEAcABlAA==")"}, {R"("dGFwZQ==")"}},
      {"a|base64offset|contains|cased: foobar", {R"("Zm9vYmFy")"}, {R"("ZM9VYMFY")"}},
      {"a|base64offset|contains|neq: foobar", {R"("x")", R"({"b":1})"}, {R"("eGZvb2Jhcg==")"}},
  });
}

TEST_F(ModifierVectors, Utf16) {
  check({
      {"a|wide|contains: ab", {R"("xa\u0000b\u0000y")"}, {R"("a\u0000b")"}},
      {"a|utf16be|base64: é", {R"("AOk=")"}, {R"("6QA=")"}},
      {"a|utf16le|base64: é", {R"("6QA=")"}, {R"("AOk=")"}},
      {"a|utf16|base64: é", {R"("//7pAA==")"}, {R"("6QA=")"}},
      {"a|utf16be|base64: '\xF0\x9F\x9A\x80'", {R"("2D3egA==")"}, {R"("PdiA3g==")"}},
      {"a|wide|base64: 約", {R"("BH0=")"}, {R"("fYQ=")"}},
      {"a|wide|base64|contains|all: [ab, cd]", {R"("YQBiAA== YwBkAA==")"}, {R"("YQBiAA==")"}},
  });
}

TEST_F(ModifierVectors, Networks) {
  check({
      {"a|cidr: 192.0.2.0/24",
       {R"("192.0.2.0")", R"("192.0.2.255")", R"(["x","192.0.2.7"])"},
       {R"("192.0.1.255")", R"("192.0.3.0")", R"("192.0.2")", R"("192.0.2.1 ")", R"("192.0.2.1/32")",
        R"("192.0.2.256")", R"("192.0.2.01")", R"("")", "192", "null", "true", R"("::ffff:192.0.2.1")"}},
      {"a|cidr: 192.0.2.7", {R"("192.0.2.7")"}, {R"("192.0.2.8")"}},
      {"a|cidr: 192.0.2.6/31", {R"("192.0.2.6")", R"("192.0.2.7")"}, {R"("192.0.2.5")", R"("192.0.2.8")"}},
      {"a|cidr: 0.0.0.0/0", {R"("1.2.3.4")"}, {R"("::1")", R"("host")"}},
      {"a|cidr: '::/0'", {R"("::1")", R"("::ffff:1.2.3.4")"}, {R"("1.2.3.4")"}},
      {"a|cidr: fe80::/10",
       {R"("fe80::1")", R"("FEBF::1")", R"("fe80:0:0:0:0:0:0:1")"},
       {R"("fec0::1")", R"("fe80::1%eth0")", R"("fe80:::1")", R"("[fe80::1]")"}},
      {"a|cidr: '::ffff:10.0.0.0/104'", {R"("::ffff:10.1.2.3")", R"("::FFFF:0A01:0203")"}, {R"("10.1.2.3")"}},
      {"a|cidr: [10.0.0.0/8, 'fd00::/8']", {R"("10.1.1.1")", R"("fd12::1")"}, {R"("11.1.1.1")", R"("fe12::1")"}},
      {"a|cidr|neq: [10.0.0.0/8, 127.0.0.0/8]", {R"("11.1.1.1")", R"("x")", "null"}, {R"("127.0.0.1")"}},
      {"a|neq|cidr: 10.0.0.0/8", {R"("11.1.1.1")"}, {R"("10.0.0.1")"}},
  });
}

TEST_F(ModifierVectors, Expressions) {
  check({
      {"a|re: 'b'", {R"("abc")"}, {R"("ABC")", R"("")"}},
      {"a|re: '^$'", {R"("")"}, {"null", R"({"b":1})", R"(" ")"}},
      {"a|re: '.*'", {R"("")", "0"}, {"null", R"({"b":1})"}},
      {R"(a|re: 'a\*b\\c')", {R"("a*b\\c")"}, {R"("axb\\c")", R"("a*bc")"}},
      {R"(a|re: '\d{3}\s\w+\b')", {R"("x404 ab")"}, {R"("x40 ab")"}},
      {"a|re: 'a.+?b$'", {R"("axxb")"}, {R"("ab")"}},
      {"a|re: '(?:ab)+c'", {R"("ababc")"}, {R"("ac")"}},
      {"a|re: '(?i)LOG[a-c]'", {R"("loga")", R"("LOGB")"}, {R"("logd")"}},
      {"a|re: '(?i:LO)g'", {R"("log")"}, {R"("loG")"}},
      {"a|re: '[^a-z]'", {R"("abC")"}, {R"("abc")", R"("")"}},
      {"a|re: '^約.$'", {R"("約定")"}, {R"("約")"}},
      {"a|re: 404", {"404", R"("x404")"}, {"405"}},
      {"a|re: '^(true|1\\.5e3)$'", {"true", "1.5e3", R"("true")"}, {"false", "1500"}},
      {"a|re|i|m|s: '^b.c$'", {R"("a\nB\nC\nd")"}, {R"("a\nB\nCd")"}},
      {"a|re|m|s: '^b.c$'", {R"("a\nb\nc")"}, {R"("a\nB\nC")"}},
      {"a|re|i|m: '^b.c$'", {R"("a\nBxC")"}, {R"("a\nb\nc")"}},
      {"a|re|i|s: '^b.c$'", {R"("B\nC")"}, {R"("a\nb\nc")"}},
      {"a|re|i: MÜLLER", {R"("Müller")"}, {R"("Muller")"}},
      {"a|re: ['^a', 'z$']", {R"("ab")", R"("yz")"}, {R"("ba")"}},
      {"a|re|neq: '^a'", {R"("b")", R"({"b":1})"}, {R"("ab")"}},
      {"a|re: '^b'", {R"(["a","b"])"}, {R"(["ab"])"}},
      {R"(a|re: 'x\"y')", {R"("x\"y")"}, {R"("xy")"}},
      {"a|re: 'kiosk|Straße'", {R"("a kiosk")", R"("Straße")"}, {R"("KIOSK")"}},
      {"a|re|i: 'kiosk'", {R"("KIOSK")", R"("\u212aiosk")"}, {R"("kios")"}},
  });
}

TEST_F(ModifierVectors, FieldsAgainstFields) {
  check({
      {"a|fieldref: b",
       {R"({"a":5,"b":"5"})", R"({"a":true,"b":"TRUE"})", R"({"a":"","b":""})", R"({"a":["x","y"],"b":"Y"})",
        R"({"a":"y","b":["x","y"]})", R"({"a":"x\"","b":"X\""})"},
       {R"({"a":null,"b":null})", R"({"c":1})", R"({"b":"x"})", R"({"a":"x"})", R"({"a":["x"],"b":["y"]})",
        R"({"a":"*","b":"x"})"}},
      {"a|fieldref|startswith: b", {R"({"a":"xyz","b":"XY"})"}, {R"({"a":"xy","b":"xyz"})", R"({"a":"zxy","b":"xy"})"}},
      {"a|fieldref|endswith: b", {R"({"a":"xyz","b":"YZ"})"}, {R"({"a":"yz","b":"xyz"})", R"({"a":"yzx","b":"yz"})"}},
      {"a|fieldref|contains: b", {R"({"a":"xyz","b":"y"})", R"({"a":"x","b":""})"}, {R"({"a":"y","b":"xyz"})"}},
      {"a|startswith|fieldref: b", {R"({"a":"xyz","b":"XY"})"}, {R"({"a":"zxy","b":"xy"})"}},
      {"a|fieldref|startswith|cased: b", {R"({"a":"Xyz","b":"X"})"}, {R"({"a":"Xyz","b":"x"})"}},
      {"a|fieldref|neq: b", {R"({"a":"x","b":"y"})", R"({"a":"x"})", R"({"b":"x"})"}, {R"({"a":"x","b":"X"})"}},
      {"a|fieldref|contains|neq: b", {R"({"a":"x","b":"y"})"}, {R"({"a":"xy","b":"y"})"}},
      {"a|fieldref: [b, c]", {R"({"a":"x","b":"y","c":"x"})"}, {R"({"a":"x","b":"y","c":"z"})"}},
      {"a.b|fieldref: c.d", {R"({"a":{"b":"x"},"c":{"d":"x"}})", R"({"a.b":"x","c.d":"x"})"}, {R"({"a":"x","c":"x"})"}},
      {"a|fieldref: a", {R"("x")"}, {R"({"b":"x"})", "null"}},
  });
}

TEST_F(ModifierVectors, Presence) {
  check({
      {"a|exists: true", {"false", "0", R"([null])", R"({"a":{"b":null}})"}, {R"({"A":1})", R"({"b":{"a":1}})"}},
      {"a|exists: false", {R"({"A":1})"}, {"null", R"("")", "[]", "{}", R"([{"b":1}])"}},
      {"a.b|exists: true",
       {R"({"a":{"b":null}})", R"({"a.b":1})", R"({"a":[{"c":1},{"b":1}]})"},
       {R"({"a":null})", R"({"a":{"c":1}})", R"({"a":[]})", R"({"a":"b"})"}},
      {"a.b|exists: false", {R"({"a":null})", R"({"a":{}})"}, {R"({"a":{"b":[]}})"}},
      {"a|exists: True", {"1"}, {R"({"b":1})"}},
      {"a|exists: FALSE", {R"({"b":1})"}, {"1"}},
  });
}

TEST_F(ModifierVectors, Neq) {
  check({
      {"a|neq: null", {R"("")", "0", "[]"}, {"null", R"({"b":1})"}},
      {"a|neq: ''", {R"("x")", "null", R"({"b":1})"}, {R"("")"}},
      {"a|neq: 5", {"6", R"("05")", "true"}, {"5.0", R"("5")"}},
      {"a|neq: true", {"false", "1"}, {"true", R"("True")"}},
      {"a|neq: 'x*'", {R"("yx")"}, {R"("xy")", R"("x")"}},
      {"a|contains|neq: x", {R"("y")"}, {R"("yx")"}},
      {"a|neq|contains: [x, y]", {R"("z")"}, {R"("ax")", R"("ay")"}},
      {"a|neq: [x, 5]", {R"("y")", R"({"b":1})"}, {R"("X")", "5"}},
      {"a|neq|gt: 5", {"5", R"("x")", R"({"b":1})"}, {"6"}},
      {"a|hour|neq: 9", {R"("2026-01-05T10:00:00Z")", R"("x")"}, {R"("2026-01-05T09:00:00Z")"}},
  });
}

// Exact, whatever the size; only what JSON calls a number is one.
TEST_F(ModifierVectors, Comparisons) {
  check({
      {"a|gt: 9007199254740992",
       {"9007199254740993", R"("9007199254740993")"},
       {"9007199254740992", "9007199254740991"}},
      {"a|lt: 9007199254740993", {"9007199254740992"}, {"9007199254740993", "9007199254740994"}},
      {"a|gte: 18446744073709551616", {"18446744073709551616", "1e20"}, {"18446744073709551615"}},
      {"a|lte: -9223372036854775809", {"-9223372036854775809"}, {"-9223372036854775808"}},
      {"a|gt: 5.5", {"5.51", R"("6")", "1e1"}, {"5.5", "5.50", R"("5.4")"}},
      {"a|lt: 0.1", {"0.09999999999999999999", "-1", "1e-2"}, {"0.1", "0.10000000000000000001"}},
      {"a|gte: 0", {"-0.0", "0e5", R"("0")"}, {"-1e-300"}},
      {"a|gt: 1e3", {"1001", "1.1e3"}, {"1000", "1e3"}},
      {"a|lt: 1e400", {"1e399", "5"}, {"1e400", "1e401"}},
      {"a|gte: 5",
       {R"("5")", "[1,7]", R"(["x",7])"},
       {R"("05")", R"("5 ")", R"(" 5")", R"("+5")", R"("5.")", R"("0x10")", R"("")", "true", "null", R"({"b":7})", "[]",
        "{}", R"("Infinity")"}},
      {"a|lt: 5", {"4"}, {R"({"b":1})", "null", "false", R"("")", R"("four")"}},
      {"a|lte: [1, 3]", {"1", "2", "3"}, {"4"}},
      {"a.b|gt: 5", {R"({"a":[{"b":1},{"b":9}]})"}, {R"({"a":[{"b":1},{"b":2}]})"}},
  });
}

TEST_F(ModifierVectors, PartsOfTimes) {
  const char* const moment = R"("2026-01-05T23:10:45.123456Z")";
  check({
      {"a|minute|lt: 11", {moment}, {R"("2026-01-05T23:11:00Z")"}},
      {"a|minute|gt: 9", {moment}, {R"("2026-01-05T23:09:00Z")"}},
      {"a|hour|lte: 23", {moment}, {R"("noon")", "null", R"({"b":1})"}},
      {"a|hour|lt: 6", {R"("2026-01-05T05:59:59Z")"}, {R"("2026-01-05T06:00:00Z")"}},
      {"a|hour: [22, 23]", {moment}, {R"("2026-01-05T21:10:00Z")"}},
      {"a|hour|neq: 22", {moment}, {R"("2026-01-05T22:10:00Z")"}},
      {"a|hour: 23",
       {R"("2026-01-06T01:10:00+02:00")", R"("2026-01-05T18:10:00-05:00")", R"(["x","2026-01-05T23:10:45Z"])"},
       {R"("2026-01-05T23:10:00+02:00")", "23", R"("23")"}},
      {"a|day: 5", {moment, R"("2026-01-06T00:30:00+01:00")"}, {R"("2026-01-06T00:00:00Z")"}},
      {"a|day|gte: 5", {moment}, {R"("2026-02-04T23:00:00Z")"}},
      {"a|month|gt: 1", {R"("2026-02-01T00:00:00Z")"}, {moment}},
      {"a|month: [6, 12]", {R"("2026-12-01T00:00:00Z")"}, {moment}},
      {"a|year|lt: 2026", {R"("2026-01-01T00:30:00+01:00")"}, {moment}},
      {"a|year|gte: 2026", {moment, "1767571200", "1767571200000"}, {"1767139200"}},
      {"a|week: 1", {R"("2025-12-29T00:00:00Z")", R"("2026-01-04T23:59:59Z")"}, {R"("2025-12-28T23:59:59Z")", moment}},
      {"a|week: 52", {R"("2025-12-28T23:59:59Z")", R"("2023-01-01T00:00:00Z")"}, {R"("2025-12-29T00:00:00Z")"}},
      {"a|week: 53", {R"("2026-12-31T00:00:00Z")", R"("2021-01-03T00:00:00Z")"}, {R"("2021-01-04T00:00:00Z")"}},
      {"a|week|lte: 2", {moment}, {R"("2026-01-12T00:00:00Z")"}},
      {"a|hour: 9",
       {R"("2026-01-05T09:00:00")", R"("2026-01-05 09:00:00.123")", R"("2026-01-05t09:59:59,9z")",
        R"("2026-01-05T09:00:00+0000")", "1767603600.5"},
       {R"("2026-01-05")", R"("2026-01-05T09")", R"("09:00:00")", R"("2026-13-05T09:00:00Z")", "true", "-1"}},
      {"a|day: 29", {R"("2024-02-29T12:00:00Z")"}, {R"("2023-02-29T12:00:00Z")"}},
  });
}

TEST_F(ModifierVectors, Expand) {
  check({
      {R"(a|expand: '100\%')", {R"("100%")"}, {R"("100\\%")", R"("100")"}},
      {R"(a|expand: '\%PATH\%')", {R"("%path%")"}, {R"("\\%path\\%")", R"("path")"}},
      {R"(a|expand|contains: '\%PATH\%')", {R"("x%path%y")"}, {R"("xpathy")"}},
      {R"(a|contains|expand: '\%PATH\%')", {R"("x%path%y")"}, {R"("xpathy")"}},
      {"a|expand: '50% off, 20% on'", {R"("50% off, 20% on")"}, {R"("50on")"}},
      {"a|expand: '%%'", {R"("%%")"}, {R"("%")"}},
      {"a: '%PATH%'", {R"("%path%")"}, {R"("path")"}},
  });
}

}  // namespace
}  // namespace tapewatch

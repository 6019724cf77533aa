// SPDX-License-Identifier: Apache-2.0
#include "tail/glob.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tapewatch {
namespace {

struct Case {
  const char* pattern;
  const char* path;
  bool want;
};

TEST(Glob, Matches) {
  const Case cases[] = {
      {"/v/*.log", "/v/a.log", true},
      {"/v/*.log", "/v/.log", false},
      {"/v/*.log", "/v/.hidden.log", false},
      {"/v/.*.log", "/v/.hidden.log", true},
      {"/v/*.log", "/v/a.log.1", false},
      {"/v/*.log", "/v/x/a.log", false},
      {"/v/*.log*", "/v/a.log.1", true},
      {"/v/a?c", "/v/abc", true},
      {"/v/a?c", "/v/ac", false},
      {"/v/a?c",
       "/v/a\xE6\xB3\xA8"
       "c",
       true},
      {"/v/[a-c]x", "/v/bx", true},
      {"/v/[a-c]x", "/v/dx", false},
      {"/v/[!a-c]x", "/v/dx", true},
      {"/v/[^a-c]x", "/v/bx", false},
      {"/v/[]]x", "/v/]x", true},
      {"/v/[a-]x", "/v/-x", true},
      {"/v/\\*x", "/v/*x", true},
      {"/v/\\*x", "/v/ax", false},
      {"/v/**/a.log", "/v/a.log", true},
      {"/v/**/a.log", "/v/x/y/a.log", true},
      {"/v/**/a.log", "/v/.x/a.log", false},
      {"/v/**", "/v/x/y", true},
      {"/v/**/x/**/*.log", "/v/a/x/b/c.log", true},
      {"/v/*/a.log", "/v/x/a.log", true},
      {"/v/*/a.log", "/v/a.log", false},
      {"/v/{a,b}.log", "/v/b.log", true},
      {"/v/{a,b{1,2}}.log", "/v/b2.log", true},
      {"/v/{a,b}.log", "/v/c.log", false},
      {"/v/a*b*c*d", "/v/aXbXcXd", true},
      {"/v/a*b*c*d", "/v/aXbXcX", false},
      {"/v/plain.log", "/v/plain.log", true},
      {"/v//plain.log", "/v/plain.log", true},
      {"/*.log", "/a.log", true},
  };
  for (const Case& c : cases) {
    Result<std::vector<Glob>> globs = parse_globs(c.pattern);
    ASSERT_TRUE(globs.ok()) << c.pattern;
    const bool got = std::any_of(globs->begin(), globs->end(), [&](const Glob& glob) { return glob.matches(c.path); });
    EXPECT_EQ(got, c.want) << c.pattern << " on " << c.path;
  }
}

TEST(Glob, RootIsWhatNeedsNoListing) {
  EXPECT_EQ(parse_globs("/var/log/t*/x.log").value()[0].root(), "/var/log");
  EXPECT_EQ(parse_globs("/var/log/x.log").value()[0].root(), "/var/log");
  EXPECT_EQ(parse_globs("/x.log").value()[0].root(), "/");
}

TEST(Glob, BadPatternsAreErrors) {
  for (const char* pattern : {"", "/v/", "/v/[a", "/v/{a,b", "/v/{a,{b}"})
    EXPECT_EQ(parse_globs(pattern).error().code, Code::invalid) << pattern;
  std::string many = "/v/";
  for (int i = 0; i < 20; ++i) many += "{a,b}";
  EXPECT_EQ(parse_globs(many).error().code, Code::limit);
}

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  std::string pattern = "/v/";
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(parse_globs(pattern + "b").value()[0].matches("/v/" + std::string(5000, 'a')));
}

TEST(Excludes, NamesAndPaths) {
  Result<Excludes> excludes = Excludes::parse({"*.{gz,zip}", "/v/old/**"});
  ASSERT_TRUE(excludes.ok());
  EXPECT_TRUE(excludes->match("/anywhere/a.log.gz"));
  EXPECT_TRUE(excludes->match("/v/old/x/a.log"));
  EXPECT_FALSE(excludes->match("/v/a.log"));
  EXPECT_FALSE(Excludes::parse({"[a"}).ok());
}

}  // namespace
}  // namespace tapewatch

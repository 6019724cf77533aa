// SPDX-License-Identifier: Apache-2.0
#include "detect/backtest.h"

#include <gmock/gmock.h>

#include <fstream>

#include "fake/folder.h"
#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class BacktestTest : public RulesFixture {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    folder_.write(name, content);
    return folder_.path(name);
  }
  const TemporaryFolder folder_;
  Result<BacktestReport> run(const std::vector<std::string>& files) {
    const auto enrich = [this](Event& event) {
      if (event.field(time_).present()) event.time_ns = std::stoll(std::string(event.field(time_).raw));
    };
    return backtest(
        files, fields_, *detector_, backtest_options_, enrich,
        [this](const BacktestAlert& alert) { alerts_.push_back(alert.json); },
        [this](const BacktestReport&) { ++progress_; });
  }
  BacktestOptions backtest_options_;
  std::vector<std::string> alerts_;
  int progress_ = 0;
};

const char* const login_rule = "title: Login\nid: r1\nlevel: low\ndetection: {s: {e: login}, condition: s}\n";

TEST_F(BacktestTest, NumbersLinesOverAllFiles) {
  start(login_rule);
  const std::string a = file("a", "{\"e\":\"x\"}\n\nnot json\n{\"t\":1500000000,\"e\":\"login\"}\r\n");
  const std::string b = file("b", "\xEF\xBB\xBF{\"t\":2000000000,\"e\":\"login\"}");
  const auto report = run({a, b});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->lines, 5u);
  EXPECT_EQ(report->not_json, 1u);
  EXPECT_EQ(report->alerts, 2u);
  ASSERT_EQ(alerts_.size(), 2u);
  EXPECT_THAT(alerts_[0], testing::StartsWith(R"({"event":3,"rule":"r1","title":"Login","level":"low","group":{},)"
                                              R"("@timestamp":"1970-01-01T00:00:01.500Z",)"));
  EXPECT_THAT(alerts_[0], HasSubstr(R"("offset":20)"));
  EXPECT_THAT(alerts_[1], HasSubstr(R"({"event":4,)"));
}

TEST_F(BacktestTest, LinesOverBlockBordersAndLongLines) {
  start(login_rule);
  backtest_options_.read_bytes = 7;
  backtest_options_.line_bytes_max = 40;
  const std::string a =
      file("long", "{\"e\":\"login\"}\n{\"e\":\"login\",\"x\":\"" + std::string(100, 'x') + "\"}\n{\"e\":\"login\"}\n");
  const auto report = run({a});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->lines, 3u);
  EXPECT_EQ(report->not_json, 1u) << "cut as live";
  ASSERT_EQ(alerts_.size(), 2u);
  EXPECT_THAT(alerts_[1], HasSubstr(R"({"event":2,)"));
  EXPECT_GT(progress_, 0);
}

TEST_F(BacktestTest, ADiffTellsWhatOneOfTwoRunsSaysAlone) {
  const Hash128 a{1, 1};
  const Hash128 b{2, 2};
  BacktestDiff diff(2);
  EXPECT_TRUE(diff.before({1, a, R"({"event":1})"}));
  EXPECT_TRUE(diff.before({2, a, R"({"event":2})"}));
  EXPECT_EQ(diff.after({1, a, R"({"event":1})"}), "");
  EXPECT_EQ(diff.after({1, b, R"({"event":1})"}), R"({"diff":"added","event":1})");
  EXPECT_THAT(diff.removed(), ElementsAre(R"({"diff":"removed","event":2})"));
  EXPECT_TRUE(diff.before({3, a, "{}"}));
  EXPECT_FALSE(diff.before({4, a, "{}"})) << "bounded";
}

TEST_F(BacktestTest, AMissingFileIsAnError) {
  start(login_rule);
  const auto report = run({"/nonexistent/file"});
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().message, HasSubstr("/nonexistent/file"));
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_tests.h"

#include <gmock/gmock.h>

#include <fstream>

#include "fake/folder.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What a schema makes of the names that the tests' lines use.
std::function<void(Event&)> add_aliases(FieldTable& fields) {
  for (const auto& [source, path] : std::vector<std::pair<const char*, const char*>>{
           {"level", "log.level"}, {"event", "event.action"}, {"user_id", "user.id"}, {"order_id", "order.id"}}) {
    fields.alias(source, fields.add(path));
  }
  return nullptr;
}

std::string failures_text(const RuleTestReport& report) {
  std::string text;
  for (const auto& failure : report.failures) {
    text += failure.file + ": " + failure.test + "\n";
    for (const std::string& difference : failure.differences) text += "  " + difference + "\n";
  }
  return text;
}

TEST(RulePackTest, EveryShippedRuleIsTestedAndEveryTestIsGood) {
  Diagnostics diagnostics;
  const auto files = find_rule_files({std::string(TAPEWATCH_SOURCE_DIR) + "/rules/tests"}, diagnostics);
  const RuleTestReport report = run_rule_tests(files, RuleTestOptions(), add_aliases, diagnostics);
  EXPECT_THAT(diagnostics.all(), IsEmpty()) << diagnostics.render(false);
  EXPECT_THAT(report.failures, IsEmpty()) << failures_text(report);
  EXPECT_THAT(report.untested, IsEmpty());
  EXPECT_TRUE(report.good());
  EXPECT_GE(report.tests, 24u);
}

TEST(RulePackTest, TheRulesOfTheBenchLoad) {
  Diagnostics diagnostics;
  FieldTable fields;
  RuleLoader loader(fields, RuleLoader::Options(), diagnostics);
  loader.add_file(std::string(TAPEWATCH_SOURCE_DIR) + "/tests/bench/rules50.yaml");
  EXPECT_EQ(loader.finish().size(), 50u);
  EXPECT_THAT(diagnostics.all(), IsEmpty()) << diagnostics.render(false);
}

TEST(RuleTestPipelines, MapTheLogSourcesOfTheRules) {
  const TemporaryFolder own;
  const std::string folder = own.path();
  std::ofstream(folder + "/rule_tests_pipeline.yaml")
      << "pipeline: p\nsources:\n  - logsource: {product: gateway}\n    "
         "fields: {Peer: session.target}\n";
  std::ofstream(folder + "/rule_tests_mapped.yaml")
      << "title: Mapped\nid: r1\nlogsource: {product: gateway}\ndetection: {s: {Peer: tse}, condition: s}\n";
  const std::string tests =
      "rules: rule_tests_mapped.yaml\ntests:\n  - name: t\n    events: [{line: {session: {target: tse}}}]\n    alerts: "
      "[{rule: r1}]\n";
  const std::string file = folder + "/rule_tests_mapped_tests.yaml";
  for (const bool by_file : {true, false}) {
    std::ofstream(file) << (by_file ? "pipelines: [rule_tests_pipeline.yaml]\n" : "") + tests;
    RuleTestOptions options;
    Diagnostics diagnostics;
    if (!by_file) options.pipelines = {folder + "/rule_tests_pipeline.yaml"};
    const RuleTestReport report = run_rule_tests({file}, options, nullptr, diagnostics);
    EXPECT_EQ(report.tests, 1u);
    EXPECT_TRUE(report.good()) << failures_text(report) << diagnostics.render(false);
    EXPECT_THAT(report.untested, IsEmpty());
    EXPECT_THAT(diagnostics.all(), IsEmpty());
  }
  Diagnostics diagnostics;
  std::ofstream(file) << tests;
  EXPECT_FALSE(run_rule_tests({file}, RuleTestOptions(), nullptr, diagnostics).good());
}

class RuleTestsTest : public testing::Test {
 protected:
  RuleTestReport run(const std::string& tests) {
    const TemporaryFolder own;
    const std::string folder = own.path();
    std::ofstream(folder + "/rule_tests_rules.yaml")
        << "title: Login\nid: r1\nname: login\ndetection: {s: {e: login}, condition: s}\n---\n"
           "title: Other\nid: r2\ndetection: {s: {e: other}, condition: s}\n";
    std::ofstream(folder + "/rule_tests_tests.yaml") << "rules: [rule_tests_rules.yaml]\n" + tests;
    return run_rule_tests({folder + "/rule_tests_tests.yaml"}, RuleTestOptions(), nullptr, diagnostics_);
  }
  Diagnostics diagnostics_;
};

TEST_F(RuleTestsTest, TellsWhatIsMissingAndWhatIsUnexpected) {
  const RuleTestReport report =
      run("tests:\n  - name: one\n    events:\n      - {at: 3s, line: {e: login}}\n"
          "    alerts:\n      - {rule: login, at: 4s}\n"
          "  - name: two\n    events:\n      - {at: 3s, repeat: 2, every: 500ms, line: {e: login}}\n"
          "    alerts:\n      - {rule: r1}\n      - {rule: Login, at: 3s, group: {}}\n");
  EXPECT_EQ(report.tests, 2u);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].test, "one");
  EXPECT_THAT(report.failures[0].differences, ElementsAre("missing: login at 4s", "unexpected: login at 3s"));
  EXPECT_THAT(report.untested, ElementsAre("r2 Other"));
  EXPECT_FALSE(report.good());
}

TEST_F(RuleTestsTest, FaultsOfATestAreTold) {
  const RuleTestReport report =
      run("tests:\n  - name: bad\n    events:\n      - {att: 3s, line: {e: login}}\n"
          "  - name: worse\n    evnts: []\n");
  EXPECT_EQ(report.skipped, 2u);
  EXPECT_EQ(report.tests, 0u);
  ASSERT_EQ(diagnostics_.all().size(), 2u);
  EXPECT_EQ(diagnostics_.all()[0].message, "unknown key \"att\" in an event");
  EXPECT_EQ(diagnostics_.all()[1].hint, "did you mean \"events\"?");
}

}  // namespace
}  // namespace tapewatch

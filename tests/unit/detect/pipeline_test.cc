// SPDX-License-Identifier: Apache-2.0
// Log sources: what pipelines make of them. Filters: which rules they are joined with.
#include <gmock/gmock.h>

#include "base/files.h"
#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class PipelineTest : public RulesFixture {
 protected:
  static std::string sourced(const std::string& source, const std::string& selection, const std::string& title = "r") {
    return "title: " + title + "\nlogsource: {" + source + "}\ndetection: {s: {" + selection + "}, condition: s}\n";
  }
  static std::string shipped(const std::string& name) {
    const auto text = read_file(std::string(TAPEWATCH_SOURCE_DIR) + "/rules/pipelines/" + name, 1 << 20);
    return text.ok() ? *text : "";
  }
};

const char* const two_products =
    "pipeline: test\nsources:\n"
    "  - {logsource: {product: a}}\n"
    "  - {logsource: {product: a, category: start}, when: {kind: 1}, fields: {Image: process.path}}\n"
    "  - {logsource: {product: b, category: start}, when: {kind: 2}, fields: {Image: exe}}\n"
    "  - {logsource: {product: b, service: s}, when: [{x: 1}, {y: 1}], under: [data]}\n";

TEST_F(PipelineTest, ASourceIsAConditionAndNamesOfFields) {
  pipeline_ = two_products;
  start(sourced("product: a, category: start", "Image: sh"));
  EXPECT_THAT(see(R"({"kind":1,"process":{"path":"sh"}})"), SizeIs(1));
  EXPECT_THAT(see(R"({"kind":2,"process":{"path":"sh"}})"), IsEmpty());
  EXPECT_THAT(see(R"({"kind":1,"Image":"sh"})"), IsEmpty());
}

TEST_F(PipelineTest, WhatARuleLeavesOpenIsAnyOfTheSources) {
  pipeline_ = two_products;
  start(sourced("category: start", "Image: sh"));
  EXPECT_THAT(see(R"({"kind":1,"process.path":"sh"})"), SizeIs(1));
  EXPECT_THAT(see(R"({"kind":2,"exe":"sh"})"), SizeIs(1));
  EXPECT_THAT(see(R"({"kind":1,"exe":"sh"})"), IsEmpty()) << "each source has its own names";
}

TEST_F(PipelineTest, TheLeastSpecificSourceThatSaysItAllIsTaken) {
  pipeline_ = two_products;
  start(sourced("product: a", "Image: sh"));
  EXPECT_THAT(see(R"({"kind":7,"Image":"sh"})"), SizeIs(1)) << "product a alone has no condition";
}

TEST_F(PipelineTest, FieldsStandBelowFoldersToo) {
  pipeline_ = two_products;
  start(sourced("product: b, service: s", "User|startswith: ro"));
  EXPECT_THAT(see(R"({"y":1,"data":{"User":"root"}})"), SizeIs(1));
  EXPECT_THAT(see(R"({"data":{"x":1},"User":"root"})"), SizeIs(1));
  EXPECT_THAT(see(R"({"data":{"User":"root"}})"), IsEmpty());
}

TEST_F(PipelineTest, WhatNothingMapsIsTold) {
  pipeline_ = two_products;
  const RuleSet rules = load(sourced("product: a, service: unheard", "x: 1"));
  ASSERT_THAT(rules.detections, SizeIs(1));
  EXPECT_FALSE(rules.detections[0].applies);
  EXPECT_EQ(rules.unmapped, 1u);
  ASSERT_THAT(diagnostics_.all(), SizeIs(1));
  EXPECT_EQ(diagnostics_.all()[0].number, 250);
}

TEST_F(PipelineTest, GroupsOfACorrelationFollowTheNamesOfTheSource) {
  pipeline_ = two_products;
  start(sourced("product: a, category: start", "Image: '*'", "r\nname: r") +
        "---\ntitle: c\ncorrelation: {type: event_count, rules: [r], group-by: [Image], timespan: 1m, "
        "condition: {gte: 2}}\n");
  EXPECT_THAT(see(R"({"kind":1,"process.path":"a"})"), IsEmpty());
  EXPECT_THAT(see(R"({"kind":1,"process.path":"b"})"), IsEmpty());
  EXPECT_THAT(see(R"({"kind":1,"process.path":"a"})"), SizeIs(1));
}

TEST_F(PipelineTest, PipelinesThatAreRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"sources: {}", "a pipeline needs a list of sources"},
      {"sources: [{when: {a: 1}}]", "a source needs a logsource"},
      {"sources: [{logsource: {}}]", "a logsource that names nothing"},
      {"sources: [{logsource: {product: a}, when: {a|contanis: 1}}]", "unknown modifier \"contanis\""},
      {"sources: [{logsource: {product: a}, wen: {a: 1}}]", "unknown key \"wen\" in a source"},
      {"sources: [{logsource: {product: a}, fields: [a]}]", "fields must be a map"},
  };
  for (const auto& [text, message] : cases) {
    diagnostics_ = Diagnostics();
    pipeline_ = text;
    (void)load("");
    ASSERT_THAT(diagnostics_.all(), SizeIs(1)) << text;
    EXPECT_EQ(diagnostics_.all()[0].message, message) << text;
  }
}

TEST_F(PipelineTest, WindowsEventsNestedFlatAndOfWinlogbeat) {
  pipeline_ = shipped("windows.yaml");
  start(sourced("product: windows, category: process_creation", "Image|endswith: '\\sh.exe', CommandLine|contains: x"));
  EXPECT_THAT(see(R"({"Event":{"System":{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational"},)"
                  R"("EventData":{"Image":"C:\\sh.exe","CommandLine":"a x"}}})"),
              SizeIs(1));
  EXPECT_THAT(see(R"({"EventID":4688,"Channel":"Security","NewProcessName":"C:\\sh.exe","CommandLine":"a x"})"),
              SizeIs(1));
  EXPECT_THAT(see(R"({"winlog":{"event_id":1,"channel":"Microsoft-Windows-Sysmon/Operational",)"
                  R"("event_data":{"Image":"C:\\sh.exe","CommandLine":"a x"}}})"),
              SizeIs(1));
  EXPECT_THAT(see(R"({"EventID":1,"Channel":"Security","Image":"C:\\sh.exe","CommandLine":"a x"})"), IsEmpty());
}

TEST_F(PipelineTest, ApplicationLogsInEcs) {
  pipeline_ = shipped("application.yaml");
  start(sourced("category: webserver", "cs-uri-query|contains: passwd, sc-status: 200") + "---\n" +
        sourced("product: tapewatch, category: application", "a: 1", "own") + "---\n" +
        sourced("category: proxy", "c-ip|cidr: 10.0.0.0/8, dst_ip: 1.1.1.1", "proxy"));
  EXPECT_THAT(see(R"({"http":{"request":{"method":"GET"},"response":{"status_code":200}},"url.query":"f=passwd"})"),
              SizeIs(1));
  EXPECT_THAT(see(R"({"a":1})"), SizeIs(1));
  EXPECT_THAT(see(R"({"http.request.method":"GET","source":{"ip":"10.1.2.3"},"destination.ip":"1.1.1.1"})"), SizeIs(1));
}

TEST_F(PipelineTest, EveryDocumentIsReported) {
  RuleLoader loader(fields_, options_, diagnostics_);
  loader.add_text("r.yaml", sourced("product: tapewatch", "a: 1", "good") + "---\n" +
                                sourced("product: x", "a: 1", "unmapped") + "---\n" +
                                sourced("product: tapewatch", "a|re: '('", "bad") + "---\n" +
                                "title: c\ncorrelation: {type: temporal, rules: [d], timespan: 1m}\n---\na: [\n");
  (void)loader.finish();
  std::vector<std::string> told;
  for (const RuleLoader::Report& report : loader.reports()) {
    told.push_back(std::to_string(report.line) + (report.loaded ? " loaded " : " rejected ") + report.reason);
  }
  ASSERT_THAT(told, SizeIs(5));
  EXPECT_THAT(told[0], testing::StartsWith("0 rejected "));
  EXPECT_EQ(told[1], "1 loaded ");
  EXPECT_EQ(told[2], "5 loaded nothing maps the log source x");
  EXPECT_THAT(told[3], testing::StartsWith("9 rejected "));
  EXPECT_EQ(told[4], "13 rejected no rule has the id or name \"d\"");
}

std::string filter(const std::string& body, const std::string& source = "product: tapewatch") {
  return "---\ntitle: f\nlogsource: {" + source + "}\nfilter: {" + body + "}\n";
}

TEST_F(PipelineTest, AFilterIsJoinedWithItsRules) {
  start(sourced("product: tapewatch", "e: login", "a\nname: a") + "---\n" +
        sourced("product: tapewatch", "e: login", "b\nname: b") +
        filter("rules: [a], selection: {user|startswith: svc-}, condition: not selection"));
  EXPECT_THAT(see(R"({"e":"login","user":"u1"})"), SizeIs(2));
  EXPECT_THAT(see(R"({"e":"login","user":"svc-1"})"), SizeIs(1));
}

TEST_F(PipelineTest, AFilterOfAnyFitsItsLogSource) {
  start(sourced("product: tapewatch, category: application", "e: login", "a") + "---\n" +
        sourced("category: application", "e: login", "b") +
        filter("rules: any, selection: {user: u1}, condition: not selection"));
  const auto alerts = see(R"({"e":"login","user":"u1"})");
  ASSERT_THAT(alerts, SizeIs(1)) << "the second rule names no product";
  EXPECT_EQ(alerts[0].title, "b");
}

TEST_F(PipelineTest, TheConditionOfAFilterIsAndedAsItStands) {
  start(sourced("product: tapewatch", "e: login", "a\nname: a") +
        filter("rules: a, selection: {user: u1}, condition: selection"));
  EXPECT_THAT(see(R"({"e":"login","user":"u1"})"), SizeIs(1));
  EXPECT_THAT(see(R"({"e":"login","user":"u2"})"), IsEmpty());
}

TEST_F(PipelineTest, FiltersThatAreRefused) {
  const std::string rule = sourced("product: tapewatch", "e: login", "a\nname: a");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {filter("selection: {a: 1}, condition: selection"), "a filter needs rules"},
      {filter("rules: [b], selection: {a: 1}, condition: selection"), "no detection has the id or name \"b\""},
      {filter("rules: [], selection: {a: 1}, condition: selection"), "rules must be a list of ids or names, or any"},
      {filter("rules: any, selection: {a: 1}, condition: selecton"), "unknown search identifier \"selecton\""},
      {filter("rules: any, selection: {a|x: 1}, condition: selection"), "unknown modifier \"x\""},
      {filter("rules: any, selection: {a: 1}"), "a filter needs a condition"},
      {filter("rules: any, selection: {a: 1}, condition: selection", "product: other"),
       "the filter fits none of its rules"},
  };
  for (const auto& [text, message] : cases) {
    diagnostics_ = Diagnostics();
    (void)load(rule + text);
    ASSERT_THAT(diagnostics_.all(), SizeIs(1)) << text << diagnostics_.render(false);
    EXPECT_EQ(diagnostics_.all()[0].message, message) << text;
  }
}

}  // namespace
}  // namespace tapewatch

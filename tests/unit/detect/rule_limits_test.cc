// SPDX-License-Identifier: Apache-2.0
// What is wrong with pipelines and with tests of rules, what is only warned of, and what is too much: every message
// with its place.
#include <gmock/gmock.h>

#include <fstream>

#include "detect/rule_tests.h"
#include "fake/folder.h"
#include "unit/detect/fault_vectors.h"

namespace tapewatch {
namespace {

class PipelineFaults : public FaultVectors {};

TEST_P(PipelineFaults, AreToldWithTheirPlace) {
  Pipelines pipelines;
  pipelines.add_text("pipeline.yaml", GetParam().yaml, options_.yaml, diagnostics_);
  EXPECT_EQ(told(), GetParam().want) << GetParam().yaml;
}

INSTANTIATE_TEST_SUITE_P(
    , PipelineFaults,
    testing::ValuesIn(std::vector<FaultVector>{
        {"NotAMap", "- a\n", "pipeline.yaml:1:1+1 TW0252 a pipeline needs a list of sources"},
        {"NoSources", "pipeline: p\n", "pipeline.yaml:1:1+1 TW0252 a pipeline needs a list of sources"},
        {"SourcesAreMap", "sources: {a: b}\n", "pipeline.yaml:1:10+1 TW0252 a pipeline needs a list of sources"},
        {"UnknownKey", "sourcs: []\nsources: []\n",
         "pipeline.yaml:1:1+6 TW0209 unknown key \"sourcs\" in a pipeline | did you mean \"sources\"?"},
        {"FieldsAreList", "fields: [a]\nsources: []\n",
         "pipeline.yaml:1:9+1 TW0208 fields must be a map | fields: {Image: process.executable}"},
        {"FieldIsMap", "fields: {User: {a: b}}\nsources: []\n",
         "pipeline.yaml:1:16+1 TW0208 a path, or a list of paths"},
        {"FieldOfNothing", "fields: {User: []}\nsources: []\n",
         "pipeline.yaml:1:16+1 TW0208 a path, or a list of paths"},
        {"FieldOfMaps", "fields: {User: [a, {b: c}]}\nsources: []\n",
         "pipeline.yaml:1:20+1 TW0208 a path must be a text"},
        {"UnderIsMap", "under: {a: b}\nsources: []\n", "pipeline.yaml:1:8+1 TW0208 a path, or a list of paths"},
        {"SourceIsText", "sources:\n  - windows\n", "pipeline.yaml:2:5+7 TW0252 a source needs a logsource"},
        {"NoLogsource", "sources:\n  - when: {a: 1}\n", "pipeline.yaml:2:5+1 TW0252 a source needs a logsource"},
        {"LogsourceIsText", "sources:\n  - {logsource: windows}\n",
         "pipeline.yaml:2:17+7 TW0208 logsource must be a map | logsource: {product: tapewatch}"},
        {"LogsourceNamesNothing", "sources:\n  - {logsource: {definition: x}}\n",
         "pipeline.yaml:2:5+1 TW0252 a logsource that names nothing"},
        {"LogsourceMisspelt", "sources:\n  - {logsource: {prodct: x}}\n",
         "pipeline.yaml:2:18+6 TW0209 unknown key \"prodct\" in logsource | did you mean \"product\"?"},
        {"SourceKey", "sources:\n  - {logsource: {product: x}, wen: {a: 1}}\n",
         "pipeline.yaml:2:31+3 TW0209 unknown key \"wen\" in a source | did you mean \"when\"?"},
        {"SourceField", "sources:\n  - {logsource: {product: x}, fields: x}\n",
         "pipeline.yaml:2:39+1 TW0208 fields must be a map | fields: {Image: process.executable}"},
        {"WhenModifier", "sources:\n  - {logsource: {product: x}, when: {a|contanis: 1}}\n",
         "pipeline.yaml:2:40+8 TW0230 unknown modifier \"contanis\" | did you mean \"contains\"?"},
        {"WhenEmpty", "sources:\n  - {logsource: {product: x}, when: {}}\n",
         "pipeline.yaml:2:37+1 TW0237 an empty map"},
        {"WhenOfNothing", "sources:\n  - {logsource: {product: x}, when: []}\n",
         "pipeline.yaml:2:37+1 TW0237 a search that holds nothing"},
        {"Syntax", "sources: [\n", "pipeline.yaml:2:1+1 TW0202 end of sequence flow not found"},
    }),
    name_of);

class TestFaults : public FaultVectors {};

TEST_P(TestFaults, AreToldWithTheirPlace) {
  const TemporaryFolder own;
  own.write("faulty_tests.yaml", GetParam().yaml);
  const std::string folder = own.path() + "/";
  RuleTestOptions options;
  options.events_max = 100;
  const RuleTestReport report = run_rule_tests({folder + "faulty_tests.yaml"}, options, nullptr, diagnostics_);
  EXPECT_EQ(told(folder), GetParam().want) << GetParam().yaml;
  EXPECT_EQ(report.tests, 0u);
  EXPECT_EQ(report.skipped, 1u);
  EXPECT_FALSE(report.good());
}

INSTANTIATE_TEST_SUITE_P(
    , TestFaults,
    testing::ValuesIn(std::vector<FaultVector>{
        {"NoList", "rules: x\ntests: {a: b}\n", "faulty_tests.yaml:1:1+1 TW0207 a file of tests needs a list of tests"},
        {"TestIsText", "tests: [a]\n", "faulty_tests.yaml:1:9+1 TW0208 a test must be a map"},
        {"UnknownKey", "tests:\n  - {name: t, evnts: []}\n",
         "faulty_tests.yaml:2:15+5 TW0209 unknown key \"evnts\" in a test | did you mean \"events\"?"},
        {"NameIsList", "tests:\n  - {name: [t]}\n", "faulty_tests.yaml:2:12+1 TW0208 name must be a text"},
        {"Until", "tests:\n  - {name: t, until: ever}\n",
         "faulty_tests.yaml:2:22+4 TW0241 bad time \"ever\" | like 40s or 5m"},
        {"Start", "tests:\n  - {name: t, start: noon}\n",
         "faulty_tests.yaml:2:22+4 TW0210 start must be a time (RFC 3339)"},
        {"EventsAreMap", "tests:\n  - {name: t, events: {a: b}}\n",
         "faulty_tests.yaml:2:23+1 TW0208 events must be a list"},
        {"EventIsText", "tests:\n  - {name: t, events: [a]}\n",
         "faulty_tests.yaml:2:24+1 TW0208 an event must be a map | {at: 0s, line: {...}}"},
        {"EventKey", "tests:\n  - {name: t, events: [{att: 3s, line: x}]}\n",
         "faulty_tests.yaml:2:25+3 TW0209 unknown key \"att\" in an event | did you mean \"at\"?"},
        {"EventWithoutLine", "tests:\n  - {name: t, events: [{at: 3s}]}\n",
         "faulty_tests.yaml:2:24+1 TW0207 an event needs a line"},
        {"EventAt", "tests:\n  - {name: t, events: [{at: soon, line: x}]}\n",
         "faulty_tests.yaml:2:29+4 TW0241 bad time \"soon\" | like 40s or 5m"},
        {"EventEvery", "tests:\n  - {name: t, events: [{every: 5, repeat: 2, line: x}]}\n",
         "faulty_tests.yaml:2:32+1 TW0241 bad time \"5\" | like 40s or 5m"},
        {"EventRepeat", "tests:\n  - {name: t, events: [{repeat: often, line: x}]}\n",
         "faulty_tests.yaml:2:33+5 TW0210 repeat must be a count"},
        {"EventRepeatNegative", "tests:\n  - {name: t, events: [{repeat: -1, line: x}]}\n",
         "faulty_tests.yaml:2:33+2 TW0210 repeat must be a count"},
        {"EventsTooMany", "tests:\n  - {name: t, events: [{repeat: 60, line: x}, {repeat: 60, line: x}]}\n",
         "faulty_tests.yaml:2:47+1 TW0212 more than 100 events"},
        {"AlertsAreText", "tests:\n  - {name: t, alerts: a}\n",
         "faulty_tests.yaml:2:23+1 TW0208 alerts must be a list"},
        {"AlertIsText", "tests:\n  - {name: t, alerts: [a]}\n",
         "faulty_tests.yaml:2:24+1 TW0208 an alert must be a map | {rule: id or name, at: 40s}"},
        {"AlertKey", "tests:\n  - {name: t, alerts: [{rul: a}]}\n",
         "faulty_tests.yaml:2:25+3 TW0209 unknown key \"rul\" in an alert | did you mean \"rule\"?"},
        {"AlertAt", "tests:\n  - {name: t, alerts: [{rule: a, at: then}]}\n",
         "faulty_tests.yaml:2:38+4 TW0241 bad time \"then\" | like 40s or 5m"},
        {"AlertRuleIsList", "tests:\n  - {name: t, alerts: [{rule: [a]}]}\n",
         "faulty_tests.yaml:2:31+1 TW0208 rule must be a text"},
        {"Syntax", "tests: [\n", "faulty_tests.yaml:2:1+1 TW0202 end of sequence flow not found"},
    }),
    name_of);

class Limits : public FaultVectors {
 protected:
  // What is told of a rule file.
  std::string of(const std::string& yaml) {
    diagnostics_ = Diagnostics();
    (void)load(yaml);
    return told();
  }
  static std::string times(int count, const std::string& text, const std::string& between = ", ") {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i == 0 ? "" : between) + text + (between == ", " ? "" : std::to_string(i));
    return all;
  }
};

TEST_F(Limits, OfItems) {
  options_.items.values_max = 3;
  options_.items.pattern_bytes_max = 5;
  const auto item = [](const std::string& value) { return rule("    a: " + value); };
  EXPECT_EQ(of(item("[a, b, c]")), "");
  EXPECT_EQ(of(item("[a, b, c, d]")), "rules.yaml:4:8+1 TW0212 more than 3 values in one item");
  EXPECT_EQ(of(item("abcde")), "");
  EXPECT_EQ(of(item("abcdef")), "rules.yaml:4:8+6 TW0212 a value longer than 5 bytes");
}

TEST_F(Limits, OfRules) {
  const std::string detection = "title: d\nname: d\ndetection: {s: {a: 1}, condition: s}\n---\ntitle: t\n";
  const auto correlation = [&](int count) {
    return detection + "correlation: {type: event_count, timespan: 1m, condition: {gte: 1}, rules: [" +
           times(count, "d") + "]}\n";
  };
  EXPECT_EQ(of(correlation(1000)), "");
  EXPECT_EQ(of(correlation(1001)), "rules.yaml:6:76+1 TW0212 more than 1000 rules");
  const auto annotations = [&](int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += "\n    a" + std::to_string(i) + ": x";
    return "title: t\ndetection: {s: {a: 1}, condition: s}\ntapewatch:\n  annotations:" + all + "\n";
  };
  EXPECT_EQ(of(annotations(20)), "");
  EXPECT_EQ(of(annotations(21)), "rules.yaml:25:5+3 TW0212 more than 20 annotations");
}

TEST_F(Limits, OfFlows) {
  const std::string detection =
      "title: d\nname: d\ndetection: {s: {a: 1}, condition: s}\n---\ntitle: t\nflow:\n  key: k\n";
  const auto steps = [&](std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += "\n    s" + std::to_string(i) + ": d";
    return detection + "  expect: [{step: s0, at_most: 1}]\n  steps:" + all + "\n";
  };
  EXPECT_EQ(of(steps(FlowRule::steps_max)), "");
  EXPECT_EQ(of(steps(FlowRule::steps_max + 1)),
            "rules.yaml:10:5+1 TW0212 more than " + std::to_string(FlowRule::steps_max) + " steps");
  const auto expectations = [&](std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += "\n    - {step: s, at_most: " + std::to_string(i) + "}";
    return detection + "  steps: {s: d}\n  expect:" + all + "\n";
  };
  EXPECT_EQ(of(expectations(FlowRule::expectations_max)), "");
  EXPECT_EQ(of(expectations(FlowRule::expectations_max + 1)),
            "rules.yaml:10:5+1 TW0212 more than " + std::to_string(FlowRule::expectations_max) + " expectations");
  const std::string tail = "\n  expect: [{step: s, at_most: 1}]\n";
  EXPECT_EQ(of(detection + "  steps: {s: [" + times(100, "d") + "]}" + tail), "");
  EXPECT_EQ(of(detection + "  steps: {s: [" + times(101, "d") + "]}" + tail),
            "rules.yaml:8:14+1 TW0208 a step is a rule's id or name, or a list of them");
}

TEST_F(Limits, Warnings) {
  const std::string filter = "title: f\nlogsource: {product: other}\nfilter: {rules: any, s: {a: 1}, condition: s}\n";
  EXPECT_EQ(
      of("title: d\nlogsource: {product: tapewatch}\ndetection: {s: {a: 1}, condition: s}\n---\n" + filter),
      "rules.yaml:7:17+3 TW0251 the filter fits none of its rules | every part of its log source must be the rule's "
      "too");
  EXPECT_FALSE(diagnostics_.has_errors());
  EXPECT_EQ(of("title: d\nlogsource:\n  product: linux\ndetection: {s: {a: 1}, condition: s}\n"),
            "rules.yaml:3:3+1 TW0250 nothing maps the log source linux: the rule is loaded but sees no event | our own "
            "logs are product tapewatch, category application");
  EXPECT_FALSE(diagnostics_.has_errors());
}

}  // namespace
}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_loader.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What is wrong with a document, and where: "number line:column length message | hint".
struct Fault {
  const char* name;
  const char* yaml;
  const char* want;
};

class FaultTest : public RulesFixture, public testing::WithParamInterface<Fault> {};

TEST_P(FaultTest, IsToldWithItsPlace) {
  const RuleSet rules = load(GetParam().yaml);
  EXPECT_THAT(faults(), ElementsAre(GetParam().want)) << diagnostics_.render(false);
  EXPECT_EQ(rules.size(), 0u);
  EXPECT_EQ(rules.rejected, 1u);
}

std::string name_of(const testing::TestParamInfo<Fault>& of) { return of.param.name; }

#define RULE(selection, condition) "title: t\ndetection:\n  sel:\n    " selection "\n  condition: " condition "\n"

INSTANTIATE_TEST_SUITE_P(
    Documents, FaultTest,
    testing::Values(
        Fault{"NotAMap", "- a\n- b\n", "206 1:1 1 not a rule: the document is not a map"},
        Fault{"NoKind", "title: t\nlevel: low\n", "206 1:1 1 not a rule: neither detection nor correlation"},
        Fault{"MisspeltKind", "title: t\ndetecton: {}\n",
              "206 2:1 8 not a rule: unknown key \"detecton\" | did you mean \"detection\"?"},
        Fault{"NoTitle", "detection: {s: {a: 1}, condition: s}\n", "207 1:1 1 a rule needs a title"},
        Fault{"TitleIsMap", "title: {a: b}\nid: x\ndetection: {s: {a: 1}, condition: s}\n",
              "208 1:8 1 title must be a text"},
        Fault{"BadLevel", "title: t\nlevel: hgh\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:8 3 unknown level \"hgh\" | did you mean \"high\"?"},
        Fault{"DetectionIsList", "title: t\ndetection: [a]\n", "208 2:12 1 detection must be a map"},
        Fault{"NoCondition", "title: t\ndetection:\n  s: {a: 1}\n", "207 3:3 1 a detection needs a condition"},
        Fault{"NoIdentifier", "title: t\ndetection:\n  condition: s\n",
              "207 3:3 1 a detection needs a search identifier"},
        Fault{"Timeframe", "title: t\ndetection:\n  s: {a: 1}\n  timeframe: 5m\n  condition: s\n",
              "224 4:3 9 timeframe is no longer part of the rule language | write a correlation rule with a timespan"},
        Fault{"LogsourceText", "title: t\nlogsource: windows\ndetection: {s: {a: 1}, condition: s}\n",
              "208 2:12 7 logsource must be a map | logsource: {product: tapewatch}"},
        Fault{"LogsourceMisspelt", "title: t\nlogsource: {prodct: x}\ndetection: {s: {a: 1}, condition: s}\n",
              "209 2:13 6 unknown key \"prodct\" in logsource | did you mean \"product\"?"},
        Fault{"Flow", "title: t\nflow: {key: a, steps: {a: b}, expect: [{step: a, at_most: 1}]}\n",
              "240 2:27 1 no rule has the id or name \"b\""},
        Fault{"OptionMisspelt", "title: t\ntapewatch: {realret: 5m}\ndetection: {s: {a: 1}, condition: s}\n",
              "209 2:13 7 unknown key \"realret\" in tapewatch | did you mean \"realert\"?"},
        Fault{"ForWithoutDuration", "title: t\ntapewatch: {for: 5m}\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:13 3 \"for\" needs a condition that lasts, and this rule alerts at single events | put it on a "
              "correlation or an anomaly over this rule"},
        Fault{"KeepFiringForWhat",
              "title: t\ntapewatch: {keep_firing_for: ever}\ndetection: {s: {a: 1}, condition: s}\n",
              "241 2:30 4 keep_firing_for must be a time like 20m | units: ms s m h d w"},
        Fault{"NoDay", "title: t\ntapewatch: {active: {days: mon-fry}}\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:28 7 \"fry\" is no day of the week | did you mean \"fri\"?"},
        Fault{"NoHours", "title: t\ntapewatch: {active: {hours: '7-22'}}\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:30 4 \"7-22\" is no span of hours | '07:00-22:00'; '22:00-06:00' is past midnight"},
        Fault{"NoZone",
              "title: t\ntapewatch: {active: {timezone: Europe/Lodnon}}\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:32 13 timezone \"Europe/Lodnon\": no such time zone in the system's tzdata (/usr/share/zoneinfo) "
              "| a "
              "name like Europe/London, or UTC"},
        Fault{"NoSuchActiveKey", "title: t\ntapewatch: {active: {day: mon}}\ndetection: {s: {a: 1}, condition: s}\n",
              "209 2:22 3 unknown key \"day\" in active | did you mean \"days\"?"},
        Fault{"OpenBrace",
              "title: t\ntapewatch: {annotations: {a: 'x {{ user.id'}}\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:33 2 this brace opens no name | \"{{ count }} from {{ source.ip }}\""},
        Fault{"DoublesWithoutEnd",
              "title: t\ntapewatch: {realert: {every: 1m, exponential: true}}\ndetection: {s: {a: 1}, condition: s}\n",
              "207 2:22 1 a realert that doubles needs max | realert: {every: 20m, exponential: true, max: 4h}"},
        Fault{"BadRealert", "title: t\ntapewatch: {realert: soon}\ndetection: {s: {a: 1}, condition: s}\n",
              "241 2:22 4 realert must be a time like 20m | units: ms s m h d w"},
        Fault{"EvidenceTooMuch", "title: t\ntapewatch: {evidence: 1000}\ndetection: {s: {a: 1}, condition: s}\n",
              "210 2:23 4 evidence must be 0 to 100"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Yaml, FaultTest,
    testing::Values(
        Fault{"DuplicateKey", "title: t\ntitle: u\n", "203 2:1 5 duplicate key \"title\" | first given in line 1"},
        Fault{"DuplicateItem", RULE("a: 1\n    a: 2", "sel"), "203 5:5 1 duplicate key \"a\" | first given in line 4"},
        Fault{"Tab", "title: t\ndetection:\n\ts: 1\n", "202 3:1 1 a tab as indentation | use spaces"},
        Fault{"Unclosed", "title: [t\n", "202 2:1 1 end of sequence flow not found"},
        Fault{"AliasCycle", "title: t\ndetection: &d\n  s: *d\n",
              "204 3:6 1 an alias inside the node that it stands for"},
        Fault{"NotUtf8", "title: t\ndescription: \"\xFF\"\n", "201 2:15 1 not UTF-8 | save the file as UTF-8"},
        Fault{"ControlCharacter", "title: t\nx: a\x04 b\n", "201 2:5 1 a control character, which YAML does not allow"},
        Fault{"KeyIsList", "title: t\n? [a]\n: b\n", "202 2:3 1 a key must be a plain text"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Conditions, FaultTest,
    testing::Values(
        Fault{"Unknown", RULE("a: 1", "sel and filtr"), "221 5:22 5 unknown search identifier \"filtr\""},
        Fault{"Misspelt", RULE("a: 1", "sl"), "221 5:14 2 unknown search identifier \"sl\" | did you mean \"sel\"?"},
        Fault{"Quoted", RULE("a: 1", "'sel or sol'"),
              "221 5:22 3 unknown search identifier \"sol\" | did you mean \"sel\"?"},
        Fault{"EmptySelector", RULE("a: 1", "sel and not 1 of filter_*"),
              "222 5:31 8 no search identifier matches \"filter_*\""},
        Fault{"Aggregation", RULE("a: 1", "sel | count() by user > 5"),
              "223 5:18 21 aggregations behind '|' are no longer part of the rule language | write a correlation rule "
              "(correlation: {type: event_count, ...})"},
        Fault{"MissingOperator", RULE("a: 1", "sel sel"), "220 5:18 3 \"and\" or \"or\" expected before \"sel\""},
        Fault{"MissingOperand", RULE("a: 1", "sel and"), "220 5:21 1 a search identifier expected, not the end"},
        Fault{"Unclosed", RULE("a: 1", "(sel and sel"), "220 5:14 1 this parenthesis is not closed"},
        Fault{"Unopened", RULE("a: 1", "sel)"), "220 5:17 1 \"and\" or \"or\" expected before \")\""},
        Fault{"PatternAlone", RULE("a: 1", "sel*"),
              "220 5:14 4 a pattern stands only behind \"of\" | write \"1 of sel*\" or \"all of sel*\""},
        Fault{"TwoOf", RULE("a: 1", "2 of sel*"),
              "220 5:14 1 \"2 of\" is not a quantifier | write \"1 of\", \"any of\" or \"all of\""},
        Fault{"OfNothing", RULE("a: 1", "1 of"),
              "220 5:18 1 \"them\" or a pattern of search identifiers expected behind \"of\""},
        Fault{"Character", RULE("a: 1", "sel & sel"), "220 5:18 1 unexpected character '&'"},
        Fault{"NotText", RULE("a: 1", "{a: b}"), "208 5:14 1 a condition must be a text or a list of texts"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Items, FaultTest,
    testing::Values(
        Fault{"MisspeltModifier", RULE("a|contanis: x", "sel"),
              "230 4:7 8 unknown modifier \"contanis\" | did you mean \"contains\"?"},
        Fault{"SecondModifier", RULE("a|contains|al: x", "sel"),
              "230 4:16 2 unknown modifier \"al\" | did you mean \"all\"?"},
        Fault{"EmptyModifier", RULE("'a|': x", "sel"), "230 4:8 1 unknown modifier \"\" | a name belongs behind '|'"},
        Fault{"FlagWithoutRe", RULE("a|i: x", "sel"),
              "231 4:7 1 modifier \"i\" cannot be used here: it must follow \"re\""},
        Fault{
            "ReThenContains", RULE("a|re|contains: x", "sel"),
            "231 4:10 8 modifier \"contains\" cannot be used here: it changes a text, and the modifier before it makes "
            "the value something else"},
        Fault{"ContainsThenCidr", RULE("a|contains|cidr: 10.0.0.0/8", "sel"),
              "231 4:16 4 modifier \"cidr\" cannot be used here: the modifier before it changes a text"},
        Fault{"BadRegex", RULE("a|re: 'a(?!b)'", "sel"),
              "232 4:12 6 bad regular expression: invalid perl operator: (?! | look-around and back-references are not "
              "supported"},
        Fault{"BadCidr", RULE("a|cidr: 10.0.0.1/8", "sel"),
              "233 4:13 10 bad network \"10.0.0.1/8\": bits are set behind the prefix"},
        Fault{"BadCidrLength", RULE("a|cidr: 10.0.0.0/33", "sel"),
              "233 4:13 11 bad network \"10.0.0.0/33\": prefix length must be 0 to 32"},
        Fault{"NotANumber", RULE("a|gte: many", "sel"), "234 4:12 4 \"many\" is not a number"},
        Fault{"QuotedNumber", RULE("a|gte: '5'", "sel"), "234 4:13 1 \"5\" is not a number | take the quotes away"},
        Fault{"Placeholder", RULE("a|expand: 'x%admins%'", "sel"),
              "235 4:17 8 nothing gives a value for the placeholder \"%admins%\""},
        Fault{"NullInList", RULE("a: [x, null]", "sel"),
              "236 4:12 1 null in a list of values | write an item of its own in a list of maps"},
        Fault{"EmptyList", RULE("a: []", "sel"), "237 4:8 1 an empty list of values"},
        Fault{"EmptyMap", "title: t\ndetection:\n  sel: {}\n  condition: sel\n", "237 3:8 1 an empty map"},
        Fault{"ValueIsMap", RULE("a: {b: c}", "sel"), "208 4:8 1 a value must be a text, a number, a boolean or null"},
        Fault{"WildcardUnderBase64", RULE("a|base64: 'x*'", "sel"),
              "231 4:16 2 wildcards cannot be encoded | write \\* for a star, and contains, startswith or endswith "
              "behind "
              "the encoding"},
        Fault{"ExistsNotBoolean", RULE("a|exists: 1", "sel"), "208 4:15 1 exists takes true or false"},
        Fault{"NullWithModifier", RULE("a|contains: null", "sel"), "231 4:17 1 null goes with no modifier but neq"},
        Fault{"KeywordCompare", RULE("'|gte': 5", "sel"), "231 4:6 4 this modifier needs a field before it"}),
    name_of);

#define COUNTED "title: d\nname: d\ndetection: {s: {a: 1}, condition: s}\n---\ntitle: c\n"

class CorrelationFaultTest : public RulesFixture, public testing::WithParamInterface<Fault> {};

TEST_P(CorrelationFaultTest, IsToldWithItsPlace) {
  const RuleSet rules = load(std::string(COUNTED) + GetParam().yaml);
  EXPECT_THAT(faults(), ElementsAre(GetParam().want)) << diagnostics_.render(false);
  ASSERT_THAT(rules.detections, SizeIs(1));
  EXPECT_THAT(rules.correlations, IsEmpty());
  EXPECT_FALSE(rules.detections[0].head.silent) << "a rule that no good correlation refers to alerts by itself";
}

INSTANTIATE_TEST_SUITE_P(
    Correlations, CorrelationFaultTest,
    testing::Values(
        Fault{"UnknownKey",
              "correlation: {type: event_count, rules: d, timespan: 1m, condition: {gte: 2}, groupby: a}\n",
              "209 6:79 7 unknown key \"groupby\" in correlation | did you mean \"group-by\"?"},
        Fault{"NoType", "correlation: {rules: d, timespan: 1m, condition: {gte: 2}}\n",
              "207 6:14 1 a correlation needs type"},
        Fault{"NoTimespan", "correlation: {type: event_count, rules: d, condition: {gte: 2}}\n",
              "207 6:14 1 a correlation needs timespan"},
        Fault{"MisspeltType", "correlation: {type: event_cout, rules: d, timespan: 1m, condition: {gte: 2}}\n",
              "244 6:21 10 unknown correlation type \"event_cout\" | did you mean \"event_count\"?"},
        Fault{"OrderedCondition",
              "correlation: {type: temporal_ordered, rules: d, timespan: 1m, condition: {gte: 2}}\n",
              "242 6:74 1 temporal_ordered takes no condition: all steps must come"},
        Fault{"UnknownRule", "correlation: {type: event_count, rules: [e1], timespan: 1m, condition: {gte: 2}}\n",
              "240 6:42 2 no rule has the id or name \"e1\""},
        Fault{"BadTimespan", "correlation: {type: event_count, rules: d, timespan: 5 min, condition: {gte: 2}}\n",
              "241 6:54 5 bad timespan \"5 min\" | a number and a unit: s m h d w M y"},
        Fault{"BadBound", "correlation: {type: event_count, rules: d, timespan: 1m, condition: {gte: -2}}\n",
              "242 6:75 2 \"-2\" is not a count"},
        Fault{"UnknownBound", "correlation: {type: event_count, rules: d, timespan: 1m, condition: {gte: 1, ltt: 2}}\n",
              "242 6:78 3 unknown key \"ltt\" in the condition | did you mean \"lt\"?"},
        Fault{"NoBound", "correlation: {type: value_count, rules: d, timespan: 1m, condition: {field: a}}\n",
              "242 6:69 1 a condition needs one of gt gte lt lte eq neq"},
        Fault{
            "FieldOfCount", "correlation: {type: event_count, rules: d, timespan: 1m, condition: {field: a, gte: 1}}\n",
            "242 6:70 5 event_count counts events and takes no field | type: value_count counts the values of a field"},
        Fault{"ValueCountWithoutField",
              "correlation: {type: value_count, rules: d, timespan: 1m, condition: {gte: 1}}\n",
              "207 6:69 1 value_count needs a field in its condition"},
        Fault{"AliasWithoutRule",
              "correlation: {type: event_count, rules: d, timespan: 1m, condition: {gte: 1}, group-by: u, aliases: "
              "{u: {e: x}}}\n",
              "243 6:105 1 alias \"u\" names no field for the rule \"d\""}),
    name_of);

using RuleLoaderTest = RulesFixture;

TEST_F(RuleLoaderTest, ReadsTheHead) {
  const RuleSet rules = load(
      "title: Burst\nid: 0b6b9c1e-0000-4000-8000-000000000001\nname: burst\nstatus: stable\nauthor: us\ndate: "
      "2026-01-05\n"
      "description: many\nlevel: high\ntags: [attack.t1110, desk]\nfalsepositives: [none]\nmy-own: {key: 1}\n"
      "detection: {s: {a: 1}, condition: s}\n"
      "tapewatch: {realert: 5m, evidence: 3, runbook: 'https://wiki/burst', labels: {desk: tokyo}}\n");
  ASSERT_THAT(faults(), IsEmpty());
  ASSERT_THAT(rules.detections, SizeIs(1));
  const RuleHead& head = rules.detections[0].head;
  EXPECT_EQ(head.id, "0b6b9c1e-0000-4000-8000-000000000001");
  EXPECT_EQ(head.name, "burst");
  EXPECT_EQ(head.title, "Burst");
  EXPECT_EQ(head.description, "many");
  EXPECT_EQ(head.level, "high");
  EXPECT_THAT(head.tags, ElementsAre("attack.t1110", "desk"));
  EXPECT_EQ(head.alert.realert_ns, 300'000'000'000);
  EXPECT_EQ(head.alert.evidence, 3u);
  EXPECT_EQ(head.alert.runbook, "https://wiki/burst");
  EXPECT_EQ(head.alert.labels[0].second, "tokyo");
  EXPECT_EQ(head.file, "rules.yaml");
}

TEST_F(RuleLoaderTest, ABadDocumentDoesNotHideItsNeighbours) {
  const RuleSet rules = load(
      "title: one\ndetection: {s: {a: 1}, condition: s}\n"
      "---\ntitle: [broken\n"
      "---\ntitle: two\ndetection: {s: {a|contians: 1}, condition: s}\n"
      "---\r\ntitle: three\r\ndetection: {s: {a: 1}, condition: s}\r\n...\n");
  EXPECT_THAT(faults(), ElementsAre("202 5:1 1 end of sequence flow not found",
                                    "230 7:19 8 unknown modifier \"contians\" | did you mean \"contains\"?"));
  ASSERT_THAT(rules.detections, SizeIs(2));
  EXPECT_EQ(rules.detections[1].head.title, "three");
  EXPECT_EQ(rules.detections[1].head.line, 9);
  EXPECT_EQ(rules.rejected, 2u);
}

TEST_F(RuleLoaderTest, TellsEveryFaultOfADocumentInOneRun) {
  load("title: t\nlevel: hi\ndetection:\n  s:\n    a|contians: 1\n    b|gte: x\n  condition: q\n");
  EXPECT_THAT(faults(), SizeIs(4));
}

TEST_F(RuleLoaderTest, ShowsTheLineWithACaret) {
  load("title: t\ndetection:\n  s: {a|contanis: 1}\n  condition: s\n");
  EXPECT_EQ(diagnostics_.render(false),
            "error[TW0230] rules.yaml:3:9 unknown modifier \"contanis\"\n"
            "    3 |   s: {a|contanis: 1}\n"
            "      |         ^~~~~~~~ did you mean \"contains\"?\n");
}

TEST_F(RuleLoaderTest, AnUnmappedLogSourceIsAWarningAndTheRuleSeesNothing) {
  const RuleSet rules = load(
      "title: w\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {a: 1}, condition: s}\n"
      "---\ntitle: own\nlogsource: {product: tapewatch, category: application, service: oms}\n"
      "detection: {s: {a: 1}, condition: s}\n");
  EXPECT_THAT(faults(),
              ElementsAre("250 2:12 1 nothing maps the log source windows/process_creation: the rule is loaded "
                          "but sees no event | our own logs are product tapewatch, category application"));
  EXPECT_FALSE(diagnostics_.has_errors());
  ASSERT_THAT(rules.detections, SizeIs(2));
  EXPECT_FALSE(rules.detections[0].applies);
  EXPECT_TRUE(rules.detections[1].applies);
  EXPECT_EQ(rules.unmapped, 1u);
}

TEST_F(RuleLoaderTest, IdsAndNamesAreUnique) {
  const RuleSet rules = load(
      "title: a\nid: one\ndetection: {s: {a: 1}, condition: s}\n---\n"
      "title: b\nid: one\ndetection: {s: {a: 1}, condition: s}\n");
  EXPECT_THAT(faults(),
              ElementsAre("211 6:5 3 another rule has the id or name \"one\" already | it stands at rules.yaml:1"));
  EXPECT_THAT(rules.detections, SizeIs(1));
}

TEST_F(RuleLoaderTest, CorrelationsFindRulesOfLaterFilesAndSilenceThem) {
  RuleLoader loader(fields_, options_, diagnostics_);
  loader.add_text("a.yaml",
                  "title: c\ncorrelation: {type: event_count, rules: [d, e], timespan: 1m, condition: {gte: 2}}\n---\n"
                  "title: g\ncorrelation: {type: event_count, rules: e, timespan: 1m, condition: {gt: 2, lte: 9}, "
                  "generate: true}\n");
  loader.add_text("b.yaml",
                  "title: d\nname: d\ndetection: {s: {a: 1}, condition: s}\n---\n"
                  "title: e\nid: e\ndetection: {s: {a: 1}, condition: s}\n");
  const RuleSet rules = loader.finish();
  ASSERT_THAT(faults(), IsEmpty());
  ASSERT_THAT(rules.correlations, SizeIs(2));
  ASSERT_THAT(rules.correlations[0].rules, SizeIs(2));
  EXPECT_EQ(rules.correlations[0].rules[1].index, 1u);
  EXPECT_THAT(rules.correlations[1].bounds, SizeIs(2));
  EXPECT_TRUE(rules.detections[0].head.silent);
  EXPECT_FALSE(rules.detections[1].head.silent) << "one of its correlations generates";
}

TEST_F(RuleLoaderTest, AliasesOfYamlAreUsedAndBounded) {
  const RuleSet rules = load("title: t\nx: &v [p, q]\ndetection:\n  s: &s {a: *v}\n  r: *s\n  condition: s and r\n");
  ASSERT_THAT(faults(), IsEmpty());
  EXPECT_THAT(rules.detections, SizeIs(1));
  std::string laughs = "title: t\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string n = std::to_string(i);
    const std::string p = "*a" + std::to_string(i - 1);
    laughs += "a" + n + ": &a" + n + " [" + p + ", " + p + ", " + p + ", " + p + ", " + p + "]\n";
  }
  load(laughs);
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("more than 200000 nodes in one document")));
}

TEST_F(RuleLoaderTest, DeepNestingIsRefused) {
  load("title: t\nx: " + std::string(5000, '[') + std::string(5000, ']') + "\n");
  EXPECT_THAT(faults(), SizeIs(1));
  std::string condition;
  for (int i = 0; i < 5000; ++i) condition += "(";
  load("title: u\ndetection: {s: {a: 1}, condition: \"" + condition + "s\"}\n");
  EXPECT_THAT(faults(), SizeIs(2));
  EXPECT_THAT(faults()[1], HasSubstr("nested deeper than 64 levels"));
}

TEST_F(RuleLoaderTest, SkipsTestsOfRulesAndEmptyDocuments) {
  const RuleSet rules = load("# nothing\n---\n---\nrules: [x.yaml]\ntests: []\n---\n");
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_EQ(rules.size(), 0u);
  EXPECT_EQ(rules.rejected, 0u);
}

TEST_F(RuleLoaderTest, BoundsTheNumberOfRules) {
  options_.rules_max = 1;
  const RuleSet rules = load(
      "title: a\ndetection: {s: {a: 1}, condition: s}\n---\n"
      "title: b\ndetection: {s: {a: 1}, condition: s}\n");
  EXPECT_THAT(faults(), ElementsAre("212 4:1 1 more than 1 rules"));
  EXPECT_EQ(rules.size(), 1u);
}

class RuleFilesTest : public testing::Test {
 protected:
  RuleFilesTest() : root_(testing::TempDir() + "/rule_files." + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
    for (const char* file : {"a.yaml", "b.yml", "c.txt", "sub/d.yaml", "sub/deep/e.yaml", ".hidden/f.yaml"}) {
      std::filesystem::create_directories((root_ / file).parent_path());
      std::ofstream(root_ / file) << "x";
    }
  }
  ~RuleFilesTest() override { std::filesystem::remove_all(root_); }
  std::vector<std::string> find(const std::string& pattern) {
    std::vector<std::string> found;
    for (const std::string& path : find_rule_files({(root_ / pattern).string()}, diagnostics_)) {
      found.push_back(std::filesystem::path(path).lexically_normal().lexically_relative(root_).string());
    }
    return found;
  }
  const std::filesystem::path root_;
  Diagnostics diagnostics_;
};

TEST_F(RuleFilesTest, FindsFilesFoldersAndGlobs) {
  EXPECT_THAT(find("a.yaml"), ElementsAre("a.yaml"));
  EXPECT_THAT(find("."), ElementsAre("a.yaml", "b.yml", "sub/d.yaml", "sub/deep/e.yaml"));
  EXPECT_THAT(find("*.yaml"), ElementsAre("a.yaml"));
  EXPECT_THAT(find("**/*.yaml"), ElementsAre("a.yaml", "sub/d.yaml", "sub/deep/e.yaml"));
  EXPECT_THAT(find("s?b/*.y[a]ml"), ElementsAre("sub/d.yaml"));
  EXPECT_FALSE(diagnostics_.has_errors());
  EXPECT_THAT(find("*.none"), IsEmpty());
  EXPECT_FALSE(diagnostics_.has_errors()) << "a pattern may come to mean something later";
  EXPECT_THAT(find("missing.yaml"), IsEmpty());
  EXPECT_TRUE(diagnostics_.has_errors());
}

TEST_F(RuleFilesTest, AnUnreadableFileIsTold) {
  FieldTable fields;
  RuleLoader loader(fields, RuleLoader::Options(), diagnostics_);
  loader.add_file((root_ / "gone.yaml").string());
  EXPECT_TRUE(diagnostics_.has_errors());
  EXPECT_EQ(loader.finish().rejected, 1u);
}

}  // namespace
}  // namespace tapewatch

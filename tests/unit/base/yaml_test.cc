// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapewatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// "{a: 'x', b: [1, null]}"; ? is what was refused.
std::string written(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "null";
    case YamlNode::Kind::refused:
      return "?";
    case YamlNode::Kind::scalar:
      return node.quoted ? "'" + node.text + "'" : node.text;
    case YamlNode::Kind::list:
      for (const YamlNode& item : node.items) out += (out.empty() ? "" : ", ") + written(item);
      return "[" + out + "]";
    case YamlNode::Kind::map:
      for (const auto& [key, value] : node.members) out += (out.empty() ? "" : ", ") + key.text + ": " + written(value);
      return "{" + out + "}";
  }
  return out;
}

std::string written(const YamlPlace& place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column) + "+" + std::to_string(place.length);
}

std::vector<std::string> trees(std::string_view text, const YamlOptions& options = {}) {
  std::vector<std::string> out;
  for (const YamlDocument& document : read_yaml(text, options)) out.push_back(written(document.root));
  return out;
}

constexpr std::string_view kind_names[] = {"syntax",        "not_utf8",    "control_byte", "tab",   "key_not_text",
                                           "duplicate_key", "alias_cycle", "anchor",       "alias", "merge_key",
                                           "tag",           "depth",       "nodes"};

// "duplicate_key 2:1+1", every document's.
std::vector<std::string> faults(std::string_view text, const YamlOptions& options = {}) {
  std::vector<std::string> out;
  for (const YamlDocument& document : read_yaml(text, options)) {
    for (const YamlFault& fault : document.faults) {
      out.push_back(std::string(kind_names[static_cast<std::size_t>(fault.kind)]) + " " + written(fault.place));
    }
  }
  return out;
}

YamlOptions strict() {
  YamlOptions options;
  options.references = false;
  return options;
}

TEST(ReadYaml, TellsTextFromWhatOnlyLooksLikeIt) {
  EXPECT_THAT(trees("a: 1\nb: '1'\nc: \"x\"\nd: !!str 2\ne: |\n  two\n  lines\n"),
              ElementsAre("{a: 1, b: '1', c: 'x', d: '2', e: 'two\nlines\n'}"));
  EXPECT_THAT(trees("[~, null, NULL, , 'null', {}]"), ElementsAre("[null, null, null, null, 'null', {}]"));
}

TEST(ReadYaml, KeepsDocumentsApart) {
  EXPECT_THAT(trees("a: 1\n---\nb: 2\n...\n# nothing\n---\n"), ElementsAre("{a: 1}", "{b: 2}", "null"));
  EXPECT_THAT(trees("# nothing\n"), IsEmpty());
  EXPECT_THAT(trees("\xEF\xBB\xBF"
                    "a: 1"),
              ElementsAre("{a: 1}"));
  const auto documents = read_yaml("a: [1\n---\nb: 2\n", {});
  ASSERT_THAT(documents, SizeIs(2)) << "a broken document does not hide the next";
  EXPECT_FALSE(documents[0].whole);
  EXPECT_TRUE(documents[1].whole);
  EXPECT_EQ(documents[1].place.line, 2);
  EXPECT_EQ(written(documents[1].root), "{b: 2}");
}

TEST(ReadYaml, KnowsEveryPlace) {
  YamlOptions options;
  options.file = 3;
  const auto documents = read_yaml("---\nname: 'x y'\n\"list\":\n  - \"a\\tb\"\n  - >\n    folded\n", options);
  ASSERT_THAT(documents, SizeIs(1));
  const YamlNode& root = documents[0].root;
  const YamlMember* name = root.member("name");
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(written(name->key.place), "2:1+4");
  EXPECT_EQ(name->key.place.file, 3);
  EXPECT_EQ(written(name->value.place), "2:7+5") << "the quotes are part of it";
  EXPECT_EQ(written(name->value.place_of(2, 1)), "2:10+1");
  const YamlNode* list = root.find("list");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(written(root.member("list")->key.place), "3:1+6");
  EXPECT_EQ(written(list->items[0].place), "4:5+6");
  EXPECT_EQ(written(list->items[0].place_of(1, 1)), "4:5+6") << "an escape stands before it: the whole";
  EXPECT_EQ(root.find("nothing"), nullptr);
}

struct Case {
  std::string name;
  std::string text;
  std::vector<std::string> faults;
};

class YamlFaults : public testing::TestWithParam<Case> {};

TEST_P(YamlFaults, StandWhereTheyAre) { EXPECT_EQ(faults(GetParam().text), GetParam().faults); }

INSTANTIATE_TEST_SUITE_P(
    All, YamlFaults,
    testing::Values(
        Case{"bad_bytes", "a: 1\nb: x\xFFy\n", {"not_utf8 2:5+1"}},
        Case{"control", "a: 1\nb: \x01\n", {"control_byte 2:4+1"}}, Case{"rubout", "a: \x7F\n", {"control_byte 1:4+1"}},
        Case{"nul", std::string("a: \0\n", 5), {"control_byte 1:4+1"}}, Case{"tab", "a:\n\t- b\n", {"tab 2:1+1"}},
        Case{"syntax", "a: {\n", {"syntax 2:1+1"}},
        Case{"list_as_key", "[a]: 1\n{b: 1}: 2\n", {"key_not_text 1:1+1", "key_not_text 2:1+1"}},
        Case{"duplicates",
             "a: 1\na: 2\nb: {c: 1, c: 2, c: 3}\n",
             {"duplicate_key 2:1+1", "duplicate_key 3:11+1", "duplicate_key 3:17+1"}},
        Case{"cycle", "a: &x [*x]\n", {"alias_cycle 1:8+1"}},
        Case{"two_documents", "a: 1\na: 1\n---\nb: 1\nb: 1\n", {"duplicate_key 2:1+1", "duplicate_key 5:1+1"}},
        Case{"beside_a_syntax_fault", "a: 1\na: 2\nb: {\n", {"duplicate_key 2:1+1", "syntax 4:1+1"}}),
    [](const testing::TestParamInfo<Case>& test) { return test.param.name; });

TEST(ReadYaml, GoesOnBehindAFault) {
  EXPECT_THAT(trees("a: 1\na: 2\n[k]: 3\nb: {c: &x [*x, 4]}\n"), ElementsAre("{a: 1, b: {c: [?, 4]}}"));
  EXPECT_THAT(trees("a: {b: 1, c: 2\n"), ElementsAre("{a: {b: 1, c: 2}}")) << "what stood above is kept";
  EXPECT_THAT(trees("a: \xFF"), ElementsAre("?"));
}

TEST(ReadYaml, UsesReferencesOrRefusesThem) {
  const std::string text = "a: &x [1, 2]\nb: *x\nc: {<<: *x}\nd: !t 1\n";
  EXPECT_THAT(faults(text), IsEmpty());
  EXPECT_THAT(trees(text), ElementsAre("{a: [1, 2], b: [1, 2], c: {<<: [1, 2]}, d: 1}"));
  EXPECT_THAT(faults(text, strict()),
              ElementsAre("anchor 1:4+1", "alias 2:4+1", "merge_key 3:5+2", "alias 3:9+1", "tag 4:4+1"));
  EXPECT_THAT(trees(text, strict()), ElementsAre("{a: [1, 2], b: ?, c: {}, d: 1}"));
}

TEST(ReadYaml, BoundsDepthAndNodes) {
  YamlOptions options;
  options.depth_max = 2;
  EXPECT_THAT(faults("a: [1, 2]\n", options), IsEmpty());
  EXPECT_THAT(faults("a: [[1, [2]], [3]]\nb: [[4]]\n", options), ElementsAre("depth 1:5+1")) << "once is enough";
  EXPECT_THAT(trees("a: [[1], 2]\nb: 3\n", options), ElementsAre("{a: [?, 2], b: 3}"));
  EXPECT_THAT(faults("a: &x [1]\nb: {c: *x}\n", options), ElementsAre("depth 2:8+1")) << "an alias is as deep as it is";
  EXPECT_THAT(faults(std::string(5000, '['), options), ElementsAre("depth 1:2+1"));
  options = {};
  options.nodes_max = 7;
  EXPECT_THAT(faults("a: &x [1, 2]\nb: 1\n", options), IsEmpty());
  EXPECT_THAT(faults("a: &x [1, 2]\nb: *x\nc: *x\n", options), ElementsAre("nodes 2:4+1"));
  EXPECT_THAT(trees("a: &x [1, 2]\nb: *x\nc: *x\n", options), ElementsAre("?"));
  options.faults_max = 2;
  EXPECT_THAT(faults("a: 1\na: 1\na: 1\na: 1\n", options), SizeIs(2));
}

}  // namespace
}  // namespace tapewatch

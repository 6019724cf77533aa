// SPDX-License-Identifier: Apache-2.0
#include "detect/witness_choice.h"

#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

class WitnessChoiceTest : public RulesFixture {
 protected:
  // The texts of the witnesses of the first of these rules.
  std::vector<std::string> of_first(const std::string& yaml) {
    const RuleSet rules = load(yaml);
    EXPECT_FALSE(diagnostics_.has_errors()) << diagnostics_.render(false);
    std::vector<std::string> texts;
    const auto witnesses = WitnessChoice(rules.detections).of(rules.detections.front());
    for (const Witness& witness : witnesses.value_or(std::vector<Witness>())) texts.push_back(witness.text);
    return texts;
  }
  static std::string many(int rules, const std::string& selection) {
    std::string yaml;
    for (int i = 0; i < rules; ++i) {
      yaml += "---\nid: r" + std::to_string(i) + "\n" + rule("    kind: process\n    name: n" + std::to_string(i));
    }
    return rule(selection) + yaml;
  }
};

TEST_F(WitnessChoiceTest, AnExactValueIsCheaperThanALiteral) {
  EXPECT_EQ(of_first(rule("    kind: process\n    command|contains: mimikatz")), std::vector<std::string>{"process"});
}

TEST_F(WitnessChoiceTest, WhatManyRulesWantIsCommon) {
  EXPECT_EQ(of_first(many(20, "    kind: process\n    command|contains: mimikatz")),
            std::vector<std::string>{"mimikatz"});
  EXPECT_EQ(of_first(many(20, "    kind: process\n    command|contains: [mimikatz, sekurlsa, kerberos]")),
            (std::vector<std::string>{"kerberos", "mimikatz", "sekurlsa"}));
}

TEST_F(WitnessChoiceTest, ShortLiteralsOfWhichMostTextsHaveOneAreDearer) {
  EXPECT_EQ(of_first(many(20, "    kind: process\n    command|contains: [ab, cd, ef, gh, ij, kl]")),
            std::vector<std::string>{"process"});
  EXPECT_EQ(of_first(many(20, "    kind: process\n    command|contains: [約, 定, 済]")),
            (std::vector<std::string>{"定", "済", "約"}));
}

TEST_F(WitnessChoiceTest, AbsenceHasNoWitness) { EXPECT_TRUE(of_first(rule("    kind: null")).empty()); }

}  // namespace
}  // namespace tapewatch

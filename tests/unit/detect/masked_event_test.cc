// SPDX-License-Identifier: Apache-2.0
// Rules see events as they are delivered: a masked secret wakes nothing and matches nothing, its replacement does.
#include "unit/detect/rules_fixture.h"

namespace tapewatch {
namespace {

struct Case {
  const char* name;
  const char* line;  // holds the secret once
  const char* item;
  bool match;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

constexpr std::string_view secret = "hunter2hunter2";
constexpr std::string_view replacement = "(hidden)";
constexpr std::string_view replacement_json = "\"(hidden)\"";

// What the masker does, with a finding known beforehand.
void hide_secret(Event& event) {
  const std::string line(event.line().text);
  const std::size_t at = line.find(secret);
  ASSERT_NE(at, std::string::npos);
  if (event.is_json()) {
    const LineToken token = event.token_at(static_cast<std::uint32_t>(at));
    event.mask(token.begin, token.end, replacement_json, replacement);
  } else {
    event.mask_line(event.keep(line.substr(0, at) + std::string(replacement) + line.substr(at + secret.size())));
  }
}

class MaskedEventTest : public RulesFixture, public testing::WithParamInterface<Case> {};

TEST_P(MaskedEventTest, IsSeenAsDelivered) {
  before_ = hide_secret;
  EXPECT_EQ(matches(GetParam().item, GetParam().line), GetParam().match);
}

constexpr const char* text = "login failed token=hunter2hunter2 for bob";
constexpr const char* json = R"({"e":"login","token":"hunter2hunter2"})";
constexpr const char* deep = R"({"e":"login","a":[{"token":"hunter2hunter2"}],"b":"x\ny"})";

INSTANTIATE_TEST_SUITE_P(
    All, MaskedEventTest,
    testing::Values(Case{"TextSecret", text, "- hunter2", false},
                    Case{"TextSecretAcrossBorder", text, "- token=hunter", false},
                    Case{"TextReplacement", text, "- token=(hidden)", true}, Case{"TextRest", text, "- failed", true},
                    Case{"JsonSecret", json, "- hunter2", false}, Case{"JsonReplacement", json, "- (hidden)", true},
                    Case{"JsonRest", json, "- login", true}, Case{"JsonField", json, "token: hunter2hunter2", false},
                    Case{"JsonFieldReplacement", json, "token: (hidden)", true},
                    Case{"DeepSecret", deep, "- hunter2", false}, Case{"DeepReplacement", deep, "- (hidden)", true}),
    [](const testing::TestParamInfo<Case>& c) { return std::string(c.param.name); });

}  // namespace
}  // namespace tapewatch

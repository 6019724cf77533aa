// SPDX-License-Identifier: Apache-2.0
#pragma once
// The modifiers of one detection item (`field|contains|all`), checked against each other. Used by RuleLoader alone.
// Thread: any.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "detect/rule.h"
#include "detect/rule_loader_faults.h"

namespace tapewatch {

// What is done to the text of a value, in the order of writing.
enum class TextChange : std::uint8_t {
  contains,
  starts_with,
  ends_with,
  windash,
  base64,
  base64_offset,
  utf16le,
  utf16be,
  utf16,
  expand,
};

struct Modifiers {
  // What kind of test the values become.
  enum class Mode : std::uint8_t { text, regex, cidr, compare, exists, field_ref };
  Mode mode = Mode::text;
  bool all = false;
  bool negated = false;
  bool cased = false;
  RegexFlags regex;
  Comparison comparison = Comparison::less;
  TimePart part = TimePart::none;
  std::vector<TextChange> changes;
};

// `key` is the item's key node; modifiers start behind the first '|'. nullopt when a fault was told.
[[nodiscard]] std::optional<Modifiers> parse_modifiers(const YamlNode& key, RuleFaults& faults);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_modifiers.h"

#include <algorithm>
#include <array>
#include <string>

namespace tapewatch {
namespace {

using Mode = Modifiers::Mode;

enum class Word : std::uint8_t { change, mode, all, neq, cased, comparison, part, flag_i, flag_m, flag_s };

struct Entry {
  std::string_view name;
  Word word;
  int value = 0;  // TextChange, Mode, Comparison or TimePart
};

template <typename E>
constexpr int number(E value) {
  return static_cast<int>(value);
}

constexpr std::array<Entry, 34> known = {{
    {"contains", Word::change, number(TextChange::contains)},
    {"startswith", Word::change, number(TextChange::starts_with)},
    {"endswith", Word::change, number(TextChange::ends_with)},
    {"windash", Word::change, number(TextChange::windash)},
    {"base64", Word::change, number(TextChange::base64)},
    {"base64offset", Word::change, number(TextChange::base64_offset)},
    {"wide", Word::change, number(TextChange::utf16le)},
    {"utf16le", Word::change, number(TextChange::utf16le)},
    {"utf16be", Word::change, number(TextChange::utf16be)},
    {"utf16", Word::change, number(TextChange::utf16)},
    {"expand", Word::change, number(TextChange::expand)},
    {"re", Word::mode, number(Mode::regex)},
    {"cidr", Word::mode, number(Mode::cidr)},
    {"exists", Word::mode, number(Mode::exists)},
    {"fieldref", Word::mode, number(Mode::field_ref)},
    {"all", Word::all},
    {"neq", Word::neq},
    {"cased", Word::cased},
    {"lt", Word::comparison, number(Comparison::less)},
    {"lte", Word::comparison, number(Comparison::less_or_equal)},
    {"gt", Word::comparison, number(Comparison::greater)},
    {"gte", Word::comparison, number(Comparison::greater_or_equal)},
    {"minute", Word::part, number(TimePart::minute)},
    {"hour", Word::part, number(TimePart::hour)},
    {"day", Word::part, number(TimePart::day)},
    {"week", Word::part, number(TimePart::week)},
    {"month", Word::part, number(TimePart::month)},
    {"year", Word::part, number(TimePart::year)},
    {"i", Word::flag_i},
    {"ignorecase", Word::flag_i},
    {"m", Word::flag_m},
    {"multiline", Word::flag_m},
    {"s", Word::flag_s},
    {"dotall", Word::flag_s},
}};

// What stands in the way of `entry` after the modifiers read so far, "" when nothing does.
std::string conflict(const Modifiers& so_far, const Entry& entry) {
  const bool plain_text = so_far.mode == Mode::text && so_far.part == TimePart::none;
  switch (entry.word) {
    case Word::change: {
      const auto change = static_cast<TextChange>(entry.value);
      const bool relation =
          change == TextChange::contains || change == TextChange::starts_with || change == TextChange::ends_with;
      if (so_far.mode == Mode::field_ref) return relation ? "" : "it changes a text, but the value names a field";
      return plain_text ? "" : "it changes a text, and the modifier before it makes the value something else";
    }
    case Word::mode:
      if (static_cast<Mode>(entry.value) == Mode::field_ref && plain_text) return "";
      if (!plain_text) return "the modifier before it gives the value another meaning";
      if (static_cast<Mode>(entry.value) == Mode::exists && (so_far.all || so_far.negated)) return "it stands alone";
      return so_far.changes.empty() && !so_far.cased ? "" : "the modifier before it changes a text";
    case Word::cased:
      return plain_text || so_far.mode == Mode::field_ref ? "" : "only texts are compared by case";
    case Word::comparison:
      return so_far.mode == Mode::text && so_far.changes.empty() && !so_far.cased ? "" : "only numbers are compared so";
    case Word::part:
      return plain_text && so_far.changes.empty() && !so_far.cased ? "" : "it must come first";
    case Word::flag_i:
    case Word::flag_m:
    case Word::flag_s:
      return so_far.mode == Mode::regex ? "" : "it must follow \"re\"";
    case Word::all:
    case Word::neq:
      return so_far.mode == Mode::exists ? "\"exists\" stands alone" : "";
  }
  return "";
}

void apply(Modifiers& modifiers, const Entry& entry) {
  switch (entry.word) {
    case Word::change:
      modifiers.changes.push_back(static_cast<TextChange>(entry.value));
      break;
    case Word::mode:
      modifiers.mode = static_cast<Mode>(entry.value);
      break;
    case Word::comparison:
      modifiers.mode = Mode::compare;
      modifiers.comparison = static_cast<Comparison>(entry.value);
      break;
    case Word::part:
      modifiers.part = static_cast<TimePart>(entry.value);
      break;
    case Word::all:
      modifiers.all = true;
      break;
    case Word::neq:
      modifiers.negated = true;
      break;
    case Word::cased:
      modifiers.cased = true;
      break;
    case Word::flag_i:
      modifiers.regex.ignore_case = true;
      break;
    case Word::flag_m:
      modifiers.regex.multi_line = true;
      break;
    case Word::flag_s:
      modifiers.regex.dot_matches_newline = true;
      break;
  }
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  all.reserve(std::size(known));
  for (const Entry& entry : known) all.push_back(entry.name);
  return all;
}

}  // namespace

std::optional<Modifiers> parse_modifiers(const YamlNode& key, RuleFaults& faults) {
  Modifiers modifiers;
  const std::string_view text = key.text;
  for (std::size_t bar = text.find('|'); bar != std::string_view::npos;) {
    const std::size_t next = text.find('|', bar + 1);
    const std::string_view name = text.substr(bar + 1, next == std::string_view::npos ? next : next - bar - 1);
    const YamlPlace place = key.place_of(bar + 1, name.size());
    const auto* entry = std::find_if(known.begin(), known.end(), [&](const Entry& e) { return e.name == name; });
    if (entry == known.end()) {
      faults.error(fault_number::unknown_modifier, place, "unknown modifier \"" + std::string(name) + "\"",
                   name.empty() ? "a name belongs behind '|'" : RuleFaults::suggest(name, names()));
      return std::nullopt;
    }
    if (const std::string reason = conflict(modifiers, *entry); !reason.empty()) {
      faults.error(fault_number::modifier_misuse, place,
                   "modifier \"" + std::string(name) + "\" cannot be used here: " + reason);
      return std::nullopt;
    }
    apply(modifiers, *entry);
    bar = next;
  }
  return modifiers;
}

}  // namespace tapewatch

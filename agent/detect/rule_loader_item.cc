// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_loader_item.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/base64.h"
#include "detect/regex_literal.h"
#include "detect/rule_modifiers.h"
#include "detect/text_codec.h"

namespace tapewatch {
namespace {

using Mode = Modifiers::Mode;
using Alternatives = std::vector<Test>;

constexpr std::size_t spellings_max = 625;  // four dashes of windash

bool is_placeholder_name(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
}

// Reads the values of one item, all under the same modifiers.
class ItemReader final {
 public:
  ItemReader(const Modifiers& modifiers, bool keywords, const ItemLimits& limits, const RuleFields& fields,
             RuleFaults& faults)
      : modifiers_(modifiers), keywords_(keywords), limits_(limits), fields_(fields), faults_(faults) {}

  // False when a fault was told.
  bool read(const YamlNode& value, bool in_list, std::vector<Alternatives>& out) {
    if (value.is_map() || value.is_list()) {
      return fail(fault_number::wrong_type, value, "a value must be a text, a number, a boolean or null");
    }
    if (value.text.size() > limits_.pattern_bytes_max) {
      return fail(fault_number::rule_limit, value,
                  "a value longer than " + std::to_string(limits_.pattern_bytes_max) + " bytes");
    }
    if (value.is_null()) return read_null(value, in_list, out);
    switch (modifiers_.mode) {
      case Mode::text:
        return read_text(value, out);
      case Mode::regex:
        return read_regex(value, out);
      case Mode::cidr:
        return read_cidr(value, out);
      case Mode::compare:
        return read_number(value, TestKind::compare, out);
      case Mode::exists:
        return read_exists(value, out);
      case Mode::field_ref:
        return read_field_ref(value, out);
    }
    return false;
  }

 private:
  bool fail(int number, const YamlNode& at, std::string message, std::string hint = {}) {
    faults_.error(number, at, std::move(message), std::move(hint));
    return false;
  }

  static bool add(Test test, std::vector<Alternatives>& out) {
    Alternatives one;
    one.push_back(std::move(test));
    out.push_back(std::move(one));
    return true;
  }

  bool read_null(const YamlNode& value, bool in_list, std::vector<Alternatives>& out) {
    if (in_list) {
      return fail(fault_number::null_in_list, value, "null in a list of values",
                  "write an item of its own in a list of maps");
    }
    if (keywords_ || modifiers_.mode != Mode::text || !modifiers_.changes.empty() || modifiers_.cased ||
        modifiers_.part != TimePart::none) {
      return fail(fault_number::modifier_misuse, value, "null goes with no modifier but neq");
    }
    Test test;
    test.kind = TestKind::null;
    test.key = "0";
    return add(std::move(test), out);
  }

  static bool is_boolean(const YamlNode& value, bool& flag) {
    flag = value.text == "true" || value.text == "True" || value.text == "TRUE";
    return !value.quoted && (flag || value.text == "false" || value.text == "False" || value.text == "FALSE");
  }

  bool read_text(const YamlNode& value, std::vector<Alternatives>& out) {
    if (modifiers_.part != TimePart::none) return read_number(value, TestKind::number, out);
    const bool bare = !keywords_ && modifiers_.changes.empty() && !modifiers_.cased;
    Test test;
    if (bare && is_boolean(value, test.flag)) {
      test.kind = TestKind::boolean;
      test.key = test.flag ? "b1" : "b0";
      return add(std::move(test), out);
    }
    if (bare && !value.quoted && Decimal::parse(value.text)) return read_number(value, TestKind::number, out);
    const auto& changes = modifiers_.changes;
    const bool expands = std::find(changes.begin(), changes.end(), TextChange::expand) != changes.end();
    const std::optional<std::string> written = expands ? expanded(value) : value.text;
    if (!written) return false;
    std::vector<Pattern> patterns = {Pattern::parse(*written)};
    for (const TextChange change : changes) {
      if (!apply(change, value, patterns)) return false;
    }
    Alternatives alternatives;
    for (Pattern& pattern : patterns) {
      if (keywords_ && !anchored()) {
        pattern.add_leading_run();
        pattern.add_trailing_run();
      }
      Test text;
      text.pattern = std::move(pattern);
      text.pattern.finish(modifiers_.cased);
      text.key = "t" + text.pattern.key();
      alternatives.push_back(std::move(text));
    }
    out.push_back(std::move(alternatives));
    return true;
  }

  [[nodiscard]] bool anchored() const {
    const auto& changes = modifiers_.changes;
    return std::any_of(changes.begin(), changes.end(), [](TextChange change) {
      return change == TextChange::starts_with || change == TextChange::ends_with;
    });
  }

  bool apply(TextChange change, const YamlNode& value, std::vector<Pattern>& patterns) {
    if (change == TextChange::expand) return true;
    std::vector<Pattern> changed;
    for (Pattern& pattern : patterns) {
      if (change == TextChange::contains || change == TextChange::ends_with) pattern.add_leading_run();
      if (change == TextChange::contains || change == TextChange::starts_with) pattern.add_trailing_run();
      if (change == TextChange::windash) pattern.widen_dashes();
      if (change < TextChange::base64) {
        changed.push_back(std::move(pattern));
      } else if (!encode(change, value, pattern, changed)) {
        return false;
      }
    }
    encoded_ = encoded_ || change >= TextChange::base64;
    patterns = std::move(changed);
    return true;
  }

  bool encode(TextChange change, const YamlNode& value, const Pattern& pattern, std::vector<Pattern>& out) {
    if (pattern.has_wildcards()) {
      return fail(fault_number::modifier_misuse, value, "wildcards cannot be encoded",
                  "write \\* for a star, and contains, startswith or endswith behind the encoding");
    }
    if (change < TextChange::base64 || change > TextChange::base64_offset) {
      if (encoded_) return fail(fault_number::modifier_misuse, value, "UTF-16 must come before base64, and once");
    }
    const std::vector<std::string> texts = pattern.spellings(spellings_max);
    if (texts.empty()) return fail(fault_number::rule_limit, value, "too many dashes to be encoded");
    for (const std::string& text : texts) {
      if (!encode(change, value, text, out)) return false;
    }
    return true;
  }

  bool encode(TextChange change, const YamlNode& value, const std::string& text, std::vector<Pattern>& out) {
    if (change == TextChange::base64_offset) {
      for (const std::string& offset : base64_offsets(text)) {
        if (offset.empty()) return fail(fault_number::bad_value, value, "too short for base64offset");
        out.push_back(Pattern::literal(offset));
      }
    }
    if (change == TextChange::base64) out.push_back(Pattern::literal(base64(text)));
    if (change == TextChange::utf16le) out.push_back(Pattern::literal(utf16(text, ByteOrder::little)));
    if (change == TextChange::utf16be) out.push_back(Pattern::literal(utf16(text, ByteOrder::big)));
    if (change == TextChange::utf16) out.push_back(Pattern::literal("\xFF\xFE" + utf16(text, ByteOrder::little)));
    return true;
  }

  // `%name%` stands for values that the configuration would have to give, `\%` is a percent sign. The text without
  // these; nullopt when a fault was told.
  std::optional<std::string> expanded(const YamlNode& value) {
    const std::string& text = value.text;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) {
        if (text[i + 1] != '%') out.push_back(text[i]);
        out.push_back(text[++i]);
        continue;
      }
      out.push_back(text[i]);
      if (text[i] != '%') continue;
      std::size_t end = i + 1;
      while (end < text.size() && is_placeholder_name(text[end])) ++end;
      if (end == i + 1 || end == text.size() || text[end] != '%') continue;
      faults_.error(fault_number::placeholder, value.place_of(i, end - i + 1),
                    "nothing gives a value for the placeholder \"" + text.substr(i, end - i + 1) + "\"");
      return std::nullopt;
    }
    return out;
  }

  bool read_number(const YamlNode& value, TestKind kind, std::vector<Alternatives>& out) {
    const auto number = Decimal::parse(value.text);
    if (!number || value.quoted) {
      return fail(fault_number::not_a_number, value, "\"" + value.text + "\" is not a number",
                  number ? "take the quotes away" : "");
    }
    Test test;
    test.kind = kind;
    test.part = modifiers_.part;
    test.comparison = modifiers_.comparison;
    test.number = *number;
    test.key = (kind == TestKind::compare ? "<" + std::to_string(static_cast<int>(test.comparison)) : "n") +
               std::to_string(static_cast<int>(test.part)) + ":" + number->canonical();
    return add(std::move(test), out);
  }

  bool read_regex(const YamlNode& value, std::vector<Alternatives>& out) {
    auto regex = Regex::compile(value.text, modifiers_.regex);
    if (!regex.ok()) {
      const std::string& reason = regex.error().message;
      const bool beyond = reason.starts_with("invalid perl operator") || reason.starts_with("invalid escape sequence");
      return fail(fault_number::bad_regex, value, "bad regular expression: " + reason,
                  beyond ? "look-around and back-references are not supported" : "");
    }
    Test test;
    test.kind = TestKind::regex;
    test.regex = std::make_unique<const Regex>(std::move(regex).value());
    test.regex_literals = required_literals(value.text, modifiers_.regex.ignore_case);
    test.key = "r";
    for (const bool flag :
         {modifiers_.regex.ignore_case, modifiers_.regex.multi_line, modifiers_.regex.dot_matches_newline}) {
      test.key.push_back(flag ? '1' : '0');
    }
    test.key += value.text;
    return add(std::move(test), out);
  }

  bool read_cidr(const YamlNode& value, std::vector<Alternatives>& out) {
    auto network = Cidr::parse(value.text);
    if (!network.ok()) {
      return fail(fault_number::bad_cidr, value, "bad network \"" + value.text + "\": " + network.error().message);
    }
    Test test;
    test.kind = TestKind::cidr;
    test.cidr = *network;
    test.key = "c" + value.text;
    return add(std::move(test), out);
  }

  bool read_exists(const YamlNode& value, std::vector<Alternatives>& out) {
    Test test;
    if (!is_boolean(value, test.flag)) {
      return fail(fault_number::wrong_type, value, "exists takes true or false");
    }
    test.kind = TestKind::exists;
    test.key = test.flag ? "e1" : "e0";
    return add(std::move(test), out);
  }

  bool read_field_ref(const YamlNode& value, std::vector<Alternatives>& out) {
    if (value.text.empty()) return fail(fault_number::empty_value, value, "fieldref needs the name of a field");
    Test test;
    test.kind = TestKind::field_ref;
    test.cased = modifiers_.cased;
    test.other = rule_field(fields_, value.text);
    for (const TextChange change : modifiers_.changes) {
      if (change == TextChange::contains) test.relation = TextRelation::contains;
      if (change == TextChange::starts_with) test.relation = TextRelation::starts_with;
      if (change == TextChange::ends_with) test.relation = TextRelation::ends_with;
      if (change > TextChange::ends_with) {
        return fail(fault_number::modifier_misuse, value, "fieldref goes with contains, startswith and endswith only");
      }
    }
    test.key =
        "f" + std::to_string(static_cast<int>(test.relation)) + (test.cased ? "c" : "i") + std::to_string(test.other);
    return add(std::move(test), out);
  }

  const Modifiers& modifiers_;
  const bool keywords_;
  const ItemLimits& limits_;
  const RuleFields& fields_;
  RuleFaults& faults_;
  bool encoded_ = false;
};

std::string item_key(const Item& item) {
  std::string key = std::to_string(item.field) + (item.all ? "&" : "|") + (item.negated ? "!" : "");
  for (const auto& alternatives : item.values) {
    key.push_back('(');
    for (const Test& test : alternatives) {
      key.append(std::to_string(test.key.size())).append(":").append(test.key);
    }
    key.push_back(')');
  }
  return key;
}

std::optional<Item> read_values(const Modifiers& modifiers, FieldId field, const YamlNode& value,
                                const ItemLimits& limits, const RuleFields& fields, RuleFaults& faults) {
  Item item;
  item.field = field;
  item.all = modifiers.all;
  item.negated = modifiers.negated;
  const auto read_one = [&](const YamlNode& node, bool in_list) {
    ItemReader reader(modifiers, field == no_field, limits, fields, faults);
    return reader.read(node, in_list, item.values);
  };
  bool good = true;
  if (value.is_list()) {
    if (value.items.empty()) {
      faults.error(fault_number::empty_value, value, "an empty list of values");
      return std::nullopt;
    }
    if (value.items.size() > limits.values_max) {
      faults.error(fault_number::rule_limit, value,
                   "more than " + std::to_string(limits.values_max) + " values in one item");
      return std::nullopt;
    }
    for (const YamlNode& member : value.items) good = read_one(member, true) && good;
  } else {
    good = read_one(value, false);
  }
  if (!good) return std::nullopt;
  item.key = item_key(item);
  return item;
}

}  // namespace

std::optional<Item> read_item(const YamlNode& key, const YamlNode& value, const ItemLimits& limits,
                              const RuleFields& fields, RuleFaults& faults) {
  const std::optional<Modifiers> modifiers = parse_modifiers(key, faults);
  if (!modifiers) return std::nullopt;
  const std::string_view name = std::string_view(key.text).substr(0, key.text.find('|'));
  const bool of_texts = modifiers->mode == Mode::text && modifiers->part == TimePart::none;
  if (name.empty() && !of_texts && modifiers->mode != Mode::regex) {
    faults.error(fault_number::modifier_misuse, key, "this modifier needs a field before it");
    return std::nullopt;
  }
  const FieldId field = name.empty() ? no_field : rule_field(fields, name);
  return read_values(*modifiers, field, value, limits, fields, faults);
}

std::optional<Item> read_keywords(const YamlNode& values, const ItemLimits& limits, const RuleFields& fields,
                                  RuleFaults& faults) {
  return read_values(Modifiers(), no_field, values, limits, fields, faults);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// What all rules have in common: head, alert options, log source.
#include <algorithm>
#include <array>
#include <charconv>

#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

constexpr std::array<std::string_view, 5> levels = {"informational", "low", "medium", "high", "critical"};

void read_level(const YamlNode& document, RuleHead& head, RuleFaults& faults) {
  const YamlNode* level = document.find("level");
  if (level == nullptr) return;
  head.level = level->text;
  if (std::find(levels.begin(), levels.end(), head.level) != levels.end()) return;
  faults.error(fault_number::bad_value, *level, "unknown level \"" + level->text + "\"",
               RuleFaults::suggest(level->text, {levels.begin(), levels.end()}));
}

void read_tags(const YamlNode& document, RuleHead& head, RuleFaults& faults) {
  const YamlNode* tags = document.find("tags");
  if (tags == nullptr || tags->is_null()) return;
  if (!tags->is_list()) {
    faults.error(fault_number::wrong_type, *tags, "tags must be a list");
    return;
  }
  for (const YamlNode& tag : tags->items) head.tags.push_back(tag.text);
}

}  // namespace

void check_keys(const YamlNode& map, const std::vector<std::string_view>& known, std::string_view where,
                RuleFaults& faults) {
  for (const auto& [key, value] : map.members) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    faults.error(fault_number::unknown_key, key, "unknown key \"" + key.text + "\" in " + std::string(where),
                 RuleFaults::suggest(key.text, known));
  }
}

std::string text_member(const YamlNode& map, std::string_view key, RuleFaults& faults) {
  const YamlNode* node = map.find(key);
  if (node == nullptr || node->is_null()) return {};
  if (!node->is_scalar()) {
    faults.error(fault_number::wrong_type, *node, std::string(key) + " must be a text");
    return {};
  }
  return node->text;
}

std::optional<std::int64_t> parse_timespan(std::string_view text) {
  struct SpanUnit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<SpanUnit, 8> units = {{{"ms", 1},
                                              {"s", 1000},
                                              {"m", 60'000},
                                              {"h", 3'600'000},
                                              {"d", 86'400'000},
                                              {"w", 604'800'000},
                                              {"M", 2'629'746'000},
                                              {"y", 31'556'952'000}}};
  constexpr std::int64_t ms_max = 100 * units.back().ms;
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || count <= 0) return std::nullopt;
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  const auto* unit = std::find_if(units.begin(), units.end(), [&](const SpanUnit& u) { return u.name == name; });
  if (unit == units.end() || count > ms_max / unit->ms) return std::nullopt;
  return count * unit->ms * 1'000'000;
}

void read_head(const YamlNode& document, RuleHead& head, RuleFaults& faults) {
  head.file = faults.file();
  head.line = document.place.line;
  head.id = text_member(document, "id", faults);
  head.name = text_member(document, "name", faults);
  head.title = text_member(document, "title", faults);
  head.description = text_member(document, "description", faults);
  read_level(document, head, faults);
  read_tags(document, head, faults);
  read_alert_options(document, head.alert, faults);
  if (head.title.empty()) head.title = head.name.empty() ? head.id : head.name;
  if (head.title.empty()) faults.error(fault_number::missing_key, document, "a rule needs a title");
  if (head.id.empty()) head.id = head.name.empty() ? head.title : head.name;
}

std::optional<LogSourceNames> read_log_source(const YamlNode& document, RuleFaults& faults) {
  LogSourceNames names;
  const YamlNode* source = document.find("logsource");
  if (source == nullptr) return names;
  const int before = faults.errors();
  if (!source->is_map()) {
    faults.error(fault_number::wrong_type, *source, "logsource must be a map", "logsource: {product: tapewatch}");
    return std::nullopt;
  }
  const std::vector<std::string_view> known = {"category", "product", "service", "definition"};
  for (const auto& [key, value] : source->members) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    const std::string hint = RuleFaults::suggest(key.text, known);  // keys of other tools' own are allowed
    if (!hint.empty()) {
      faults.error(fault_number::unknown_key, key, "unknown key \"" + key.text + "\" in logsource", hint);
    }
  }
  names.product = text_member(*source, "product", faults);
  names.category = text_member(*source, "category", faults);
  names.service = text_member(*source, "service", faults);
  if (faults.errors() > before) return std::nullopt;
  return names;
}

void tell_unmapped(const YamlNode& document, const LogSourceNames& names, const LogSource& ours, RuleFaults& faults) {
  const YamlNode* source = document.find("logsource");
  faults.warning(fault_number::unmapped_log_source, source != nullptr ? *source : document,
                 "nothing maps the log source " + names.text() + ": the rule is loaded but sees no event",
                 "our own logs are product " + ours.product + ", category " + ours.category);
}

}  // namespace tapewatch

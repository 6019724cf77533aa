// SPDX-License-Identifier: Apache-2.0
#include "detect/witness_choice.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "detect/fold.h"

namespace tapewatch {
namespace {

// Costs are estimates in nanoseconds an event: of looking, shared by all rules that look at the field so, and of the
// rule woken in vain, by how likely that is.
constexpr double exact_field_cost = 10;
constexpr double literal_field_cost = 40;
constexpr double woken_cost = 60;
constexpr double exact_chance = 0.001;
constexpr double part_chance = 0.005;         // a beginning or an end
constexpr double other_script_chance = 0.02;  // of a literal, against one in ASCII
constexpr double few_rules = 128;
constexpr double common_share = 0.125;  // of the rules want the same one: events mostly have it
constexpr std::size_t literal_bytes_min = 2;
constexpr std::size_t part_bytes_max = 62;  // longer beginnings are looked for as literals

constexpr std::array<std::string_view, 14> common_values = {"info", "debug", "trace", "success", "ok",  "true", "false",
                                                            "get",  "post",  "buy",   "sell",    "200", "0",    "1"};

bool is_common(std::string_view text) {
  return std::find(common_values.begin(), common_values.end(), text) != common_values.end();
}

bool is_part(Witness::Kind kind) { return kind == Witness::Kind::prefix || kind == Witness::Kind::suffix; }

using Witnesses = std::vector<Witness>;

Witness literal_of(FieldId field, const std::string& text) { return {Witness::Kind::literal, field, folded(text)}; }

std::optional<Witnesses> witnesses_of_text(FieldId field, const Pattern& pattern) {
  if (field != no_field && pattern.shape() == Pattern::Shape::exact && !pattern.needle().empty()) {
    return Witnesses{{Witness::Kind::exact, field, folded(pattern.needle())}};
  }
  const bool prefix = pattern.shape() == Pattern::Shape::prefix;
  if (field != no_field && (prefix || pattern.shape() == Pattern::Shape::suffix) &&
      pattern.needle().size() >= literal_bytes_min && pattern.needle().size() <= part_bytes_max) {
    return Witnesses{{prefix ? Witness::Kind::prefix : Witness::Kind::suffix, field, folded(pattern.needle())}};
  }
  const std::string literal = pattern.witness();
  if (literal.size() >= literal_bytes_min) return Witnesses{literal_of(field, literal)};
  if (field == no_field) return std::nullopt;
  return Witnesses{{Witness::Kind::presence, field, {}}};
}

// What must be seen, one of it, for this test to hold; nullopt when absence satisfies it.
std::optional<Witnesses> witnesses_of(FieldId field, const Test& test) {
  const Witness presence{Witness::Kind::presence, field, {}};
  auto present = field == no_field ? std::nullopt : std::optional(Witnesses{presence});
  switch (test.kind) {
    case TestKind::null:
      return std::nullopt;
    case TestKind::exists:
      return test.flag ? present : std::nullopt;
    case TestKind::boolean:
      return Witnesses{{Witness::Kind::exact, field, test.flag ? "true" : "false"}};
    case TestKind::number:
      if (test.part != TimePart::none) return present;
      return Witnesses{{Witness::Kind::number, field, test.number.canonical()}};
    case TestKind::text:
      return witnesses_of_text(field, test.pattern);
    case TestKind::regex: {
      Witnesses literals;
      for (const std::string& text : test.regex_literals) literals.push_back(literal_of(field, text));
      return literals.empty() ? present : literals;
    }
    case TestKind::cidr:
    case TestKind::compare:
    case TestKind::field_ref:
      return present;
  }
  return std::nullopt;
}

// One of the tests must hold.
std::optional<Witnesses> witnesses_of_any(FieldId field, const std::vector<Test>& tests) {
  Witnesses all;
  for (const Test& test : tests) {
    auto witnesses = witnesses_of(field, test);
    if (!witnesses) return std::nullopt;
    all.insert(all.end(), witnesses->begin(), witnesses->end());
  }
  return all;
}

}  // namespace

WitnessChoice::WitnessChoice(const std::vector<DetectionRule>& rules)
    : common_sharers_(common_share * std::max(few_rules, static_cast<double>(rules.size()))) {
  for (const DetectionRule& rule : rules) {
    std::set<std::pair<Witness::Kind, FieldId>> uses;
    std::set<Witness> wanted;
    for (const Item& item : rule.items) {
      for (const auto& alternatives : item.values) {
        for (const Test& test : alternatives) {
          const auto witnesses = item.negated ? std::nullopt : witnesses_of(item.field, test);
          if (!witnesses) continue;
          uses.insert({witnesses->front().kind, item.field});
          wanted.insert(witnesses->begin(), witnesses->end());
        }
      }
    }
    for (const auto& use : uses) ++popularity_[use];
    for (const Witness& witness : wanted) ++sharers_[witness];
  }
}

// How likely an event has it, as far as the rules alone can tell.
double WitnessChoice::chance(const Witness& witness) const {
  if (witness.kind == Witness::Kind::presence || is_common(witness.text)) return 1;
  const auto found = sharers_.find(witness);
  const double shared = found == sharers_.end() ? 0 : (found->second - 1) / common_sharers_;
  const auto length = static_cast<double>(witness.text.size());
  const double alone = witness.kind == Witness::Kind::literal
                           ? (is_ascii(witness.text) ? 1 : other_script_chance) / (length * length)
                       : is_part(witness.kind) ? part_chance
                                               : exact_chance;
  return std::min(1.0, alone + shared);
}

// A field is looked at once for all of a rule's witnesses there.
double WitnessChoice::cost(const std::vector<Witness>& witnesses) const {
  double chances = 0;
  std::map<std::pair<Witness::Kind, FieldId>, double> looks;
  for (const Witness& witness : witnesses) {
    chances += chance(witness);
    if (witness.kind == Witness::Kind::presence) continue;
    const double cost = witness.kind == Witness::Kind::literal ? literal_field_cost : exact_field_cost;
    const auto users = popularity_.find({witness.kind, witness.field});
    looks[{witness.kind, witness.field}] = cost / (users == popularity_.end() ? 1 : users->second);
  }
  double total = woken_cost * std::min(1.0, chances);
  for (const auto& [use, cost] : looks) total += cost;
  return total;
}

std::optional<Witnesses> WitnessChoice::cheaper(std::optional<Witnesses> a, std::optional<Witnesses> b) const {
  if (!a || !b) return a ? std::move(a) : std::move(b);
  return cost(*b) < cost(*a) ? std::move(b) : std::move(a);
}

std::optional<Witnesses> WitnessChoice::of_item(const Item& item) const {
  if (item.negated) return std::nullopt;
  std::optional<Witnesses> chosen;
  for (const auto& alternatives : item.values) {
    auto witnesses = witnesses_of_any(item.field, alternatives);
    if (item.all) {
      chosen = cheaper(std::move(chosen), std::move(witnesses));
      continue;
    }
    if (!witnesses) return std::nullopt;
    if (!chosen) chosen.emplace();
    chosen->insert(chosen->end(), witnesses->begin(), witnesses->end());
  }
  return chosen;
}

std::optional<Witnesses> WitnessChoice::of_node(const DetectionRule& rule, std::uint32_t node) const {
  const Node& here = rule.nodes[node];
  if (here.kind == Node::Kind::item) return of_item(rule.items[here.item]);
  if (here.kind == Node::Kind::none_of) return std::nullopt;
  std::optional<Witnesses> chosen;
  for (const std::uint32_t child : here.children) {
    auto witnesses = of_node(rule, child);
    if (here.kind == Node::Kind::all_of) {
      chosen = cheaper(std::move(chosen), std::move(witnesses));
      continue;
    }
    if (!witnesses) return std::nullopt;
    if (!chosen) chosen.emplace();
    chosen->insert(chosen->end(), witnesses->begin(), witnesses->end());
  }
  return chosen;
}

std::optional<Witnesses> WitnessChoice::of(const DetectionRule& rule) const {
  auto chosen = of_node(rule, rule.root);
  if (!chosen) return std::nullopt;
  std::sort(chosen->begin(), chosen->end());
  chosen->erase(std::unique(chosen->begin(), chosen->end()), chosen->end());
  return chosen;
}

}  // namespace tapewatch

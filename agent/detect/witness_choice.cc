// SPDX-License-Identifier: Apache-2.0
#include "detect/witness_choice.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "detect/fold.h"

namespace tapewatch {
namespace {

// Costs are in units of one look-up by which an event is ruled out.
constexpr double exact_cost = 1;
constexpr double exact_field_cost = 10;   // shared by all rules that use the field so
constexpr double common_value_cost = 25;  // a value that most events have: it rules out little
constexpr double literal_cost = 4;
constexpr double literal_length_cost = 16;
constexpr double literal_field_cost = 40;
constexpr double presence_cost = 60;
constexpr double part_cost = 3;  // a beginning or an end: rules out less than the whole value
constexpr std::size_t literal_bytes_min = 2;
constexpr std::size_t part_bytes_max = 62;  // longer beginnings are looked for as literals

constexpr std::array<std::string_view, 14> common_values = {"info", "debug", "trace", "success", "ok",  "true", "false",
                                                            "get",  "post",  "buy",   "sell",    "200", "0",    "1"};

bool is_common(std::string_view text) {
  return std::find(common_values.begin(), common_values.end(), text) != common_values.end();
}

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

}  // namespace

WitnessChoice::WitnessChoice(const std::vector<DetectionRule>& rules) {
  for (const DetectionRule& rule : rules) {
    std::set<std::pair<Witness::Kind, FieldId>> uses;
    for (const Item& item : rule.items) {
      for (const auto& alternatives : item.values) {
        for (const Test& test : alternatives) {
          const auto witnesses = item.negated ? std::nullopt : witnesses_of(item.field, test);
          if (witnesses) uses.insert({witnesses->front().kind, item.field});
        }
      }
    }
    for (const auto& use : uses) ++popularity_[use];
  }
}

double WitnessChoice::cost(const Witness& witness) const {
  const auto found = popularity_.find({witness.kind, witness.field});
  const double sharers = found == popularity_.end() ? 1 : found->second;
  switch (witness.kind) {
    case Witness::Kind::exact:
    case Witness::Kind::number:
      return exact_cost + exact_field_cost / sharers + (is_common(witness.text) ? common_value_cost : 0);
    case Witness::Kind::prefix:
    case Witness::Kind::suffix:
      return part_cost + exact_field_cost / sharers;
    case Witness::Kind::literal:
      return literal_cost + literal_length_cost / static_cast<double>(std::min<std::size_t>(8, witness.text.size())) +
             literal_field_cost / sharers;
    case Witness::Kind::presence:
      return presence_cost;
  }
  return presence_cost;
}

std::optional<WitnessChoice::Candidate> WitnessChoice::of_alternatives(const Item& item,
                                                                       const std::vector<Test>& tests) const {
  Candidate all;
  for (const Test& test : tests) {
    auto witnesses = witnesses_of(item.field, test);
    if (!witnesses) return std::nullopt;
    for (Witness& witness : *witnesses) {
      all.cost += cost(witness);
      all.witnesses.push_back(std::move(witness));
    }
  }
  return all;
}

std::optional<WitnessChoice::Candidate> WitnessChoice::of_item(const Item& item) const {
  if (item.negated) return std::nullopt;
  std::optional<Candidate> chosen;
  for (const auto& alternatives : item.values) {
    auto candidate = of_alternatives(item, alternatives);
    if (!candidate) {
      if (item.all) continue;
      return std::nullopt;
    }
    if (!chosen) {
      chosen = std::move(candidate);
    } else if (item.all) {
      if (candidate->cost < chosen->cost) chosen = std::move(candidate);
    } else {
      chosen->cost += candidate->cost;
      chosen->witnesses.insert(chosen->witnesses.end(), candidate->witnesses.begin(), candidate->witnesses.end());
    }
  }
  return chosen;
}

std::optional<WitnessChoice::Candidate> WitnessChoice::of_node(const DetectionRule& rule, std::uint32_t node) const {
  const Node& here = rule.nodes[node];
  if (here.kind == Node::Kind::item) return of_item(rule.items[here.item]);
  if (here.kind == Node::Kind::none_of) return std::nullopt;
  std::optional<Candidate> chosen;
  for (const std::uint32_t child : here.children) {
    auto candidate = of_node(rule, child);
    if (here.kind == Node::Kind::all_of) {
      if (candidate && (!chosen || candidate->cost < chosen->cost)) chosen = std::move(candidate);
      continue;
    }
    if (!candidate) return std::nullopt;
    if (!chosen) chosen = Candidate();
    chosen->cost += candidate->cost;
    chosen->witnesses.insert(chosen->witnesses.end(), candidate->witnesses.begin(), candidate->witnesses.end());
  }
  return chosen;
}

std::optional<std::vector<Witness>> WitnessChoice::of(const DetectionRule& rule) const {
  auto chosen = of_node(rule, rule.root);
  if (!chosen) return std::nullopt;
  std::sort(chosen->witnesses.begin(), chosen->witnesses.end());
  chosen->witnesses.erase(std::unique(chosen->witnesses.begin(), chosen->witnesses.end()), chosen->witnesses.end());
  return std::move(chosen->witnesses);
}

}  // namespace tapewatch

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
constexpr std::size_t literal_bytes_min = 2;

constexpr std::array<std::string_view, 14> common_values = {"info", "debug", "trace", "success", "ok",  "true", "false",
                                                            "get",  "post",  "buy",   "sell",    "200", "0",    "1"};

bool is_common(std::string_view text) {
  return std::find(common_values.begin(), common_values.end(), text) != common_values.end();
}

// What must be seen for this test to hold; nullopt when absence satisfies it.
std::optional<Witness> witness_of(FieldId field, const Test& test) {
  Witness witness{Witness::Kind::presence, field, {}};
  switch (test.kind) {
    case TestKind::null:
      return std::nullopt;
    case TestKind::exists:
      return test.flag ? std::optional(witness) : std::nullopt;
    case TestKind::boolean:
      witness.kind = Witness::Kind::exact;
      witness.text = test.flag ? "true" : "false";
      return witness;
    case TestKind::number:
      if (test.part != TimePart::none) return witness;
      witness.kind = Witness::Kind::number;
      witness.text = test.number.canonical();
      return witness;
    case TestKind::text:
      break;
    default:
      return field == no_field ? std::nullopt : std::optional(witness);
  }
  if (field != no_field && test.pattern.shape() == Pattern::Shape::exact && !test.pattern.needle().empty()) {
    witness.kind = Witness::Kind::exact;
    witness.text = folded(test.pattern.needle());
    return witness;
  }
  const std::string literal = test.pattern.witness();
  if (literal.size() >= literal_bytes_min) {
    witness.kind = Witness::Kind::literal;
    witness.text = folded(literal);
    return witness;
  }
  return field == no_field ? std::nullopt : std::optional(witness);
}

}  // namespace

WitnessChoice::WitnessChoice(const std::vector<DetectionRule>& rules) {
  for (const DetectionRule& rule : rules) {
    std::set<std::pair<Witness::Kind, FieldId>> uses;
    for (const Item& item : rule.items) {
      for (const auto& alternatives : item.values) {
        for (const Test& test : alternatives) {
          const auto witness = item.negated ? std::nullopt : witness_of(item.field, test);
          if (witness) uses.insert({witness->kind, witness->field});
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
    auto witness = witness_of(item.field, test);
    if (!witness) return std::nullopt;
    all.cost += cost(*witness);
    all.witnesses.push_back(std::move(*witness));
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

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Chooses the witnesses of every rule. Which are cheapest depends on the other rules too: a field that many of them
// look at is looked up once for all. Used by WitnessIndex alone. Thread: any.

#include <map>
#include <optional>
#include <vector>

#include "detect/rule.h"
#include "detect/witness.h"

namespace tapewatch {

class WitnessChoice final {
 public:
  explicit WitnessChoice(const std::vector<DetectionRule>& rules);
  // The witnesses of a rule, one of which every matching event has. nullopt: no event can be ruled out.
  [[nodiscard]] std::optional<std::vector<Witness>> of(const DetectionRule& rule) const;

 private:
  struct Candidate {
    std::vector<Witness> witnesses;
    double cost = 0;
  };
  using Popularity = std::map<std::pair<Witness::Kind, FieldId>, std::uint32_t>;

  [[nodiscard]] std::optional<Candidate> of_node(const DetectionRule& rule, std::uint32_t node) const;
  [[nodiscard]] std::optional<Candidate> of_item(const Item& item) const;
  [[nodiscard]] std::optional<Candidate> of_alternatives(const Item& item, const std::vector<Test>& tests) const;
  [[nodiscard]] double cost(const Witness& witness) const;

  Popularity popularity_;  // how many rules could use the field so
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Chooses the witnesses of every rule. Which are cheapest depends on the other rules too: a field that many of them
// look at is looked up once for all, but a value that many of them want is one that most events have. Used by
// WitnessIndex alone. Thread: any.

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
  using Witnesses = std::vector<Witness>;
  using Popularity = std::map<std::pair<Witness::Kind, FieldId>, std::uint32_t>;
  using Sharers = std::map<Witness, std::uint32_t>;

  [[nodiscard]] std::optional<Witnesses> of_node(const DetectionRule& rule, std::uint32_t node) const;
  [[nodiscard]] std::optional<Witnesses> of_item(const Item& item) const;
  [[nodiscard]] std::optional<Witnesses> cheaper(std::optional<Witnesses> a, std::optional<Witnesses> b) const;
  [[nodiscard]] double cost(const Witnesses& witnesses) const;
  [[nodiscard]] double chance(const Witness& witness) const;

  const double common_sharers_;
  Popularity popularity_;  // how many rules could use the field so
  Sharers sharers_;        // how many rules could use this one witness
};

}  // namespace tapewatch

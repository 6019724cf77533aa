// SPDX-License-Identifier: Apache-2.0
#pragma once
// Anomalies, read as the correlations that they come down to: silence is few events, a threshold a measure, a ratio the
// mean of what is part and what is not. Used by RuleLoader alone. Thread: any.

#include <memory>
#include <optional>

#include "detect/rule.h"
#include "detect/rule_loader_faults.h"

namespace tapewatch {

struct Anomaly {
  YamlNode correlation;  // in the keys of a correlation, with the places of the anomaly's own
  std::optional<CorrelationType> type;
  std::uint64_t points_min = 0;
  std::uint64_t before_min = 0;
  std::int64_t before_ns = 0;
  std::int64_t offset_ns =
      0;  // spike: from the window's end to that of the time before; 0: that ends where the window begins
  std::uint32_t parts_from = 0;
  std::int64_t forget_ns = 0;
  std::shared_ptr<const ActiveHours> active;  // null: none stand in the anomaly
  std::optional<AdaptiveOptions> adaptive;
};

// nullopt when a fault was told.
[[nodiscard]] std::optional<Anomaly> read_anomaly(const YamlNode& anomaly, RuleFaults& faults);
// Makes the correlation that was read what the anomaly means.
void apply_anomaly(const Anomaly& anomaly, CorrelationRule& rule);

}  // namespace tapewatch

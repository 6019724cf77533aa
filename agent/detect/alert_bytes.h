// SPDX-License-Identifier: Apache-2.0
#pragma once
// AlertWriter, AlertReader: alerts in a saved state, one behind the other. What all alerts of a rule have in common is
// written once. Thread: any.

#include <string>
#include <unordered_map>
#include <vector>

#include "base/state_bytes.h"
#include "event/alert.h"

namespace tapewatch {

class AlertWriter final {
 public:
  // `out` outlives this; other things may be written between two alerts.
  explicit AlertWriter(StateWriter& out) : out_(out) {}
  void write(const Alert& alert);

 private:
  StateWriter& out_;
  std::unordered_map<std::string, std::uint64_t> heads_;  // as written, and which one it is
  std::string head_;
};

class AlertReader final {
 public:
  explicit AlertReader(StateReader& in) : in_(in) {}
  // Good for nothing when the reader has failed.
  [[nodiscard]] Alert read();

 private:
  [[nodiscard]] Alert read_head();
  StateReader& in_;
  std::vector<Alert> heads_;
};

}  // namespace tapewatch

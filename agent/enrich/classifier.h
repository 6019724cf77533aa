// SPDX-License-Identifier: Apache-2.0
#pragma once
// Classifier: recognises the security events of trading (login, logout, permission change, data export, trade
// execution, approval request and decision) by event.action in its usual spellings, and adds event.category, event.type
// and event.outcome as the Elastic Common Schema has them. What the line has already stays. Thread: worker.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enrich/ecs_fields.h"
#include "event/event.h"

namespace tapewatch {

class Classifier final {
 public:
  Classifier(const EcsFields& ecs, FieldTable& table);
  void classify(Event& event);

 private:
  enum class Outcome : std::uint8_t { none, success, failure };
  // What is known about one spelling of an action.
  struct Answer {
    std::string action;
    std::uint8_t kind = 0;
    Outcome outcome = Outcome::none;  // told by the action itself: "login-failed"
  };
  static Answer recognise(std::string_view action);
  [[nodiscard]] const Answer& answer_for(std::string_view action);
  [[nodiscard]] Outcome outcome_of(Event& event, const Answer& answer) const;

  const EcsFields ecs_;
  std::vector<FieldId> outcome_fields_;
  std::vector<FieldId> decision_fields_;
  std::array<Answer, 256> answers_;  // remembered, direct-mapped
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Matcher: which detection rules an event matches. Rules are woken by witnesses (witness.h), items that mean the same
// are one predicate, and a predicate is asked at most once per event. Owned by the Detector. Thread: worker.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "detect/event_values.h"
#include "detect/predicate.h"
#include "detect/rule.h"
#include "detect/witness.h"

namespace tapewatch {

class Matcher final {
 public:
  struct Counters {
    std::uint64_t woken = 0;           // rules evaluated
    std::uint64_t predicates = 0;      // asked
    std::uint64_t values_dropped = 0;  // of events with more values than are looked at
  };

  // `rules` outlives the matcher and does not change.
  explicit Matcher(const std::vector<DetectionRule>& rules);

  // Fills `matched` with the indexes of the rules that match, ascending.
  void match(Event& event, std::vector<std::uint32_t>& matched);
  // The values of the event of the last match().
  [[nodiscard]] EventValues& values() { return values_; }

  [[nodiscard]] Counters counters() const;
  [[nodiscard]] std::size_t predicates() const { return predicates_.size(); }
  [[nodiscard]] const WitnessIndex& witnesses() const { return witnesses_; }

 private:
  // A condition, or part of one: a predicate, or a step over further conditions.
  struct Condition {
    bool is_predicate = false;
    std::uint32_t index = 0;  // into predicates_, or into steps_
  };
  struct Step {
    Node::Kind kind = Node::Kind::all_of;
    std::uint32_t begin = 0;  // of its children in children_, the cheapest first
    std::uint32_t end = 0;
  };
  struct Compiled {
    Condition condition;
    int cost = 0;
  };

  Compiled compile(const DetectionRule& rule, std::uint32_t node, std::map<std::uint32_t, Compiled>& done);
  [[nodiscard]] std::uint32_t predicate_of(const Item& item);
  [[nodiscard]] bool condition_holds(Condition condition);
  [[nodiscard]] bool step_holds(const Step& step);
  [[nodiscard]] bool predicate_holds(std::uint32_t predicate);

  std::vector<Predicate> predicates_;
  std::map<std::string, std::uint32_t> predicate_of_key_;  // while compiling
  std::vector<Step> steps_;
  std::vector<Condition> children_;  // of all steps; those of one rule stand together
  std::vector<Condition> root_of_rule_;
  WitnessIndex witnesses_;

  EventValues values_;
  std::vector<std::uint64_t> answers_;  // per predicate: turn * 2 + answer
  std::uint64_t turn_ = 0;
  std::vector<std::uint32_t> woken_;
  Counters counters_;
};

}  // namespace tapewatch

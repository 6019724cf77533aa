// SPDX-License-Identifier: Apache-2.0
#include "detect/matcher.h"

#include <algorithm>

namespace tapewatch {
Matcher::Matcher(const std::vector<DetectionRule>& rules) : witnesses_(rules) {
  root_of_rule_.reserve(rules.size());
  for (const DetectionRule& rule : rules) {
    std::map<std::uint32_t, std::uint32_t> done;
    root_of_rule_.push_back(compile(rule, rule.root, done));
  }
  predicate_of_key_.clear();
  answers_.resize(predicates_.size());
}

std::uint32_t Matcher::predicate_of(const Item& item) {
  const auto [known, added] = predicate_of_key_.try_emplace(item.key, static_cast<std::uint32_t>(predicates_.size()));
  if (added) predicates_.emplace_back(item);
  return known->second;
}

std::uint32_t Matcher::compile(const DetectionRule& rule, std::uint32_t node,
                               std::map<std::uint32_t, std::uint32_t>& done) {
  if (const auto known = done.find(node); known != done.end()) return known->second;
  const Node& source = rule.nodes[node];
  Step step;
  step.kind = source.kind;
  if (source.kind == Node::Kind::item) {
    step.predicate = predicate_of(rule.items[source.item]);
    step.cost = predicates_[step.predicate].cost();
  }
  for (const std::uint32_t child : source.children) {
    step.children.push_back(compile(rule, child, done));
    step.cost += steps_[step.children.back()].cost;
  }
  std::stable_sort(step.children.begin(), step.children.end(),
                   [this](std::uint32_t a, std::uint32_t b) { return steps_[a].cost < steps_[b].cost; });
  steps_.push_back(std::move(step));
  const auto index = static_cast<std::uint32_t>(steps_.size() - 1);
  done.emplace(node, index);
  return index;
}

void Matcher::match(Event& event, std::vector<std::uint32_t>& matched) {
  matched.clear();
  ++turn_;
  values_.begin(event);
  witnesses_.wake(values_, woken_);
  counters_.woken += woken_.size();
  for (const std::uint32_t rule : woken_) {
    if (step_holds(root_of_rule_[rule])) matched.push_back(rule);
  }
  if (matched.size() > 1) std::sort(matched.begin(), matched.end());
}

bool Matcher::predicate_holds(std::uint32_t predicate) {
  std::uint64_t& answer = answers_[predicate];
  if (answer >> 1 != turn_) {
    ++counters_.predicates;
    answer = turn_ << 1 | (predicates_[predicate].holds(values_) ? 1 : 0);
  }
  return (answer & 1) != 0;
}

bool Matcher::step_holds(std::uint32_t index) {
  const Step& step = steps_[index];
  if (step.kind == Node::Kind::item) return predicate_holds(step.predicate);
  for (const std::uint32_t child : step.children) {
    const bool holds = step_holds(child);
    if (step.kind == Node::Kind::all_of && !holds) return false;
    if (step.kind == Node::Kind::any_of && holds) return true;
    if (step.kind == Node::Kind::none_of && holds) return false;
  }
  return step.kind != Node::Kind::any_of;
}

Matcher::Counters Matcher::counters() const {
  Counters counters = counters_;
  counters.values_dropped = values_.values_dropped();
  return counters;
}

}  // namespace tapewatch

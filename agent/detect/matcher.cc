// SPDX-License-Identifier: Apache-2.0
#include "detect/matcher.h"

#include <algorithm>
#include <span>

namespace tapewatch {
Matcher::Matcher(const std::vector<DetectionRule>& rules) : witnesses_(rules) {
  root_of_rule_.reserve(rules.size());
  for (const DetectionRule& rule : rules) {
    std::map<std::uint32_t, Compiled> done;
    root_of_rule_.push_back(compile(rule, rule.root, done).condition);
  }
  predicate_of_key_.clear();
  answers_.resize(predicates_.size());
}

std::uint32_t Matcher::predicate_of(const Item& item) {
  const auto [known, added] = predicate_of_key_.try_emplace(item.key, static_cast<std::uint32_t>(predicates_.size()));
  if (added) predicates_.emplace_back(item);
  return known->second;
}

Matcher::Compiled Matcher::compile(const DetectionRule& rule, std::uint32_t node,
                                   std::map<std::uint32_t, Compiled>& done) {
  if (const auto known = done.find(node); known != done.end()) return known->second;
  const Node& source = rule.nodes[node];
  Compiled compiled;
  if (source.kind == Node::Kind::item) {
    compiled.condition = {true, predicate_of(rule.items[source.item])};
    compiled.cost = predicates_[compiled.condition.index].cost();
  } else {
    std::vector<Compiled> children;
    for (const std::uint32_t child : source.children) {
      children.push_back(compile(rule, child, done));
      compiled.cost += children.back().cost;
    }
    std::stable_sort(children.begin(), children.end(),
                     [](const Compiled& a, const Compiled& b) { return a.cost < b.cost; });
    Step step;
    step.kind = source.kind;
    step.begin = static_cast<std::uint32_t>(children_.size());
    for (const Compiled& child : children) children_.push_back(child.condition);
    step.end = static_cast<std::uint32_t>(children_.size());
    compiled.condition = {false, static_cast<std::uint32_t>(steps_.size())};
    steps_.push_back(step);
  }
  done.emplace(node, compiled);
  return compiled;
}

void Matcher::match(Event& event, std::vector<std::uint32_t>& matched) {
  matched.clear();
  ++turn_;
  values_.begin(event);
  witnesses_.wake(values_, woken_);
  counters_.woken += woken_.size();
  for (const std::uint32_t rule : woken_) {
    if (condition_holds(root_of_rule_[rule])) matched.push_back(rule);
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

inline bool Matcher::condition_holds(Condition condition) {
  return condition.is_predicate ? predicate_holds(condition.index) : step_holds(steps_[condition.index]);
}

bool Matcher::step_holds(const Step& step) {
  const std::span children(children_.data() + step.begin, step.end - step.begin);
  const auto holds = [this](Condition child) { return condition_holds(child); };
  if (step.kind == Node::Kind::all_of) return std::all_of(children.begin(), children.end(), holds);
  const bool any = std::any_of(children.begin(), children.end(), holds);
  return any == (step.kind == Node::Kind::any_of);
}

Matcher::Counters Matcher::counters() const {
  Counters counters = counters_;
  counters.values_dropped = values_.values_dropped();
  return counters;
}

}  // namespace tapewatch

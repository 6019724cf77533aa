// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_flow.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tapewatch {
namespace {

using Expectation = FlowRule::Expectation;

constexpr std::int64_t timeout_default_ns = 3'600'000'000'000;
constexpr std::size_t sources_max = 100;
constexpr std::size_t key_fields_max = 16;
constexpr std::uint64_t count_max = 1'000'000;
constexpr std::array<std::string_view, 5> verbs = {"after", "before", "at_most", "at_least", "differ"};

bool is_step_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

class FlowReader final {
 public:
  FlowReader(const YamlNode& map, const std::vector<KnownRule>& known, FieldTable& fields, FlowRule& rule,
             RuleFaults& faults)
      : map_(map), known_(known), fields_(fields), rule_(rule), faults_(faults) {}

  bool read() {
    check_keys(map_, {"key", "steps", "expect", "timeout", "lateness", "aliases", "generate"}, "flow", faults_);
    misspelt_ = faults_.errors() > 0;
    read_steps();
    read_key();
    read_times();
    if (faults_.errors() == 0) read_expectations();
    return read_generate();
  }

 private:
  const YamlNode* need(const YamlNode& map, std::string_view key, std::string_view what) {
    const YamlNode* node = map.find(key);
    if (node == nullptr && !misspelt_)
      faults_.error(fault_number::missing_key, map, std::string(what) + " needs " + std::string(key));
    return node;
  }

  static std::vector<const YamlNode*> one_or_more(const YamlNode& node) {
    std::vector<const YamlNode*> nodes;
    if (!node.is_list()) nodes.push_back(&node);
    for (const YamlNode& item : node.items) nodes.push_back(&item);
    return nodes;
  }

  void read_steps() {
    const YamlNode* steps = need(map_, "steps", "a flow");
    if (steps == nullptr) return;
    if (!steps->is_map() || steps->members.empty()) {
      faults_.error(fault_number::wrong_type, *steps, "steps must be a map of names and rules",
                    "steps: {submitted: order_submitted, approved: approval_granted}");
      return;
    }
    if (steps->members.size() > FlowRule::steps_max) {
      faults_.error(fault_number::rule_limit, *steps, "more than " + std::to_string(FlowRule::steps_max) + " steps");
      return;
    }
    for (const auto& [name, rules] : steps->members) read_step(name, rules);
  }

  void read_step(const YamlNode& name, const YamlNode& rules) {
    if (!is_step_name(name.text)) {
      faults_.error(fault_number::bad_value, name, "\"" + name.text + "\" is no name for a step",
                    "letters, digits, _ and -");
    }
    FlowRule::Step& step = rule_.steps.emplace_back();
    step.name = name.text;
    sources_.emplace_back();
    const auto sources = one_or_more(rules);
    if (sources.empty() || sources.size() > sources_max || rules.is_map()) {
      faults_.error(fault_number::wrong_type, rules, "a step is a rule's id or name, or a list of them");
      return;
    }
    for (const YamlNode* source : sources) refer(*source, step);
  }

  void refer(const YamlNode& name, FlowRule::Step& step) {
    const auto rule = std::find_if(known_.begin(), known_.end(), [&](const KnownRule& k) {
      return !name.text.empty() && (k.id == name.text || k.name == name.text);
    });
    if (rule == known_.end()) {
      std::vector<std::string_view> names;
      for (const KnownRule& k : known_) {
        if (!k.correlation) names.emplace_back(k.name.empty() ? k.id : k.name);
      }
      faults_.error(fault_number::unknown_rule, name, "no rule has the id or name \"" + name.text + "\"",
                    RuleFaults::suggest(name.text, names));
    } else if (rule->correlation) {
      faults_.error(fault_number::unknown_rule, name, "\"" + name.text + "\" is a correlation",
                    "a step is an event that a detection matches");
    } else {
      step.sources.push_back({rule->index, {}});
      sources_.back().push_back(&*rule);
    }
  }

  void read_key() {
    const YamlNode* key = need(map_, "key", "a flow");
    if (key == nullptr) return;
    const auto names = one_or_more(*key);
    const bool texts = std::all_of(names.begin(), names.end(), [](const YamlNode* n) { return n->is_scalar(); });
    if (names.empty() || !texts || names.size() > key_fields_max) {
      faults_.error(fault_number::wrong_type, *key, "key must be a field, or a list of fields", "key: order.id");
      return;
    }
    check_aliases(names);
    for (const YamlNode* name : names) {
      rule_.key.push_back(name->text);
      for (std::size_t step = 0; step < rule_.steps.size(); ++step) add_key(*name, step);
    }
  }

  void check_aliases(const std::vector<const YamlNode*>& keys) {
    const YamlNode* aliases = map_.find("aliases");
    if (aliases == nullptr) return;
    if (!aliases->is_map()) {
      faults_.error(fault_number::wrong_type, *aliases, "aliases must be a map",
                    "aliases: {id: {submitted: order.id, approved: approval.order}}");
      return;
    }
    std::vector<std::string_view> names;
    for (const YamlNode* key : keys) names.emplace_back(key->text);
    for (const auto& [alias, fields] : aliases->members) {
      if (std::find(names.begin(), names.end(), alias.text) == names.end()) {
        faults_.error(fault_number::bad_alias, alias, "the alias \"" + alias.text + "\" is no part of the key",
                      RuleFaults::suggest(alias.text, names));
      }
      for (const auto& [step, field] : fields.members) (void)step_named(step, step.text);
    }
  }

  void add_key(const YamlNode& name, std::size_t step) {
    const YamlNode* aliases = map_.find("aliases");
    const YamlNode* alias = aliases != nullptr ? aliases->find(name.text) : nullptr;
    const YamlNode* field = alias != nullptr ? alias->find(rule_.steps[step].name) : &name;
    if (field == nullptr || !field->is_scalar()) {
      faults_.error(fault_number::bad_alias, *alias,
                    "alias \"" + name.text + "\" names no field for the step \"" + rule_.steps[step].name + "\"");
      return;
    }
    for (std::size_t i = 0; i < sources_[step].size(); ++i) {
      rule_.steps[step].sources[i].key.push_back(rule_field(RuleFields(fields_, sources_[step][i]->map), field->text));
    }
  }

  std::optional<std::int64_t> span(const YamlNode& node) {
    const auto found = node.is_scalar() ? parse_timespan(node.text) : std::nullopt;
    if (!found) {
      faults_.error(fault_number::bad_timespan, node, "bad timespan \"" + node.text + "\"",
                    "a number and a unit: ms s m h d w M y");
    }
    return found;
  }

  void read_times() {
    rule_.timeout_ns = timeout_default_ns;
    if (const YamlNode* timeout = map_.find("timeout"); timeout != nullptr) {
      timeout_ = timeout;
      rule_.timeout_ns = span(*timeout).value_or(INT64_MAX / 4);
    }
    const YamlNode* lateness = map_.find("lateness");
    if (lateness == nullptr) return;
    const bool none = lateness->text == "0s" || lateness->text == "0";
    rule_.lateness_ns = none ? 0 : span(*lateness).value_or(0);
  }

  std::optional<std::uint32_t> step_named(const YamlNode& node, std::string_view name) {
    const auto found = std::find_if(rule_.steps.begin(), rule_.steps.end(), [&](auto& s) { return s.name == name; });
    if (node.is_scalar() && found != rule_.steps.end()) return static_cast<std::uint32_t>(found - rule_.steps.begin());
    std::vector<std::string_view> names;
    for (const FlowRule::Step& step : rule_.steps) names.emplace_back(step.name);
    faults_.error(fault_number::unknown_step, node, "no step has the name \"" + std::string(name) + "\"",
                  RuleFaults::suggest(name, names));
    return std::nullopt;
  }

  void read_expectations() {
    const YamlNode* expect = need(map_, "expect", "a flow");
    if (expect == nullptr) return;
    if (!expect->is_list() || expect->items.empty()) {
      faults_.error(fault_number::wrong_type, *expect, "expect must be a list",
                    "expect: [{step: executed, after: approved}]");
      return;
    }
    if (expect->items.size() > FlowRule::expectations_max) {
      faults_.error(fault_number::rule_limit, *expect,
                    "more than " + std::to_string(FlowRule::expectations_max) + " expectations");
      return;
    }
    for (const YamlNode& node : expect->items) read_expectation(node);
  }

  void read_expectation(const YamlNode& node) {
    if (!node.is_map()) {
      faults_.error(fault_number::wrong_type, node, "an expectation must be a map",
                    "{step: executed, after: approved}");
      return;
    }
    const int errors = faults_.errors();
    check_keys(node, {"step", "within", "when", "after", "before", "at_most", "at_least", "differ"}, "an expectation",
               faults_);
    const YamlMember* verb = nullptr;
    for (const YamlMember& member : node.members) {
      if (std::find(verbs.begin(), verbs.end(), member.key.text) == verbs.end()) continue;
      if (verb != nullptr) {
        faults_.error(fault_number::bad_value, member.key,
                      "an expectation is either \"" + verb->key.text + "\" or \"" + member.key.text + "\"",
                      "write two of them");
        return;
      }
      verb = &member;
    }
    if (verb == nullptr) {
      if (faults_.errors() > errors) return;
      faults_.error(fault_number::missing_key, node,
                    "an expectation needs one of after before at_most at_least differ");
      return;
    }
    Expectation expectation;
    if (verb->key.text == "differ") {
      read_differ(node, verb->value, expectation);
    } else {
      read_step_expectation(node, *verb, expectation);
    }
    if (const YamlNode* when = node.find("when"); when != nullptr) {
      expectation.when = step_named(*when, when->text).value_or(0);
      expectation.text += " when " + when->text;
    }
    if (faults_.errors() > errors) return;
    const auto same = [&](const Expectation& other) { return other.text == expectation.text; };
    if (std::any_of(rule_.expectations.begin(), rule_.expectations.end(), same)) {
      faults_.error(fault_number::bad_value, node, "this is expected twice: " + expectation.text);
      return;
    }
    rule_.expectations.push_back(std::move(expectation));
  }

  void read_step_expectation(const YamlNode& node, const YamlMember& verb, Expectation& expectation) {
    const YamlNode* step = need(node, "step", "\"" + verb.key.text + "\"");
    if (step == nullptr) return;
    const auto found = step_named(*step, step->text);
    const YamlNode* within = node.find("within");
    if (within != nullptr) expectation.within_ns = span(*within).value_or(0);
    if (expectation.within_ns > rule_.timeout_ns && timeout_ != nullptr) {
      faults_.error(fault_number::bad_timespan, *within,
                    "within " + within->text + " is longer than the timeout of the flow, " + timeout_->text,
                    "by then the flow is forgotten");
    }
    if (timeout_ == nullptr) rule_.timeout_ns = std::max(rule_.timeout_ns, expectation.within_ns);
    expectation.step = expectation.about = found.value_or(0);
    const std::string limit = within != nullptr ? " within " + within->text : "";
    if (verb.key.text == "after" || verb.key.text == "before") {
      read_order(verb, step->text, limit, expectation);
    } else {
      read_count(verb, within, step->text, limit, expectation);
    }
  }

  // `approved before executed` is asked of executed, as `executed after approved` is, but it is about approved.
  void read_order(const YamlMember& verb, const std::string& step, const std::string& limit, Expectation& expectation) {
    const auto other = step_named(verb.value, verb.value.text);
    if (!other) return;
    if (*other == expectation.step) {
      faults_.error(fault_number::bad_value, verb.value, "a step cannot come " + verb.key.text + " itself");
      return;
    }
    const std::string& name = verb.value.text;
    expectation.other = *other;
    expectation.text = step + " " + verb.key.text + " " + name + limit;
    if (verb.key.text == "before") {
      std::swap(expectation.step, expectation.other);
      expectation.kind = Expectation::Kind::preceded;
      expectation.finding = name + " came without " + step + " before it" + limit;
    } else if (limit.empty()) {
      expectation.kind = Expectation::Kind::preceded;
      expectation.finding = step + " came without " + name + " before it";
    } else {
      expectation.kind = Expectation::Kind::followed;
      expectation.finding = step + " did not come" + limit + " of " + name;
    }
  }

  void read_count(const YamlMember& verb, const YamlNode* within, const std::string& step, const std::string& limit,
                  Expectation& expectation) {
    const bool most = verb.key.text == "at_most";
    const std::string& text = verb.value.text;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), expectation.count);
    const std::uint64_t least = most ? 0 : 1;
    if (!verb.value.is_scalar() || error != std::errc() || stop != text.data() + text.size() ||
        expectation.count < least || expectation.count > count_max) {
      faults_.error(fault_number::bad_value, verb.value,
                    verb.key.text + " must be " + std::to_string(least) + " to " + std::to_string(count_max));
    }
    if (most && within != nullptr) {
      faults_.error(fault_number::bad_value, *within, "within says nothing about at_most",
                    "it goes with after, before and at_least");
    }
    expectation.kind = most ? Expectation::Kind::at_most : Expectation::Kind::at_least;
    expectation.text = step + (most ? " at most " : " at least ") + text + limit;
    expectation.finding =
        step + " came " + (most ? "more" : "less") + " than " + text + (text == "1" ? " time" : " times") + limit;
  }

  void read_differ(const YamlNode& node, const YamlNode& list, Expectation& expectation) {
    for (const std::string_view key : {"step", "within"}) {
      if (const YamlMember* member = node.member(key); member != nullptr) {
        faults_.error(fault_number::bad_value, member->key, "differ takes no " + std::string(key));
      }
    }
    if (!list.is_list() || list.items.size() < 2 || list.items.size() > key_fields_max) {
      faults_.error(fault_number::wrong_type, list, "differ must be a list of two fields or more",
                    "differ: [submitted.user.id, approved.user.id]");
      return;
    }
    expectation.kind = Expectation::Kind::differ;
    for (const YamlNode& name : list.items) {
      if (const auto value = value_of(name)) expectation.values.push_back(*value);
      const bool last = &name == &list.items.back();
      expectation.text += (expectation.text.empty() ? "" : last ? " and " : ", ") + name.text;
    }
    expectation.finding = expectation.text + " are the same";
    expectation.text += " differ";
    if (!expectation.values.empty()) expectation.about = rule_.values[expectation.values.back()].step;
  }

  // "approved.user.id"
  std::optional<std::uint32_t> value_of(const YamlNode& name) {
    const std::size_t dot = name.text.find('.');
    if (!name.is_scalar() || dot == std::string::npos || dot + 1 == name.text.size()) {
      faults_.error(fault_number::bad_value, name, "\"" + name.text + "\" is not a step and a field",
                    "like approved.user.id");
      return std::nullopt;
    }
    const auto step = step_named(name, name.text.substr(0, dot));
    if (!step) return std::nullopt;
    const auto known =
        std::find_if(rule_.values.begin(), rule_.values.end(), [&](auto& v) { return v.name == name.text; });
    if (known != rule_.values.end()) return static_cast<std::uint32_t>(known - rule_.values.begin());
    FlowRule::Value value{*step, name.text, {}};
    for (const KnownRule* source : sources_[*step])
      value.fields.push_back(rule_field(RuleFields(fields_, source->map), name.text.substr(dot + 1)));
    rule_.values.push_back(std::move(value));
    return static_cast<std::uint32_t>(rule_.values.size() - 1);
  }

  bool read_generate() {
    const YamlNode* generate = map_.find("generate");
    if (generate == nullptr) return false;
    if (generate->text != "true" && generate->text != "false") {
      faults_.error(fault_number::wrong_type, *generate, "generate must be true or false");
    }
    return generate->text == "true";
  }

  const YamlNode& map_;
  const std::vector<KnownRule>& known_;
  FieldTable& fields_;
  FlowRule& rule_;
  RuleFaults& faults_;
  std::vector<std::vector<const KnownRule*>> sources_;  // in step with rule_.steps
  const YamlNode* timeout_ = nullptr;
  bool misspelt_ = false;  // a key of the flow: what is missing may stand under it
};

}  // namespace

bool read_flow(const YamlNode& flow, const std::vector<KnownRule>& known, FieldTable& fields, FlowRule& rule,
               RuleFaults& faults) {
  if (!flow.is_map()) {
    faults.error(fault_number::wrong_type, flow, "flow must be a map");
    return false;
  }
  return FlowReader(flow, known, fields, rule, faults).read();
}

}  // namespace tapewatch

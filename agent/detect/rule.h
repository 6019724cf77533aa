// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rules as loaded: what a document says, checked and with its field names turned into slots, but not yet arranged
// for speed (matcher.h does that). Made by RuleLoader, owned by whoever runs them, immutable. Thread: worker.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/regex.h"
#include "detect/active_hours.h"
#include "detect/annotation.h"
#include "detect/cidr.h"
#include "detect/decimal.h"
#include "detect/pattern.h"
#include "detect/surprise.h"
#include "event/field_table.h"

namespace tapewatch {

enum class TestKind : std::uint8_t { text, number, boolean, null, regex, cidr, compare, exists, field_ref };
enum class Comparison : std::uint8_t { less, less_or_equal, greater, greater_or_equal };
enum class TimePart : std::uint8_t { none, minute, hour, day, week, month, year };
enum class TextRelation : std::uint8_t { equals, contains, starts_with, ends_with };

// One value of a rule, after its modifiers.
struct Test {
  TestKind kind = TestKind::text;
  TimePart part = TimePart::none;  // number, compare: of the time that the field holds
  bool flag = false;               // boolean, exists
  bool cased = false;              // field_ref (a pattern knows by itself)
  Comparison comparison = Comparison::less;
  TextRelation relation = TextRelation::equals;  // field_ref
  FieldId other = no_field;                      // field_ref
  Pattern pattern;                               // text
  Decimal number;                                // number, compare
  Cidr cidr;
  std::unique_ptr<const Regex> regex;
  std::vector<std::string> regex_literals;  // one of them is in every text that matches; empty: unknown
  std::string key;                          // equal for tests that mean the same
};

// `field|modifiers: values`. A value that expands to several (base64offset) is a list of alternatives.
struct Item {
  FieldId field = no_field;  // no_field: keywords, looked for in every scalar value of the event
  std::vector<std::vector<Test>> values;
  bool all = false;      // every value must be met, not any
  bool negated = false;  // neq
  std::string key;       // equal for items that mean the same
};

// A condition is a graph of nodes without cycles; a search identifier that is named twice is one node.
struct Node {
  enum class Kind : std::uint8_t { item, all_of, any_of, none_of };
  Kind kind = Kind::item;
  std::uint32_t item = 0;
  std::vector<std::uint32_t> children;
};

// What `tapewatch:` says.
struct AlertOptions {
  std::int64_t realert_ns = 0;       // the least time between two alerts of one group; 0: no limit
  std::int64_t realert_max_ns = 0;   // that time doubles up to this while it goes on; 0: it stays
  std::int64_t for_ns = 0;           // the condition must hold so long
  std::int64_t keep_firing_ns = -1;  // the alert outlasts its condition so long; -1: as its kind of rule has it
  std::uint64_t samples_min = 0;     // with fewer events in its window a condition does not hold
  std::shared_ptr<const ActiveHours> active;  // null: always
  std::vector<AnnotationTemplate> annotations;
  std::uint32_t evidence = 5;  // how many documents an alert carries at most
  std::string runbook;
  std::vector<std::pair<std::string, std::string>> labels;
};

// What every kind of rule has.
struct RuleHead {
  std::string id;    // the name or the title when the document has no id
  std::string name;  // may be empty
  std::string title;
  std::string description;
  std::string level = "medium";
  std::vector<std::string> tags;
  AlertOptions alert;
  Hash128 form;  // what it does (rule_form.h): the same for rules whose kept state is the same
  std::string file;
  int line = 0;
  bool silent = false;     // alerts only through the correlations that refer to it
  bool generated = false;  // one of those lets it alert all the same
};

struct DetectionRule {
  RuleHead head;
  bool applies = true;  // false: nothing maps its log source, so no event ever matches
  std::vector<Item> items;
  std::vector<Node> nodes;
  std::uint32_t root = 0;
};

enum class CorrelationType : std::uint8_t {
  event_count,
  value_count,
  temporal,
  temporal_ordered,
  value_sum,
  value_avg,
  value_percentile,
  value_median,
  // Of anomalies.
  ratio,      // the share of the events that match one of the last rules
  spike,      // the rate of the window against the rate of the time before it
  new_value,  // a group is seen for the first time
  change      // a group's value is another than the last
};

// A signal over steps of the timespan, each step judged by those before it: what the rule's type measures is the
// signal.
struct AdaptiveOptions {
  SurpriseOptions surprise;
  std::int64_t warm_up_ns = 0;  // of a group: no alert before
  bool per_second = false;      // a rate
};

struct CorrelationRule {
  // What a correlation listens to.
  struct Source {
    bool correlation = false;
    std::uint32_t index = 0;  // into RuleSet::detections, or into RuleSet::correlations: one further ahead
  };
  // Aliases give a name different fields in different rules. Of a correlation it is the place in that one's group_by.
  struct GroupField {
    std::string name;
    std::vector<FieldId> fields;  // in step with `rules`
  };
  struct Bound {
    enum class Kind : std::uint8_t { equal, not_equal, less, less_or_equal, greater, greater_or_equal };
    Kind kind = Kind::greater_or_equal;
    double value = 0;
  };
  RuleHead head;
  CorrelationType type = CorrelationType::event_count;
  std::vector<Source> rules;
  std::vector<GroupField> group_by;
  std::vector<GroupField> value_fields;  // value_count: a tuple of these is what is counted; else one number
  std::int64_t timespan_ns = 0;
  std::vector<Bound> bounds;  // all must hold
  double percentile = 50;
  std::uint64_t points_min = 0;  // with fewer events there is nothing to measure
  std::uint64_t before_min = 0;  // spike: the same, of the time before
  std::int64_t before_ns = 0;    // spike: how much of the timespan that time is, from its beginning
  std::int64_t recent_ns = 0;    // spike: how much the window itself is, to its end
  std::uint32_t parts_from = 0;  // the rules from this position on are the part, those before it the whole; 0: none are
  std::int64_t forget_ns = 0;    // a group that is silent so long is no group any more; 0: never
  // temporal with an expression: the items are positions in `rules`. Empty: no expression.
  std::vector<Node> nodes;
  std::uint32_t root = 0;
  std::optional<AdaptiveOptions> adaptive;
  bool waits = false;  // the expression has a `not`: it is answered when the time for it has passed

  [[nodiscard]] bool holds(double measure) const;
  [[nodiscard]] bool takes_number() const {
    return type >= CorrelationType::value_sum && type <= CorrelationType::value_median;
  }
  // It is about a share of the events: always a ratio, and a spike if it is one of shares.
  [[nodiscard]] bool has_parts() const { return parts_from > 0; }
  // What it measures is a number, not a count of something.
  [[nodiscard]] bool measures() const {
    return (type >= CorrelationType::value_sum && type <= CorrelationType::spike) || adaptive;
  }
  // Its condition can hold for some time, so that an alert of it has an end of its own.
  [[nodiscard]] bool lasts() const {
    return !waits && type != CorrelationType::new_value && type != CorrelationType::change;
  }
  [[nodiscard]] bool is_temporal() const {
    return type == CorrelationType::temporal || type == CorrelationType::temporal_ordered;
  }
};

// What is expected of the steps of one thing, as of an order: their order, their times, how often they come.
struct FlowRule {
  struct Source {
    std::uint32_t rule = 0;    // into RuleSet::detections
    std::vector<FieldId> key;  // the fields that say which flow an event belongs to
  };
  struct Step {
    std::string name;
    std::vector<Source> sources;  // an event of any of them
  };
  // A value that a step's events carry, and expectations compare.
  struct Value {
    std::uint32_t step = 0;
    std::string name;             // "approved.user.id"
    std::vector<FieldId> fields;  // in step with the step's sources
  };
  static constexpr std::uint32_t no_step = UINT32_MAX;
  struct Expectation {
    enum class Kind : std::uint8_t {
      preceded,  // before each `step` there was an `other`, not longer ago than within_ns if that is set
      followed,  // after the first `other` a `step` comes within within_ns
      at_most,
      at_least,  // within within_ns of the first event, if that is set, else by the end of the flow
      differ     // of `values`, which all are of different events or fields, no two are the same
    };
    Kind kind = Kind::preceded;
    std::uint32_t step = 0;
    std::uint32_t other = 0;
    std::uint32_t about = 0;       // the step that alerts name
    std::uint32_t when = no_step;  // only of flows that have seen this one
    std::int64_t within_ns = 0;    // 0: no limit
    std::uint64_t count = 0;
    std::vector<std::uint32_t> values;
    std::string text;     // "executed after approved"
    std::string finding;  // what is told when it is not so
  };
  static constexpr std::size_t steps_max = 32;
  static constexpr std::size_t expectations_max = 64;  // one bit each
  RuleHead head;
  std::vector<std::string> key;  // names, as alerts show them
  std::vector<Step> steps;
  std::vector<Value> values;
  std::vector<Expectation> expectations;
  std::int64_t timeout_ns = 0;    // a flow ends when nothing of it came for so long
  std::int64_t lateness_ns = -1;  // less than that of all rules, to be told sooner; -1: the same
};

struct RuleSet {
  std::vector<DetectionRule> detections;
  std::vector<CorrelationRule> correlations;
  std::vector<FlowRule> flows;
  std::size_t filters = 0;   // applied to the detections
  std::size_t rejected = 0;  // documents with errors
  std::size_t unmapped = 0;  // loaded, but their log source is mapped by nothing
  [[nodiscard]] std::size_t size() const { return detections.size() + correlations.size() + flows.size(); }
  // Of the detections, then the correlations, then the flows.
  [[nodiscard]] const RuleHead& head_of(std::size_t rule) const {
    if (rule < detections.size()) return detections[rule].head;
    rule -= detections.size();
    return rule < correlations.size() ? correlations[rule].head : flows[rule - correlations.size()].head;
  }
};

}  // namespace tapewatch

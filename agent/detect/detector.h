// SPDX-License-Identifier: Apache-2.0
#pragma once
// Detector: the rules at work on a stream. Every event is shown once, after enrichment and masking; alerts come out.
// Time is event time only: the same events give the same alerts, live and in a backtest. What an alert shows of an
// event (evidence, group values) is taken from its masked document. Owned by the pipeline. Thread: worker.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/alert_course.h"
#include "detect/annotation.h"
#include "detect/firing_alerts.h"
#include "detect/flow.h"
#include "detect/matcher.h"
#include "detect/rule.h"
#include "detect/window.h"
#include "event/alert.h"
#include "event/event.h"
#include "metrics/series.h"
#include "tapewatch/result.h"

namespace tapewatch {

class Detector final {
 public:
  struct Options {
    Window::Options window;
    Flows::Options flows;                           // lateness_ns is that of `window`
    bool tell_ends = false;                         // alerts that are over are told too
    std::size_t firing_max = 10'000;                // alerts whose end is awaited; beyond it the oldest ends early
    std::int64_t keep_firing_ns = 300'000'000'000;  // of an alert about a single event, unless its rule says else
  };
  struct Counters {
    std::uint64_t events = 0;
    std::uint64_t evaluations = 0;  // rules that an event woke
    std::uint64_t matches = 0;      // of detection rules
    std::uint64_t alerts = 0;
    std::uint64_t alerts_suppressed = 0;  // by realert
    std::uint64_t alerts_inactive = 0;    // of single events, outside the hours of their rule
    std::uint64_t alerts_ended = 0;
    std::uint64_t alerts_ended_early = 0;    // too many were firing
    std::uint64_t firing = 0;                // now
    std::uint64_t events_without_group = 0;  // not counted by a correlation: a group field is absent
    std::uint64_t events_without_value = 0;  // the same, of the field that is counted or measured
    std::uint64_t groups_evicted = 0;
    std::uint64_t points_dropped = 0;
    std::uint64_t late_events = 0;
    std::uint64_t evidence_dropped = 0;
    std::uint64_t values_dropped = 0;
    std::uint64_t groups = 0;  // held now
    std::uint64_t flows_evicted = 0;
    std::uint64_t flows = 0;  // held now
  };

  Detector(RuleSet rules, Options options);
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  // Appends what this event makes due to `out`. `document`: the event as it leaves memory, masked; empty: the alerts
  // carry no evidence and show group values as they stand in the line.
  void see(Event& event, std::string_view document, std::vector<Alert>& out);
  // The clock: nothing earlier than `now_ns` (event time) is to come: events may be lateness_ns() late. Call about once
  // a second when input is silent.
  void advance(std::int64_t now_ns, std::vector<Alert>& out);

  [[nodiscard]] std::int64_t lateness_ns() const { return lateness_ns_; }

  [[nodiscard]] Counters counters() const;
  // In step with rules().detections, then rules().correlations, then rules().flows.
  [[nodiscard]] const std::vector<std::uint64_t>& alerts_by_rule() const { return alerts_by_rule_; }
  // The same, of the events that a rule matched, or that a correlation counted. Thread: any.
  [[nodiscard]] std::uint64_t matches_of(std::size_t rule) const { return matches_by_rule_[rule].value(); }
  [[nodiscard]] const RuleSet& rules() const { return rules_; }
  // Alerts whose end is awaited, in the order in which they were told.
  [[nodiscard]] std::vector<const Alert*> firing() const { return firing_.all(); }

  struct Saved {
    std::size_t rules_left_out = 0;  // there was no room: they would start anew
  };
  enum class Counts : std::uint8_t { go_on, begin_anew };
  struct Restored {
    std::size_t rules = 0;              // that go on
    std::vector<std::string> left_out;  // ids of those that are gone, were changed, or were not saved
  };
  // Appends what the rules remember, as between two events: in the values of events as they came, not masked. Rules
  // whose part would not fit into `bytes_max` are left out.
  Saved save(std::string& bytes, std::size_t bytes_max = SIZE_MAX);
  // What save() wrote, whatever the rules were then: those of the same id and form go on where they were, all others
  // start anew, and alerts of rules that did not go on end. Code::corrupt, or Code::unsupported for another version:
  // then nothing is changed. Any bytes are safe to pass. REQUIRES: nothing was seen yet.
  [[nodiscard]] Result<Restored> load(std::string_view bytes, Counts counts = Counts::go_on);

 private:
  // Where a detection rule's matches, or a correlation's findings, go on to.
  struct Referrer {
    std::uint32_t correlation = 0;
    std::uint32_t position = 0;  // of the rule in the correlation's list
  };
  // A step of a flow that a detection rule's match is.
  struct FlowStep {
    std::uint32_t flow = 0;
    std::uint32_t step = 0;
    std::uint32_t source = 0;  // which one of the step's
  };
  struct Flow {
    std::unique_ptr<Flows> flows;
    std::uint64_t turn = 0;  // the last event that was a step of it
  };
  struct Loading;
  struct Correlation {
    const CorrelationRule* rule = nullptr;
    std::unique_ptr<Window> window;
    std::uint64_t turn = 0;  // the last event counted: one that matches several of its rules counts once
  };

  void alert_of_detection(std::uint32_t index, Event& event, std::string_view document, std::vector<Alert>& out);
  void feed(const Referrer& referrer, Event& event, std::string_view document, std::vector<Alert>& out);
  void feed_ordered(Event& event, std::string_view document, std::vector<Alert>& out);
  void feed_chains(std::uint32_t correlation, const std::string& key, const Window::Group& group,
                   const Window::Firing& firing, std::vector<Alert>& out);
  void tell_window(std::uint32_t correlation, const std::string& key, Window::Group& group,
                   const Window::Firing& firing, Event* event, std::string_view document, std::vector<Alert>& out);
  void pass(std::uint32_t correlation, Window::Group& group, std::int64_t time_ns, std::vector<Alert>& out);
  void tell_ends(std::uint32_t correlation, std::vector<Alert>& out);
  void feed_flow(const FlowStep& step, Event& event, std::string_view document);
  [[nodiscard]] std::vector<Flows::Value> flow_values(const FlowRule& rule, const FlowStep& step);
  void tell_flow(std::uint32_t flow, const Flows::Finding& finding, std::vector<Alert>& out);
  void advance_flows(std::int64_t now_ns, std::vector<Alert>& out);
  void tell(const RuleHead& head, std::size_t rule, bool lasts, Alert alert, std::vector<Alert>& out);
  [[nodiscard]] bool group_key(const CorrelationRule& rule, std::uint32_t position);
  [[nodiscard]] bool value_of(const CorrelationRule& rule, std::uint32_t position, std::uint64_t& value);
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> shown_group(const CorrelationRule& rule,
                                                                             std::uint32_t position, Event& event,
                                                                             std::string_view document);
  [[nodiscard]] std::string shown_value(FieldId field, Event& event, std::string_view document);
  void save_rule(std::size_t rule, StateWriter& out);
  void load_rule(std::size_t rule, StateReader& in, Loading& loading) const;
  void take_over(Loading& loading, Counts counts);
  void add_before(Counters& counters) const;

  const RuleSet rules_;
  const Window::Options window_options_;
  const Flows::Options flow_options_;
  Matcher matcher_;
  std::vector<std::vector<Referrer>> referrers_;  // per detection rule
  std::vector<std::vector<Referrer>> chains_;     // per correlation
  std::vector<Referrer> ordered_;                 // of this event: of several steps that it is, the last goes first
  std::vector<Correlation> correlations_;
  std::vector<std::vector<FlowStep>> flow_steps_;  // per detection rule
  std::vector<Flow> flows_;
  std::vector<AlertCourse> courses_;  // per detection rule
  FiringAlerts firing_;
  AnnotationWriter annotations_;
  const std::int64_t keep_firing_ns_;
  std::vector<std::uint64_t> alerts_by_rule_;
  std::vector<Counter> matches_by_rule_;
  const std::int64_t lateness_ns_;
  std::int64_t next_look_ns_ = 0;
  std::vector<std::uint32_t> matched_;
  std::string key_;
  std::uint64_t turn_ = 0;
  Counters counters_;
  Counters before_;  // what is added: what earlier lives counted, less what the parts that go on count of it
};

}  // namespace tapewatch

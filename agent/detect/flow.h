// SPDX-License-Identifier: Apache-2.0
#pragma once
// Flows: one flow rule at work. Keeps, per key, which steps were seen and when, and tells every expectation that is not
// met, once a flow. A flow begins with its first step and ends when nothing of it came for its timeout.
//
// Events are judged in the order of their times, once nothing earlier can come any more: they wait for the lateness,
// that of all rules or the flow's own. An event at the last moment that an expectation allows is in time; of events of
// one moment any may be the first. Later events are left out and counted.
//
// Memory is bounded: flows beyond flows_max push out the one that was quiet for longest, events beyond events_max that
// wait in one flow are left out, values beyond values_max are not compared; all are counted. Documents kept as evidence
// stand in one ring for all flows. Owned by the Detector. Thread: worker.

#include <cstdint>
#include <deque>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/state_bytes.h"
#include "detect/alert_course.h"
#include "detect/rule.h"

namespace tapewatch {

class Flows final {
 public:
  struct Options {
    std::size_t flows_max = 50'000;     // of one rule
    std::size_t events_max = 1'000;     // of one flow, that wait to be judged
    std::size_t values_max = 64;        // of one flow, that are compared
    std::size_t event_values_max = 16;  // of one field of an event
    std::int64_t lateness_ns = 30'000'000'000;
    std::size_t evidence_bytes_max = 4 * 1024 * 1024;     // of one rule
    std::size_t evidence_document_bytes_max = 16 * 1024;  // a longer document is no evidence
  };
  struct Counters {
    std::uint64_t flows_evicted = 0;
    std::uint64_t events_dropped = 0;  // too many waited, or too many values
    std::uint64_t late_events = 0;
    std::uint64_t evidence_dropped = 0;
    std::uint64_t alerts_held_back = 0;  // by realert
    std::uint64_t alerts_inactive = 0;   // outside the hours of the rule
  };
  // A value of a field, as it is compared: which one of the rule's, and a hash of its folded text.
  struct Value {
    std::uint32_t value = 0;
    std::uint64_t hash = 0;
  };
  using Shown = std::vector<std::pair<std::string, std::string>>;
  // An expectation is not met.
  struct Finding {
    const FlowRule::Expectation& expectation;
    const std::string& key;
    const Shown& shown;
    std::int64_t time_ns = 0;           // the moment from which on it was not
    std::int64_t started_ns = 0;        // of the flow
    std::uint64_t count = 0;            // events seen of the flow
    std::vector<std::string> evidence;  // the documents seen: the first ones and the newest
  };

  // `rule` outlives this.
  Flows(const FlowRule& rule, Options options);

  // The key as alerts show it, to be filled in when it is empty. Makes the flow when it is missing.
  [[nodiscard]] Shown& shown(const std::string& key);
  // An event is that step of the flow of the key, which shown() was called for. `again`: it is another step than the
  // last time, but the same event.
  void add(const std::string& key, std::int64_t time_ns, std::uint32_t step, std::vector<Value> values,
           std::string_view document, bool again);
  // Nothing earlier than `now_ns` is to come, of events that are as late as any may be. Calls `tell(finding)` in the
  // order of the findings' times.
  template <typename Tell>
  void advance(std::int64_t now_ns, const Tell& tell) {
    now_ns += options_.lateness_ns - lateness_ns_;
    passed_ns_ = std::max(passed_ns_, now_ns);
    while (!due_.empty() && due_.begin()->time_ns < now_ns) {
      for (const Found& found : judge(*due_.begin()->entry)) tell(finding_of(found));
      settle();
    }
  }

  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // All of it, as between two events; the keys stand in there as they are.
  void save(StateWriter& out) const;
  // What save() wrote, for the same rule under the same options. REQUIRES: nothing was added yet. When `in` has failed
  // afterwards this is good for nothing.
  void load(StateReader& in);

 private:
  struct Waiting {
    std::int64_t time_ns = 0;
    std::uint32_t step = 0;
    std::uint64_t document = 0;  // its number; no_document: none
    std::vector<Value> values;
  };
  struct StepSeen {
    std::uint64_t count = 0;
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
  };
  struct Flow;
  using Entry = std::pair<const std::string, Flow>;
  struct Flow {
    std::vector<Waiting> waiting;  // ascending in time; not judged
    // What was judged, while it is open.
    bool open = false;
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
    std::uint64_t events = 0;
    std::uint64_t met = 0;   // bits: expectations of kind followed that are
    std::uint64_t told = 0;  // bits: expectations that are not met, and were told
    std::vector<StepSeen> steps;
    std::vector<Value> values;
    std::vector<std::uint64_t> evidence;  // numbers of documents, oldest first

    std::vector<std::pair<std::uint32_t, AlertCourse>> courses;  // of expectations, while realert holds them back
    Shown shown;
    std::int64_t due_ns = INT64_MAX;  // when to look at it; INT64_MAX: it is not in due_
    std::list<Entry*>::iterator place;
  };
  struct Due {
    std::int64_t time_ns = 0;
    Entry* entry = nullptr;
    bool operator<(const Due& other) const {
      return time_ns != other.time_ns ? time_ns < other.time_ns : entry->first < other.entry->first;
    }
  };
  struct Found {
    std::uint32_t expectation = 0;
    std::int64_t time_ns = 0;
    std::int64_t started_ns = 0;
    std::uint64_t count = 0;
    std::vector<std::string> evidence;
  };
  struct Document {
    std::string text;
    std::size_t bytes = 0;  // that it counts for, also when the text is not kept
  };
  static constexpr std::uint64_t no_document = UINT64_MAX;

  // What its next moment brings; it stays the current entry until settle().
  [[nodiscard]] std::vector<Found> judge(Entry& entry);
  // Puts the current entry where it is due next, or lets it go.
  void settle();
  [[nodiscard]] Finding finding_of(const Found& found) const;
  [[nodiscard]] std::int64_t next_due(const Flow& flow) const;
  [[nodiscard]] std::int64_t deadline_of(const Flow& flow, std::uint32_t expectation) const;
  void set_due(Entry& entry, std::int64_t due_ns);
  void apply(Flow& flow, std::int64_t time_ns, std::vector<Found>& found);
  void enter(Flow& flow, const Waiting& event, std::vector<Found>& found);
  void compare(Flow& flow, const Value& value, std::size_t earlier, std::int64_t time_ns, std::vector<Found>& found);
  void expire(Flow& flow, std::int64_t time_ns, std::vector<Found>& found);
  void violated(Flow& flow, std::uint32_t expectation, std::int64_t time_ns, std::vector<Found>& found);
  [[nodiscard]] bool held_back(Flow& flow, std::uint32_t expectation, std::int64_t time_ns);
  [[nodiscard]] std::uint64_t keep(std::string_view document);
  [[nodiscard]] std::vector<std::string> evidence_of(const Flow& flow);
  void erase(Entry& entry);
  void save_documents(StateWriter& out) const;
  void save_flow(StateWriter& out, const Entry& entry) const;
  void load_documents(StateReader& in);
  void load_flow(StateReader& in, Flow& flow) const;
  void load_waiting(StateReader& in, Flow& flow) const;
  void save_number(StateWriter& out, std::uint64_t document) const;
  [[nodiscard]] std::uint64_t load_number(StateReader& in) const;
  [[nodiscard]] Value load_value(StateReader& in) const;

  const FlowRule& rule_;
  const Options options_;
  const std::int64_t lateness_ns_;  // of this rule
  std::unordered_map<std::string, Flow> flows_;
  std::list<Entry*> recent_;  // the last used first
  std::set<Due> due_;
  Entry* current_ = nullptr;
  std::int64_t newest_ns_ = INT64_MIN / 2;
  std::int64_t passed_ns_ = INT64_MIN / 2;
  std::deque<Document> documents_;
  std::uint64_t first_document_ = 0;  // the number of documents_.front()
  std::size_t document_bytes_ = 0;
  Counters counters_;
};

}  // namespace tapewatch

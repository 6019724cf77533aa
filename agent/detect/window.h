// SPDX-License-Identifier: Apache-2.0
#pragma once
// Window: one correlation rule at work. Keeps, per group, the event times of the last timespan and says when the
// rule's condition turns true. Windows are closed, [t - timespan, t], slide with every event, and run in event time.
//
// The condition is looked at when an event of the group comes and when the group's window has emptied; an edge is told
// once, and again after the condition has been false. A condition that few events satisfy (lt, lte, neq, eq 0) is also
// looked at by the clock, and not before the group is one timespan old. Events that come late count where they belong.
//
// An expression with `not` (temporal) waits: it is asked of the window [t, t + timespan] that an event at t begins,
// once nothing of that window can come any more.
//
// A rule that learns (adaptive) has steps instead of windows: each is closed once nothing of it can come any more, its
// measure judged and learned from (surprise.h).
//
// A condition that is true turns false with an event of the group, or when events have left the window and the lateness
// has passed with none that made it true again. What is told of all that, and when, is up to the group's AlertCourse.
//
// Memory is bounded: groups beyond groups_max push out the one that was quiet for longest, points beyond points_max
// of a group the oldest; both are counted. From groups_kept on, groups whose window has emptied are let go, which
// changes nothing unless files of different days are read side by side. Documents kept as evidence stand in one ring
// for all groups. Owned by the Detector. Thread: worker.

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/state_bytes.h"
#include "detect/aggregate.h"
#include "detect/alert_course.h"
#include "detect/rule.h"

namespace tapewatch {

class Window final {
 public:
  // One closed step of a series.
  struct Step {
    const CorrelationRule& rule;
    const std::vector<std::pair<std::string, std::string>>& group;
    std::int64_t begin_ns = 0;
    double value = 0;
    const Surprise::Verdict& verdict;
  };
  struct Options {
    std::size_t groups_max = 50'000;                      // of one rule
    std::size_t groups_kept = 4'096;                      // so many are kept though their windows are empty
    std::size_t points_max = 10'000;                      // of one group
    std::int64_t lateness_ns = 30'000'000'000;            // later events are not counted
    std::size_t evidence_bytes_max = 1024 * 1024;         // of one rule
    std::size_t evidence_document_bytes_max = 16 * 1024;  // a longer document is no evidence
    std::size_t series_max = 5'000;                       // instead of groups_max, of a rule that learns
    std::function<void(const Step&)> on_step;             // told every step, if anybody wants them
  };
  struct Counters {
    std::uint64_t groups_evicted = 0;
    std::uint64_t points_dropped = 0;
    std::uint64_t late_events = 0;       // counted nowhere
    std::uint64_t evidence_dropped = 0;  // documents that an alert should have shown
    std::uint64_t alerts_held_back = 0;  // by realert
  };
  // The condition holds.
  struct Firing {
    std::uint64_t count = 0;                   // events, distinct values or rules
    double measure = 0;                        // what the condition is about
    std::int64_t started_ns = 0;               // of the first event in the window
    std::int64_t time_ns = 0;                  // when the condition turned true
    std::optional<Surprise::Verdict> verdict;  // of a rule that learns
  };
  using Point = WindowPoint;
  struct Group {
    std::vector<Point> points;             // ascending in time; those before `head` are gone
    std::size_t head = 0;                  // points kept for late events
    std::size_t start = 0;                 // first point of the newest window
    std::unique_ptr<Aggregate> aggregate;  // of the newest window; none: its events are counted
    std::unique_ptr<Surprise> surprise;    // of a series
    std::int64_t step_ns = 0;              // begin of its open step
    std::int64_t first_ns = 0;             // first event ever
    std::int64_t newest_ns = 0;
    std::int64_t heard_ns = 0;            // its last event; of rules that forget
    bool seen = false;                    // it has had an event
    bool holds = false;                   // the condition, when last looked at; of new_value: it is known
    std::unique_ptr<AlertCourse> course;  // none: nothing has been told, nor is it held back
    std::vector<std::uint64_t> evidence;  // numbers of documents, oldest first
    std::vector<std::pair<std::string, std::string>> shown;           // the group as alerts show it
    std::list<std::pair<const std::string, Group>*>::iterator place;  // in the order of last use
    std::uint32_t rank = 0;                                           // in that order, while the window is saved
  };

  // `rule` outlives the window.
  Window(const CorrelationRule& rule, Options options);

  // The group of this key, made when missing and moved to the front.
  [[nodiscard]] Group& group(const std::string& key);
  // Counts an event. True when an alert is due, of which course->started_ns() and told_ns() say more.
  [[nodiscard]] bool add(Group& group, std::int64_t time_ns, std::uint64_t value, Firing& firing);
  // Keeps the document of the event just counted as evidence; that of windows gone by is forgotten.
  void keep(Group& group, std::string_view document);
  // The last documents of the group, at most `count` and as many as the rule wants, oldest first.
  [[nodiscard]] std::vector<std::string> evidence(const Group& group, std::uint64_t count);

  // An alert of which nothing but the end is left to tell.
  struct End {
    Hash128 id;
    std::int64_t time_ns = 0;
  };
  // The alerts that ended since the last call.
  [[nodiscard]] std::vector<End> take_ends() { return std::exchange(ends_, {}); }
  // What the clock alone does to a group that has a course; nothing of it before `now_ns` is to come. True when an
  // alert is due: call it again then.
  [[nodiscard]] bool pass(Group& group, std::int64_t now_ns, Firing& firing);

  // Looks at every group by the clock; nothing earlier than `now_ns` is to come. Calls `fire(key, group, firing)`.
  template <typename Fire>
  void advance(std::int64_t now_ns, const Fire& fire) {
    Firing firing;
    if (by_clock_) {
      for (auto& [key, group] : groups_) {
        while (turns(group, now_ns, firing)) {
          fire(key, group, firing);
        }
      }
    }
    for (auto watched = watched_.begin(); watched != watched_.end();) {
      Group& group = **watched++;  // pass() may end the watch
      while (pass(group, now_ns, firing)) fire((*group.place)->first, group, firing);
    }
    if (rule_.forget_ns > 0) forget_silent(now_ns);
  }

  // Whether the condition can turn true by waiting.
  [[nodiscard]] bool by_clock() const { return by_clock_; }
  // Some group has something that the clock can change.
  [[nodiscard]] bool watched() const { return !watched_.empty(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // All of it, as between two events; the keys of groups stand in there as they are.
  void save(StateWriter& out);
  // What save() wrote, for the same rule under the same options. REQUIRES: nothing was counted yet. When `in` has
  // failed afterwards the window is good for nothing.
  void load(StateReader& in);

  [[nodiscard]] std::size_t groups() const { return groups_.size(); }

 private:
  [[nodiscard]] bool late(Group& group, const Point& point, Firing& firing);
  [[nodiscard]] bool in_order(Group& group, const Point& point, Firing& firing);
  [[nodiscard]] bool falls(Group& group, std::int64_t now_ns, Firing& firing);
  [[nodiscard]] bool due(Group& group, bool holds, std::int64_t time_ns, std::int64_t started_ns);
  [[nodiscard]] bool count(Group& group, std::int64_t time_ns, std::uint64_t value, Firing& firing);
  [[nodiscard]] std::int64_t change_of_hours(const Group& group, std::int64_t now_ns) const;
  void turn_false(Group& group, std::int64_t time_ns);
  AlertCourse& course_of(Group& group);
  void end(Group& group, std::int64_t time_ns);
  [[nodiscard]] std::int64_t next_leave(const Group& group) const;
  [[nodiscard]] bool active(std::int64_t time_ns) const;
  void slide(Group& group, std::int64_t end_ns);
  void insert(Group& group, const Point& point);
  void leave(Group& group, const Point& point);
  void enter(Group& group, const Point& point);
  void refill(Group& group);
  void wait(Group& group, const Point& point);
  [[nodiscard]] bool waited_out(Group& group, std::int64_t now_ns, Firing& firing);
  [[nodiscard]] bool turns(Group& group, std::int64_t now_ns, Firing& firing);
  void enter_step(Group& group, const Point& point);
  [[nodiscard]] bool close_steps(Group& group, std::int64_t now_ns, Firing& firing);
  [[nodiscard]] bool close_step(Group& group, Firing& firing);
  [[nodiscard]] bool is_new(Group& group, const Point& point, Firing& firing);
  [[nodiscard]] bool changes(Group& group, const Point& point, Firing& firing);
  [[nodiscard]] double measure(const Group& group) const;
  void number_parts(Group& group, std::size_t index) const;
  [[nodiscard]] static double parts_between(const Group& group, std::size_t begin, std::size_t end);
  [[nodiscard]] double spike_between(const Group& group, std::size_t begin, std::size_t end) const;
  // Of points [begin, end) without the one at `without`.
  [[nodiscard]] double measure_between(const Group& group, std::size_t begin, std::size_t end,
                                       std::size_t without) const;
  [[nodiscard]] Firing firing_of(double measure, std::size_t points, std::int64_t started_ns,
                                 std::int64_t time_ns) const;
  void erase(const std::string& key);
  void forget(Group& group);
  void forget_silent(std::int64_t now_ns);
  void save_documents(StateWriter& out) const;
  void save_group(StateWriter& out, const std::string& key, const Group& group) const;
  void load_documents(StateReader& in);
  void load_group(StateReader& in, Group& group) const;
  void load_points(StateReader& in, Group& group) const;
  // The group at each place in the order of last use; none: it is not by_clock_ and any order will do.
  [[nodiscard]] std::vector<std::uint32_t> load_order(StateReader& in, std::size_t groups);
  // False: one key stands there twice.
  [[nodiscard]] bool take_over(std::vector<std::pair<std::string, Group>> groups,
                               const std::vector<std::uint32_t>& order);
  void let_go_of_quiet();

  // Kept as evidence.
  struct Document {
    std::string text;
    std::size_t bytes = 0;  // that it counts for, also when the text is not kept
  };

  const CorrelationRule& rule_;
  const Options options_;
  const bool by_clock_;
  const std::int64_t keep_ns_;  // how long an alert outlasts its condition
  std::unordered_map<std::string, Group> groups_;
  std::list<std::pair<const std::string, Group>*> recent_;  // the last used first
  struct KeyOrder {
    bool operator()(const Group* a, const Group* b) const { return (*a->place)->first < (*b->place)->first; }
  };
  std::set<Group*, KeyOrder> watched_;  // those with a course
  std::vector<End> ends_;
  std::int64_t newest_ns_ = 0;
  std::int64_t first_ns_ = INT64_MAX;  // the first event of all groups
  std::deque<Document> documents_;
  std::uint64_t first_document_ = 0;  // the number of documents_.front()
  std::size_t document_bytes_ = 0;
  Counters counters_;
};

}  // namespace tapewatch

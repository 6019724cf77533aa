// SPDX-License-Identifier: Apache-2.0
#pragma once
// AlertCourse: the one state machine of all rules, for one rule and one group: inactive, pending, firing, and back.
// It is shown the condition at moments of event time, and says when to tell. What made the condition true counts as one
// alert until it has been false for keep_firing_for. Owned by a group of a Window, or by the Detector. Thread: worker.

#include <algorithm>
#include <cstdint>

#include "base/hash.h"
#include "base/state_bytes.h"
#include "detect/rule.h"

namespace tapewatch {

class AlertCourse final {
 public:
  enum class Phase : std::uint8_t { inactive, pending, firing };

  // The condition at `time_ns`. True: an alert is to be told, as of told_ns(). A state that is over() at that time has
  // been closed before. `started_ns`: the first event that belongs to the condition as it is now.
  bool look(bool holds, std::int64_t time_ns, std::int64_t started_ns, const AlertOptions& options) {
    const bool held = holds_;
    holds_ = holds;
    if (phase_ == Phase::inactive && holds) {
      phase_ = Phase::pending;
      since_ns_ = time_ns;
      started_ns_ = started_ns;
    }
    if (phase_ == Phase::pending) {
      if (!holds) phase_ = Phase::inactive;
      if (!holds || time_ns - since_ns_ < options.for_ns) return false;
      phase_ = Phase::firing;
      told_ = false;
      return tell(since_ns_ + options.for_ns, options);
    }
    if (phase_ == Phase::firing && held && !holds) since_ns_ = time_ns;
    return phase_ == Phase::firing && holds && (!told_ || options.realert_ns > 0) && tell(time_ns, options);
  }
  // What lasts no longer than its event: nothing is remembered but when to tell again.
  bool pulse(std::int64_t time_ns, const AlertOptions& options) {
    told_ = false;
    return tell(time_ns, options);
  }
  // The condition became true again, or still is, by the passing of time alone: when to look; INT64_MAX: never.
  [[nodiscard]] std::int64_t due_ns(const AlertOptions& options) const {
    return phase_ == Phase::pending && holds_ ? since_ns_ + options.for_ns : INT64_MAX;
  }
  // When to tell the same alert again if it goes on.
  [[nodiscard]] std::int64_t again_ns() const {
    return phase_ == Phase::firing && holds_ && alerted_ && wait_ns_ > 0 ? alerted_ns_ + wait_ns_ : INT64_MAX;
  }
  // When a firing alert whose condition has become false is over; INT64_MAX: it has not.
  [[nodiscard]] std::int64_t over_ns(std::int64_t keep_ns) const {
    return phase_ == Phase::firing && !holds_ ? since_ns_ + keep_ns : INT64_MAX;
  }
  // Closes it. True: it was told, so that its end is to be told too.
  bool close() {
    phase_ = Phase::inactive;
    holds_ = false;
    return told_;
  }
  // Nothing is under way, and nothing will be held back at `time_ns`.
  [[nodiscard]] bool idle(std::int64_t time_ns) const {
    return phase_ == Phase::inactive && !holds_ && (!alerted_ || time_ns - alerted_ns_ >= 2 * wait_ns_);
  }

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] bool holds() const { return holds_; }
  [[nodiscard]] std::int64_t told_ns() const { return alerted_ns_; }
  [[nodiscard]] std::int64_t started_ns() const { return started_ns_; }
  // It was told before, and this is the same alert again.
  [[nodiscard]] bool repeated() const { return repeated_; }
  [[nodiscard]] std::uint64_t held_back() const { return held_back_; }

  // Times are written near `base_ns`.
  void save(StateWriter& out, std::int64_t base_ns) const {
    out.byte(static_cast<std::uint8_t>(static_cast<unsigned>(phase_) | (holds_ ? 4u : 0u) | (told_ ? 8u : 0u) |
                                       (alerted_ ? 16u : 0u) | (repeated_ ? 32u : 0u)));
    out.number(held_back_);
    for (const std::int64_t ns : {since_ns_, started_ns_, alerted_ns_, looked_ns}) out.time(ns, base_ns);
    out.number(static_cast<std::uint64_t>(wait_ns_));
    if (told_) out.hash(id);
  }
  // What save() wrote under the same options.
  void load(StateReader& in, std::int64_t base_ns, const AlertOptions& options) {
    const std::uint8_t flags = in.byte();
    if ((flags & 3u) > 2 || flags >= 64) in.fail();
    phase_ = static_cast<Phase>(flags & 3u);
    holds_ = (flags & 4u) != 0;
    told_ = (flags & 8u) != 0;
    alerted_ = (flags & 16u) != 0;
    repeated_ = (flags & 32u) != 0;
    held_back_ = static_cast<std::uint32_t>(in.number_to(UINT32_MAX));
    for (std::int64_t* ns : {&since_ns_, &started_ns_, &alerted_ns_, &looked_ns}) *ns = in.time(base_ns);
    wait_ns_ = static_cast<std::int64_t>(
        in.number_to(static_cast<std::uint64_t>(std::max(options.realert_ns, options.realert_max_ns))));
    if (wait_ns_ < options.realert_ns && wait_ns_ != 0) in.fail();
    if (told_) id = in.hash();
  }

  Hash128 id;                  // of the alert, kept here by whoever tells it
  std::int64_t looked_ns = 0;  // when it was last looked at, by whoever does

 private:
  bool tell(std::int64_t time_ns, const AlertOptions& options) {
    const std::int64_t waited_ns = time_ns - alerted_ns_;
    if (alerted_ && wait_ns_ > 0 && waited_ns < wait_ns_) {  // without a wait, not even an event that comes late
      ++held_back_;
      return false;
    }
    const bool doubles = options.realert_max_ns > 0 && alerted_ && waited_ns < 2 * wait_ns_;
    wait_ns_ = doubles ? std::min(2 * wait_ns_, options.realert_max_ns) : options.realert_ns;
    repeated_ = told_;
    told_ = alerted_ = true;
    alerted_ns_ = time_ns;
    return true;
  }

  Phase phase_ = Phase::inactive;
  bool holds_ = false;
  bool told_ = false;     // this alert, not an earlier one
  bool alerted_ = false;  // ever
  bool repeated_ = false;
  std::uint32_t held_back_ = 0;
  std::int64_t since_ns_ = 0;  // it has held (pending), or not (firing)
  std::int64_t started_ns_ = 0;
  std::int64_t alerted_ns_ = 0;
  std::int64_t wait_ns_ = 0;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// RuleMemory: what the rules remember, from one life of the agent to the next. It takes what the worker hands on behind
// a block, adds the alerts that were told and may not be delivered, and writes all of it before positions are
// committed, so that no line is acknowledged that the rules would have to see again. Owned by the agent. Thread: loop.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "event/batch.h"
#include "rule_state.h"
#include "tail/acks.h"

namespace tapewatch {

// What the worker hands on.
struct RuleRecords {
  RuleProgress progress;             // files: those that lines of were seen since the last time
  std::optional<std::string> rules;  // none: nothing has changed
  std::size_t rules_left_out = 0;    // there was no room for them
};

class RuleMemory final {
 public:
  struct Options {
    std::uint64_t bytes_max = 0;    // of what the detector remembers
    std::size_t told_max = 10'000;  // alerts that are not known to be delivered; then the oldest is
    std::uint64_t told_bytes_max = std::uint64_t{64} << 20;
    std::uint64_t write_rate = std::uint64_t{16} << 20;  // bytes a second, on average: large states are written seldom
    std::size_t sinks = 1;
  };
  // Up to where a file is acknowledged; nullopt: it is not known.
  using Committed = std::function<std::optional<std::uint64_t>(std::uint64_t file)>;

  RuleMemory(Options options, const std::string& folder, const Clock& clock, Log& log, Committed committed);

  // The state of an earlier life, if it fits the files that are known; and in any case the file of the clock's alerts.
  // Call once, before anything is told.
  [[nodiscard]] RuleState open();
  // What open() gave could not be used.
  void refused(const Error& error) { file_.quarantine(error); }
  // There are no rules: what they remember is not kept.
  void forget() { file_.remove(); }

  // The alert is on its way to the sinks.
  void told(const Alert& alert);
  void acked(std::size_t sink, const std::vector<Span>& spans);
  // Whether it is time to ask the worker for its records.
  [[nodiscard]] bool due() const { return clock_.steady_ns() >= next_ns_; }
  // Writes them, with what waits for the webhook. False, and told, when that failed: positions must stay.
  [[nodiscard]] bool save(RuleRecords records, std::vector<AlertMessage> waiting);
  // The last save() failed: the next records have to be whole.
  [[nodiscard]] bool unsaved() const { return unsaved_; }
  [[nodiscard]] const RuleStateFile::Stats& stats() const { return file_.stats(); }
  [[nodiscard]] std::uint64_t told_dropped() const { return told_dropped_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  void forget_delivered();
  // More than so many eighths of what is kept.
  [[nodiscard]] bool told_more_than(std::uint64_t eighths) const {
    return told_.size() > options_.told_max * eighths / 8 || told_bytes_ > options_.told_bytes_max / 8 * eighths;
  }

  const Options options_;
  const Clock& clock_;
  Log& log_;
  const Committed committed_;
  RuleStateFile file_;
  RuleProgress progress_;
  std::deque<Alert> told_;
  std::uint64_t told_bytes_ = 0;      // about
  std::vector<RangeSet> clock_acks_;  // per sink
  std::int64_t next_ns_ = 0;
  std::uint64_t told_dropped_ = 0;
  std::uint64_t bytes_ = 0;  // written last
  bool unsaved_ = false;
  bool left_out_ = false;  // told
};

}  // namespace tapewatch

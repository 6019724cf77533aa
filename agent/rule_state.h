// SPDX-License-Identifier: Apache-2.0
#pragma once
// The state of the rules on disk: what the detector remembers as of known positions of the files, and the alerts that
// were told by then and may not have been delivered. One file beside the checkpoint, replaced whole, and always before
// a checkpoint with the same or earlier positions. Unlike the checkpoint it holds values of events: those that rules
// group by, as they came, and masked documents as evidence. Thread: loop.
//
// On disk (numbers little-endian): "TWRS", u32 version 1, u64 length of the positions and alerts, u64 XXH3 of them,
// they themselves in the numbers of base/state_bytes.h, and what Detector::save() wrote, which has a checksum itself.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "event/alert.h"
#include "sinks/alert_sink.h"
#include "tapewatch/result.h"

namespace tapewatch {

// How far the worker has come.
struct RuleProgress {
  std::unordered_map<std::uint64_t, std::uint64_t> seen;  // by file: the detector has seen everything before
  std::uint64_t clock_file = 0;                           // the file that alerts of the clock are said to come from
  std::uint64_t clock_next = 0;                           // and their next offset there
  std::int64_t newest_event_ns = INT64_MIN;
  std::int64_t newest_read_wall_ns = 0;  // when the line of that event was read
  bool ended = false;                    // nothing was seen or told after it
};

struct RuleState {
  RuleProgress progress;
  std::vector<Alert> told;            // their documents may not have been delivered; oldest first
  std::vector<AlertMessage> waiting;  // for the webhook
  std::string rules;                  // Detector::save()
};

// Everything but `rules`, which stands behind it.
[[nodiscard]] std::string encode_rule_state_head(const RuleState& state);
// Code::corrupt, or Code::unsupported for another version. Any bytes are safe to pass. `rules` is only copied.
[[nodiscard]] Result<RuleState> decode_rule_state(std::string_view bytes);

class RuleStateFile final {
 public:
  struct Stats {
    std::uint64_t quarantined = 0;
    std::uint64_t failures = 0;  // to write
  };

  RuleStateFile(const std::string& folder, const Clock& clock, Log& log);

  // Code::not_found: there is none. What is damaged is put aside as *.corrupt-TIME and told.
  [[nodiscard]] Result<RuleState> load(std::uint64_t bytes_max);
  // Durable when it succeeds; when it fails the file before is still whole.
  [[nodiscard]] Status save(const RuleState& state);
  // It does not fit what is there now.
  void remove();
  // What load() read turned out to make no sense.
  void quarantine(const Error& error);
  [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
  const std::string path_;
  const Clock& clock_;
  Log& log_;
  Stats stats_;
};

}  // namespace tapewatch

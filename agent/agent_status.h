// SPDX-License-Identifier: Apache-2.0
#pragma once
// AgentStatus: gathers what the parts count into metrics and into the snapshot that the API shows. Owned by the agent.
// Thread: loop; readers take what it published.

#include <cstdint>
#include <deque>
#include <string>

#include "base/clock.h"
#include "config.h"
#include "delivery.h"
#include "detect/detector.h"
#include "event/alert.h"
#include "http/status.h"
#include "metrics/agent_metrics.h"
#include "tail/tailer.h"

namespace tapewatch {

class AgentStatus final {
 public:
  // `started_ns`: wall time at which the process began its work; 0: now.
  AgentStatus(const Config& config, const Clock& clock, AgentMetrics& metrics, std::int64_t started_ns);

  // `detector` outlives the last update().
  void set_rules(const Detector& detector);
  // The detector goes on with the counts of an earlier life.
  void restore_counts();
  void on_alert(const Alert& alert);
  void set_config_error(std::string error) { config_error_ = std::move(error); }
  // Metrics at once, the snapshot about once a second.
  void update(const Tailer& tailer, const Delivery& delivery, bool ready);
  [[nodiscard]] const StatusBoard& board() const { return board_; }

 private:
  void update_metrics(const Tailer& tailer);
  void publish(const Tailer& tailer, const Delivery& delivery, bool ready);
  void fill_inputs(const Tailer& tailer, StatusSnapshot& snapshot);
  void fill_outputs(const Delivery& delivery, StatusSnapshot& snapshot) const;
  void fill_losses(const Tailer& tailer, StatusSnapshot& snapshot) const;

  const Config& config_;
  const Clock& clock_;
  AgentMetrics& metrics_;
  StatusBoard board_;
  const std::int64_t loaded_ns_;
  const std::int64_t started_ns_;
  const Detector* detector_ = nullptr;
  std::int64_t published_ns_ = 0;  // steady
  std::uint64_t published_events_ = 0;
  std::int64_t last_event_ns_ = 0;
  std::string config_error_;
  std::vector<StatusSnapshot::Rule> rules_;
  std::deque<StatusSnapshot::Alert> alerts_;  // newest first
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// StatusSnapshot: what the agent tells about itself, put together by the wiring about once a second and immutable from
// then on; StatusBoard: where the newest one hangs. Readers keep the one they took. Thread: any.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace tapewatch {

// Degraded: working, but something needs a person (an output is down, a file cannot be read). Failed: not working.
enum class Health : std::uint8_t { healthy, degraded, failed };

struct StatusSnapshot {
  struct File {
    std::string path;
    std::string input;
    std::string state;     // live, rotated, deleted, held, gone
    std::string identity;  // "device:inode:generation"
    std::uint64_t size = 0;
    std::uint64_t offset = 0;     // read up to here
    std::uint64_t committed = 0;  // acknowledged up to here
    std::uint64_t lag_bytes = 0;
  };
  struct Input {
    std::string name;
    std::uint64_t events = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t files = 0;
    std::uint64_t lag_bytes = 0;
    double lag_seconds = 0;
  };
  struct Output {
    std::string name;   // "elasticsearch", "store"
    std::string state;  // "ok", "retrying", "down"
    std::uint64_t delivered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t retried = 0;
    std::uint64_t rejected = 0;
    std::uint64_t dead_letters = 0;
    std::uint64_t queued_bytes = 0;
    std::string last_error;  // in words; empty when there is none
    std::int64_t last_error_ns = 0;
    std::int64_t last_success_ns = 0;
  };
  // A counter that should stay at 0: shown even then.
  struct Loss {
    std::string name;  // "missed bytes"
    std::uint64_t count = 0;
    std::string meaning;  // one sentence
  };
  struct Rule {
    std::string id;
    std::string title;
    std::string level;
    std::string kind;  // detection, event_count, ...
    std::string file;
    std::uint64_t matches = 0;
    std::uint64_t alerts = 0;
    std::int64_t last_alert_ns = 0;
  };
  struct Alert {
    std::string id;
    std::string rule_id;
    std::string title;
    std::string description;
    std::string level;
    std::string state;  // firing, resolved
    std::vector<std::pair<std::string, std::string>> group;
    std::int64_t time_ns = 0;
    std::int64_t started_ns = 0;
    std::uint64_t count = 1;
    std::string correlation_id;
    std::string file_path;
    std::uint64_t file_offset = 0;
    std::vector<std::string> evidence;  // masked documents, each valid JSON
    std::string runbook;
  };

  Health health = Health::healthy;
  std::vector<std::string> reasons;  // why it is not healthy, in words
  bool ready = false;                // configuration loaded, outputs open, first scan done
  std::string version;
  std::string service;
  std::string instance;
  std::int64_t time_ns = 0;  // of this snapshot
  std::int64_t started_ns = 0;
  std::int64_t config_loaded_ns = 0;
  std::string config_error;  // of the last reload, when it was refused
  std::uint64_t events = 0;
  std::uint64_t parse_errors = 0;
  std::uint64_t masked_fields = 0;
  std::uint64_t rule_evaluations = 0;
  std::uint64_t alerts_fired = 0;
  double events_per_second = 0;
  std::uint64_t buffer_bytes = 0;
  std::uint64_t buffer_limit_bytes = 0;
  double checkpoint_age_seconds = 0;
  std::int64_t last_event_ns = 0;  // when the last line was taken in
  bool store_enabled = false;
  std::uint64_t store_records = 0;
  std::uint64_t store_disk_bytes = 0;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<Loss> losses;
  std::vector<File> files;
  std::vector<Rule> rules;
  std::vector<Alert> alerts;  // newest first, as many as the wiring keeps
};

class StatusBoard final {
 public:
  void publish(std::shared_ptr<const StatusSnapshot> snapshot) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    current_.swap(snapshot);
  }
  // Never null.
  [[nodiscard]] std::shared_ptr<const StatusSnapshot> current() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return current_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const StatusSnapshot> current_ GUARDED_BY(mutex_) = std::make_shared<StatusSnapshot>();
};

[[nodiscard]] const char* health_name(Health health);

// The answers of the API, one JSON value each.
[[nodiscard]] std::string status_json(const StatusSnapshot& snapshot);
[[nodiscard]] std::string files_json(const StatusSnapshot& snapshot);
[[nodiscard]] std::string rules_json(const StatusSnapshot& snapshot);
[[nodiscard]] std::string alerts_json(const StatusSnapshot& snapshot);

}  // namespace tapewatch

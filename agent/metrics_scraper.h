// SPDX-License-Identifier: Apache-2.0
#pragma once
// MetricsScraper: fetches the application's own /metrics now and then, and serves what it said last as part of ours,
// with `up`. An application that does not answer, or not in a form that can be understood, is down, and its numbers are
// gone at once. Owned by the agent. Thread: loop, but for collect().

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "loop/http_client.h"
#include "loop/scheduler.h"
#include "metrics/agent_metrics.h"
#include "metrics/exposition_reader.h"

namespace tapewatch {

struct ScrapeOptions {
  std::string name;  // the label "app"
  std::string url;
  std::string token;  // "" for none
  std::chrono::milliseconds interval{15'000};
  std::chrono::milliseconds timeout{5'000};
  std::size_t bytes_max = 1u << 20;
  ExpositionLimits limits;
};

class MetricsScraper final {
 public:
  MetricsScraper(ScrapeOptions options, HttpPoster& poster, Scheduler& timers, AgentMetrics& metrics, Log& log);
  ~MetricsScraper();
  MetricsScraper(const MetricsScraper&) = delete;
  MetricsScraper& operator=(const MetricsScraper&) = delete;

  // The first fetch comes at once.
  void start() { timer_.start({}, options_.interval); }
  // Thread: any.
  void collect(std::vector<SampleFamily>& out) const EXCLUDES(mutex_);

 private:
  // What is known since the last answer; never changed, only exchanged.
  struct Answer {
    bool up = false;
    double seconds = 0;
    ExpositionText text;
  };
  void fetch();
  void take(const HttpReply& reply);
  void failed(const char* reason, const std::string& detail);
  void publish(Answer answer) EXCLUDES(mutex_);

  const ScrapeOptions options_;
  HttpPoster& poster_;
  AgentMetrics& metrics_;
  Log& log_;
  Timer timer_;
  HttpId request_ = 0;  // under way; 0: none
  bool was_up_ = true;
  mutable Mutex mutex_;
  std::shared_ptr<const Answer> answer_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

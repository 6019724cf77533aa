// SPDX-License-Identifier: Apache-2.0
#pragma once
// Agent: owns every part, wires them, runs them on one loop, and ends them in data-flow order. One Agent is one
// configuration: a reload ends it and opens another. Thread: the one that opens it runs the loop.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent_status.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "delivery.h"
#include "enrich/link_file.h"
#include "http/front_door.h"
#include "http/store_backend.h"
#include "loop/folder_watch.h"
#include "loop/loop.h"
#include "loop/signal_watch.h"
#include "masked_log.h"
#include "metrics_scraper.h"
#include "notify.h"
#include "rule_memory.h"
#include "stages.h"
#include "tail/tailer.h"
#include "worker.h"

namespace tapewatch {

class Agent final {
 public:
  enum class Ending : std::uint8_t { finished, reload, failed };

  struct Options {
    std::int64_t started_ns = 0;  // wall time at which the process began; 0: now
    bool once = false;            // read every input to its end, deliver, wait for every acknowledgement, end
    // Asked on SIGHUP and by POST /-/reload: success when a new, sound configuration is ready to be opened.
    std::function<Status()> reload;
    // Told once the page and the API answer.
    std::function<void(const std::string& address)> listening;
    Notify* notify = nullptr;  // told of every turn, of reloads and of the end
    // Told each alert, on the loop's thread.
    std::function<void(const Alert&)> alert;
  };

  // `state_dir` exists and is locked by the caller. Fails with the reason when a part cannot be opened.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> open(Config config, Diagnostics& diagnostics, const Clock& clock,
                                                           Log& log, Options options);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  [[nodiscard]] Ending run();

 private:
  Agent(Config config, const Clock& clock, Log& log, Options options);
  Status open_parts(Diagnostics& diagnostics);
  Status open_delivery();
  void open_stages(Diagnostics& diagnostics);
  void open_links();
  void open_rules();
  Status open_metrics();
  Status open_http();
  Status watch_signals();

  void tick();
  void pump();
  void commit_now();
  Status commit(bool now);
  [[nodiscard]] bool read_one();
  void end_if_done();
  void watch_folders();
  void watch_folder(const std::string& folder);
  void hinted();
  Status reload();
  void on_alert(const Alert& alert);
  void keep_rules(RuleRecords records);

  // A signal asks for the end: at once, or behind what the files hold.
  void stop();
  // The one shutdown, in data-flow order.
  void shut_down(Ending ending);
  void drain();
  void drained(bool all_delivered);

  const Config config_;
  const Clock& clock_;
  const Options options_;
  const bool watching_;  // some input wants folder watches beside polling

  // In the order in which they are opened; each may use those before it.
  std::unique_ptr<Loop> loop_;
  AgentMetrics metrics_;
  MaskedLog log_;
  AgentStatus status_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<Stages> stages_;
  LinkFile links_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Tailer> tailer_;
  std::unique_ptr<RuleMemory> rules_;  // none: there are no rules
  std::unique_ptr<HttpClient> scrape_client_;
  std::vector<std::unique_ptr<MetricsScraper>> scrapers_;
  std::unique_ptr<StoreBackend> search_;
  std::unique_ptr<FrontDoor> front_door_;

  std::map<std::string, std::unique_ptr<FolderWatch>> watches_;  // nullptr: could not be watched, told once
  std::vector<std::unique_ptr<SignalWatch>> signals_;
  std::unique_ptr<Timer> tick_;
  std::unique_ptr<Timer> pump_;
  std::unique_ptr<Timer> finish_;    // ends the reading of what is left
  std::optional<LineBlock> held_;    // read, but the worker's mailbox was full
  std::int64_t links_asked_ns_ = 0;  // when all links were last asked for, to mend their file
  bool rules_kept_ = true;           // what they remember as of all that may be committed
  bool hint_pending_ = false;
  std::int64_t stop_deadline_ns_ = 0;  // steady; 0: nobody has asked for the end
  bool flushed_partials_ = false;
  bool finishing_ = false;  // reading to the end, then stopping
  bool stopping_ = false;
  Ending ending_ = Ending::finished;
};

}  // namespace tapewatch

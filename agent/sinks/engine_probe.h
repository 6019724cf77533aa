// SPDX-License-Identifier: Apache-2.0
#pragma once
// EngineProbe: asks an engine once what it is, for the log and the status page; again with backoff until it answers.
// Delivery does not wait for it. Thread: loop.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "loop/http_client.h"
#include "loop/scheduler.h"
#include "sinks/backoff.h"
#include "sinks/engine.h"

namespace tapewatch {

class EngineProbe final {
 public:
  struct Options {
    std::vector<std::string> hosts;
    TlsOptions tls;
    BackoffOptions backoff;
    std::chrono::milliseconds timeout{10'000};
  };
  // `authorization` gives the value of the Authorization header, "" for none; may be empty.
  EngineProbe(Options options, std::function<Result<std::string>()> authorization, Scheduler& scheduler,
              HttpPoster& poster, Log& log, Random random = random_unit);
  ~EngineProbe();
  EngineProbe(const EngineProbe&) = delete;
  EngineProbe& operator=(const EngineProbe&) = delete;

  void start() { ask(); }
  // nullopt until a host has answered.
  [[nodiscard]] const std::optional<Engine>& engine() const { return engine_; }

 private:
  void ask();
  void on_reply(const HttpReply& reply);

  const Options options_;
  const std::function<Result<std::string>()> authorization_;
  const Random random_;
  HttpPoster& poster_;
  Log& log_;
  HttpId pending_ = 0;
  int attempts_ = 0;
  std::optional<Engine> engine_;
  Timer retry_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Setup: compares the templates of a live engine with ours, and puts them. It asks the engine what it is first, because
// the templates depend on it. One run, then done; owned by the command that wants it. Thread: loop.

#include <functional>
#include <string>
#include <vector>

#include "loop/http_client.h"
#include "sinks/engine.h"
#include "sinks/templates.h"
#include "tapewatch/result.h"

namespace tapewatch {

struct SetupOptions {
  std::vector<std::string> hosts;  // the first that answers is used
  std::string authorization;       // value of the header; "" for none
  TlsOptions tls;
  TemplateOptions templates;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{30'000};
  std::size_t reply_bytes_max = std::size_t{4} << 20;
};

enum class TemplateState : std::uint8_t { same, missing, different };

struct TemplateReport {
  std::string path;
  TemplateState state = TemplateState::same;
  std::vector<std::string> differences;  // "template.settings.index.refresh_interval: engine has 1s, ours is 5s"
  bool put = false;
};

struct SetupReport {
  Engine engine;
  std::string host;
  std::vector<TemplateReport> templates;
  bool keeps_for_ever = false;  // a retention is wanted, and the engine knows none

  [[nodiscard]] bool same() const;
};

enum class SetupMode : std::uint8_t { diff, apply };

class Setup final {
 public:
  using Done = std::function<void(Result<SetupReport>)>;
  // REQUIRES: at least one host. `poster` outlives it.
  Setup(SetupOptions options, HttpPoster& poster);
  ~Setup();
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  // Calls `done` once, later; `done` may destroy this.
  void run(SetupMode mode, Done done);

 private:
  using Next = std::function<void(const HttpReply&)>;
  void ask_engine();
  void ask_node();
  void begin();
  void ask_template();
  void compare(const HttpReply& reply);
  void put_template();
  void request(std::string method, const std::string& path, std::string_view body, Next next);
  void fail(Error error);
  void finish(Result<SetupReport> result);

  const SetupOptions options_;
  HttpPoster& poster_;
  SetupMode mode_ = SetupMode::diff;
  Done done_;
  SetupReport report_;
  std::vector<Template> templates_;
  std::size_t host_ = 0;
  std::size_t at_ = 0;
  HttpId pending_ = 0;
};

// What `theirs` (the engine's reply to GET) lacks or has otherwise, in our template's leaves; what it has more is its
// own.
[[nodiscard]] Result<std::vector<std::string>> compare_template(const Template& ours, std::string_view theirs);

// The report as lines for people.
[[nodiscard]] std::string print_report(const SetupReport& report);

}  // namespace tapewatch

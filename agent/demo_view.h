// SPDX-License-Identifier: Apache-2.0
#pragma once
// DemoView: what the demo shows on stderr, asked from the agent's own API as any user could: events as they pass, new
// alerts, and one order from end to end. An answer that fails is asked again at the next tick. Thread: one.

#include <cstdint>
#include <set>
#include <string>

#include "cli_console.h"
#include "cli_http.h"

namespace tapewatch {

class DemoView final {
 public:
  DemoView(ApiAddress address, Console& console) : address_(std::move(address)), console_(console) {}

  void show_welcome();
  // Call about twice a second.
  void tick();

 private:
  void show_events();
  void show_alerts();
  void show_trace();

  const ApiAddress address_;
  Console& console_;
  int ticks_ = 0;
  std::int64_t newest_ns_ = 0;    // event time of the newest event shown
  std::set<std::string> alerts_;  // ids shown
  bool traced_ = false;
};

}  // namespace tapewatch

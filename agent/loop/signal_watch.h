// SPDX-License-Identifier: Apache-2.0
#pragma once
// SignalWatch: calls back on the loop's thread when the process gets a signal; ends when destroyed. Thread: loop.

#include <functional>
#include <memory>

#include "tapewatch/result.h"

namespace tapewatch {

class Loop;

class SignalWatch final {
 public:
  static Result<std::unique_ptr<SignalWatch>> open(Loop& loop, int signal_number, std::function<void()> fn);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct Handle;
  explicit SignalWatch(Handle* handle) : handle_(handle) {}
  Handle* handle_;  // freed by the loop once it is closed
};

}  // namespace tapewatch

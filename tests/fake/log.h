// SPDX-License-Identifier: Apache-2.0
#pragma once
// CapturedLog: keeps the messages, without their fields, so that a test can ask what was said. Thread: any.

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"

namespace tapewatch {

class CapturedLog final : public Log {
 public:
  void write(LogLevel, std::string_view message, Fields) override EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    messages_.emplace_back(message);
  }
  [[nodiscard]] std::size_t count(std::string_view part) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return static_cast<std::size_t>(std::count_if(messages_.begin(), messages_.end(), [&](const std::string& message) {
      return message.find(part) != std::string::npos;
    }));
  }
  // The first message, for a test that fails.
  [[nodiscard]] std::string first() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return messages_.empty() ? "" : messages_.front();
  }
  [[nodiscard]] bool has(std::string_view part) EXCLUDES(mutex_) { return count(part) > 0; }

 private:
  Mutex mutex_;
  std::vector<std::string> messages_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

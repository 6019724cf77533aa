// SPDX-License-Identifier: Apache-2.0
#pragma once
// CapturedLog: keeps the messages, without their fields. Single-threaded.

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"

namespace tapewatch {

class CapturedLog final : public Log {
 public:
  void write(LogLevel, std::string_view message, Fields) override { messages.emplace_back(message); }
  [[nodiscard]] bool has(std::string_view part) const {
    return std::any_of(messages.begin(), messages.end(),
                       [part](const std::string& message) { return message.find(part) != std::string::npos; });
  }

  std::vector<std::string> messages;
};

}  // namespace tapewatch

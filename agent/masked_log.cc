// SPDX-License-Identifier: Apache-2.0
#include "masked_log.h"

#include <deque>
#include <string>
#include <vector>

namespace tapewatch {

void MaskedLog::write(LogLevel level, std::string_view message, Fields fields) {
  std::vector<LogField> masked(fields.begin(), fields.end());
  std::deque<std::string> texts;  // views into it stay
  {
    MutexLock lock(mutex_);
    for (LogField& field : masked) {
      const auto* text = std::get_if<std::string_view>(&field.value);
      if (text != nullptr) field.value = std::string_view(texts.emplace_back(masker_.mask_text(*text)));
    }
  }
  log_.write(level, message, masked);
}

}  // namespace tapewatch

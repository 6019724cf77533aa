// SPDX-License-Identifier: Apache-2.0
#include "config_faults.h"

namespace tapewatch {

int ConfigFaults::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<int>(files_.size()) - 1;
}

void ConfigFaults::error(const YamlPlace& place, int number, std::string message, std::string hint) {
  ++errors_;
  add(Severity::error, place, number, std::move(message), std::move(hint));
}

void ConfigFaults::warning(const YamlPlace& place, int number, std::string message, std::string hint) {
  add(Severity::warning, place, number, std::move(message), std::move(hint));
}

void ConfigFaults::add(Severity severity, const YamlPlace& place, int number, std::string message, std::string hint) {
  if (++added_ > faults_max) return;
  if (added_ == faults_max) {
    diagnostics_.add(
        {Severity::error, 100, file(place.file), 0, 0, 1, "more than 100 faults; the rest is not shown", ""});
    return;
  }
  diagnostics_.add({severity, number, file(place.file), place.line, place.column, place.length, std::move(message),
                    std::move(hint)});
}

}  // namespace tapewatch

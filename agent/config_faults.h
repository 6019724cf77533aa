// SPDX-License-Identifier: Apache-2.0
#pragma once
// ConfigFaults: the faults of all files of one configuration, each with its place. Beyond `faults_max` it only counts.
// Owned by load_config(). Thread: one at a time.

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/yaml.h"

namespace tapewatch {

class ConfigFaults final {
 public:
  static constexpr int faults_max = 100;

  explicit ConfigFaults(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  [[nodiscard]] int add_file(std::string name);
  [[nodiscard]] const std::string& file(int index) const { return files_[static_cast<std::size_t>(index)]; }
  void error(const YamlPlace& place, int number, std::string message, std::string hint = "");
  void warning(const YamlPlace& place, int number, std::string message, std::string hint = "");
  [[nodiscard]] int errors() const { return errors_; }
  [[nodiscard]] bool full() const { return added_ >= faults_max; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }

 private:
  void add(Severity severity, const YamlPlace& place, int number, std::string message, std::string hint);

  Diagnostics& diagnostics_;
  std::vector<std::string> files_;
  int errors_ = 0;
  int added_ = 0;
};

}  // namespace tapewatch

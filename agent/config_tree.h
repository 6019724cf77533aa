// SPDX-License-Identifier: Apache-2.0
#pragma once
// A configuration as one tree of YAML: what YAML allows and a configuration must not have (second documents, anchors,
// tags, deep nesting) is reported, and the files of conf.d are laid over the first. Owned by load_config() while it
// reads. Thread: one at a time.

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/yaml.h"

namespace tapewatch {

// Collects the faults of all files of one configuration. Beyond `faults_max` it only counts.
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

struct ConfigFile {
  YamlNode root;
  bool whole = true;  // false: the text ends in a fault, so that a missing key says nothing
};

// The tree of `text`; its faults go to `faults`.
[[nodiscard]] ConfigFile read_config_text(int file, const std::string& text, ConfigFaults& faults);

// `later` over `base`: maps merge key by key, lists of inputs are joined, anything else is replaced.
void merge_config(YamlNode& base, YamlNode&& later);

}  // namespace tapewatch

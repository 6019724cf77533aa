// SPDX-License-Identifier: Apache-2.0
#pragma once
// ConfigNode: one configuration file as a tree whose every part knows its place. Made by read_config_text() from the
// parser's events, so that duplicate keys, second documents, anchors and deep nesting are seen and reported, which the
// library's own tree would swallow. Owned by load_config() while it reads. Thread: one at a time.

#include <string>
#include <vector>

#include "base/diagnostic.h"

namespace tapewatch {

struct Place {
  int file = 0;    // index in ConfigFaults
  int line = 0;    // 1-based; 0: the whole file
  int column = 0;  // 1-based, in bytes
  int length = 1;
};

struct ConfigMember;

struct ConfigNode {
  // refused: it was reported already; readers keep quiet about it.
  enum class Kind : std::uint8_t { null, scalar, list, map, refused };
  Kind kind = Kind::null;
  bool quoted = false;
  std::string text;  // of a scalar
  Place place;
  std::vector<ConfigNode> items;      // of a list
  std::vector<ConfigMember> members;  // of a map, each key once

  [[nodiscard]] const ConfigMember* find(std::string_view key) const;
};

struct ConfigMember {
  std::string key;
  Place place;  // of the key
  ConfigNode value;
};

// Collects the faults of all files of one configuration. Beyond `faults_max` it only counts.
class ConfigFaults final {
 public:
  static constexpr int faults_max = 100;

  explicit ConfigFaults(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  [[nodiscard]] int add_file(std::string name);
  [[nodiscard]] const std::string& file(int index) const { return files_[static_cast<std::size_t>(index)]; }
  void error(const Place& place, int number, std::string message, std::string hint = "");
  void warning(const Place& place, int number, std::string message, std::string hint = "");
  [[nodiscard]] int errors() const { return errors_; }
  [[nodiscard]] bool full() const { return added_ >= faults_max; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }

 private:
  void add(Severity severity, const Place& place, int number, std::string message, std::string hint);

  Diagnostics& diagnostics_;
  std::vector<std::string> files_;
  int errors_ = 0;
  int added_ = 0;
};

struct ConfigFile {
  ConfigNode root;
  bool whole = true;  // false: the text ends in a fault, so that a missing key says nothing
};

// The tree of `text`. What YAML allows and a configuration must not have (see above) is reported to `faults`.
[[nodiscard]] ConfigFile read_config_text(int file, const std::string& text, ConfigFaults& faults);

// `later` over `base`: maps merge key by key, lists of inputs are joined, anything else is replaced.
void merge_config(ConfigNode& base, ConfigNode&& later);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// A configuration as one tree of YAML: what YAML allows and a configuration must not have (second documents, anchors,
// tags, deep nesting) is reported, and the files of conf.d are laid over the first. Owned by load_config() while it
// reads. Thread: one at a time.

#include <string>

#include "base/yaml.h"
#include "config_faults.h"

namespace tapewatch {

struct ConfigFile {
  YamlNode root;
  bool whole = true;  // false: the text ends in a fault, so that a missing key says nothing
};

// The tree of `text`; its faults go to `faults`.
[[nodiscard]] ConfigFile read_config_text(int file, const std::string& text, ConfigFaults& faults);

// `later` over `base`: maps merge key by key, lists of inputs and those of metrics are joined, anything else is
// replaced.
void merge_config(YamlNode& base, YamlNode&& later);

// Reads one file and joins it to the tree; a tree that is refused is replaced. Returns false when the file is not there
// whole.
[[nodiscard]] bool join_config_file(YamlNode& root, const std::string& path, ConfigFaults& faults);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The documents of one file of rules, or of tests of rules: those without a fault, as trees. What is wrong with the
// others is told under the numbers of rules. Thread: any.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/yaml.h"

namespace tapewatch {

struct RuleDocuments {
  std::vector<YamlNode> documents;
  std::size_t rejected = 0;
};

[[nodiscard]] RuleDocuments read_rule_documents(const std::string& file, std::string_view text,
                                                const YamlOptions& options, Diagnostics& diagnostics);

}  // namespace tapewatch

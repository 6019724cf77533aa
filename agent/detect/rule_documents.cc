// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_documents.h"

#include "detect/rule_loader_faults.h"

namespace tapewatch {
namespace {

void report(const YamlFault& fault, const YamlOptions& options, RuleFaults& faults) {
  switch (fault.kind) {
    case YamlFault::Kind::not_utf8:
      return faults.error(fault_number::not_utf8, fault.place, "not UTF-8", "save the file as UTF-8");
    case YamlFault::Kind::control_byte:
      return faults.error(fault_number::not_utf8, fault.place, "a control character, which YAML does not allow");
    case YamlFault::Kind::tab:
      return faults.error(fault_number::yaml_syntax, fault.place, "a tab as indentation", "use spaces");
    case YamlFault::Kind::key_not_text:
      return faults.error(fault_number::yaml_syntax, fault.place, "a key must be a plain text");
    case YamlFault::Kind::duplicate_key:
      return faults.error(fault_number::yaml_duplicate_key, fault.place, "duplicate key \"" + fault.text + "\"",
                          "first given in line " + std::to_string(fault.first.line));
    case YamlFault::Kind::alias_cycle:
      return faults.error(fault_number::yaml_alias, fault.place, "an alias inside the node that it stands for");
    case YamlFault::Kind::depth:
      return faults.error(fault_number::yaml_limit, fault.place,
                          "nested deeper than " + std::to_string(options.depth_max) + " levels");
    case YamlFault::Kind::nodes:
      return faults.error(fault_number::yaml_limit, fault.place,
                          "more than " + std::to_string(options.nodes_max) + " nodes in one document");
    case YamlFault::Kind::syntax:
    case YamlFault::Kind::anchor:  // these are faults of configurations alone
    case YamlFault::Kind::alias:
    case YamlFault::Kind::merge_key:
    case YamlFault::Kind::tag:
      return faults.error(fault_number::yaml_syntax, fault.place, fault.text);
  }
}

}  // namespace

RuleDocuments read_rule_documents(const std::string& file, std::string_view text, const YamlOptions& options,
                                  Diagnostics& diagnostics) {
  RuleDocuments read;
  RuleFaults faults(file, diagnostics);
  for (YamlDocument& document : read_yaml(text, options)) {
    for (const YamlFault& fault : document.faults) report(fault, options, faults);
    if (!document.faults.empty()) {
      ++read.rejected;
    } else if (!document.root.is_null()) {
      read.documents.push_back(std::move(document.root));
    }
  }
  return read;
}

}  // namespace tapewatch

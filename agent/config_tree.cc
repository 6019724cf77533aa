// SPDX-License-Identifier: Apache-2.0
#include "config_tree.h"

#include <algorithm>
#include <sstream>

#include "base/files.h"
#include "base/utf8.h"
#include "config_text.h"

namespace tapewatch {
namespace {

std::string syntax_hint(const std::string& message, std::string_view line) {
  if (line.find('%') != std::string_view::npos && message.find("token") != std::string::npos)
    return "a value that starts with % needs quotes";
  if (line.find('{') != std::string_view::npos || line.find('[') != std::string_view::npos)
    return "a value with { } [ ] or , in it needs quotes";
  if (message.find("map value") != std::string::npos) return "a value with \": \" in it needs quotes";
  if (message.find("end of map") != std::string::npos || message.find("end of sequence") != std::string::npos)
    return "is the indentation right?";
  return "";
}

void report_alias(const YamlPlace& place, ConfigFaults& faults) {
  faults.error(place, 109, "aliases are refused", "write the value out; a value that starts with * needs quotes");
}

void report_duplicate(const YamlFault& fault, ConfigFaults& faults) {
  const std::string name = "\"" + fault.text + "\"";
  faults.error(fault.place, 121, "duplicate key " + name, "first set in line " + std::to_string(fault.first.line));
  faults.warning(fault.first, 121, "key " + name + " is set here first",
                 "and again in line " + std::to_string(fault.place.line));
}

void report_unclosed(const Unclosed& unclosed, const YamlPlace& opening, ConfigFaults& faults) {
  const bool quote = unclosed.opened == '"' || unclosed.opened == '\'';
  faults.error(opening, 106, std::string(quote ? "quote" : "bracket") + " opened here is not closed",
               quote ? "close it in this line" : "");
}

// What stands at this place was reported; readers pass over it.
void refuse_at(YamlNode& node, const YamlPlace& place) {
  if (node.place.line == place.line && node.place.column == place.column && node.is_scalar())
    node.kind = YamlNode::Kind::refused;
  for (YamlNode& item : node.items) refuse_at(item, place);
  for (YamlMember& member : node.members) refuse_at(member.value, place);
}

void report_syntax(const YamlFault& fault, const std::string& text, YamlNode& root, ConfigFaults& faults) {
  const std::string& message = fault.text;
  if (message.find("anchor is not defined") != std::string::npos || message.find("alias") != std::string::npos)
    return report_alias(fault.place, faults);
  if (const auto unclosed = find_unclosed(text, fault.place.line)) {
    const YamlPlace opening{unclosed->line, unclosed->column, 1, fault.place.file};
    report_unclosed(*unclosed, opening, faults);
    return refuse_at(root, opening);  // it swallowed the lines below it
  }
  std::istringstream lines(text);
  std::string shown;
  for (int i = 0; i < fault.place.line; ++i) std::getline(lines, shown);
  faults.error(fault.place, 107, "not YAML: " + message, syntax_hint(message, shown));
}

void report(const YamlFault& fault, const std::string& text, YamlNode& root, ConfigFaults& faults) {
  switch (fault.kind) {
    case YamlFault::Kind::syntax:
      return report_syntax(fault, text, root, faults);
    case YamlFault::Kind::duplicate_key:
      return report_duplicate(fault, faults);
    case YamlFault::Kind::alias:
    case YamlFault::Kind::alias_cycle:
      return report_alias(fault.place, faults);
    case YamlFault::Kind::not_utf8:
      return faults.error(fault.place, 103, "not UTF-8", "save the file as UTF-8");
    case YamlFault::Kind::control_byte:
      return faults.error(fault.place, 104, "a control byte", "remove it, or write \"\\x..\" in quotes");
    case YamlFault::Kind::tab:
      return faults.error(fault.place, 105, "a tab in the indentation", "use spaces");
    case YamlFault::Kind::key_not_text:
      return faults.error(fault.place, 107, "a key must be text");
    case YamlFault::Kind::anchor:
      return faults.error(fault.place, 109, "anchors are refused", "write the value where it is used");
    case YamlFault::Kind::merge_key:
      return faults.error(fault.place, 109, "merge keys are refused", "write the keys out");
    case YamlFault::Kind::depth:
    case YamlFault::Kind::nodes:
      return faults.error(fault.place, 110, "nested deeper than 32 levels");
    case YamlFault::Kind::tag:
      return faults.error(fault.place, 111, "tags are refused", "quote a value that must be text");
  }
}

}  // namespace

ConfigFile read_config_text(int file, const std::string& text, ConfigFaults& faults) {
  YamlOptions options;
  options.nodes_max = config_bytes_max;  // never reached: a node takes a byte
  options.depth_max = static_cast<int>(nesting_max);
  options.references = false;
  options.file = file;
  std::vector<YamlDocument> documents = read_yaml(text, options);
  if (documents.empty()) return {};
  if (documents.size() > 1) {
    faults.error(documents[1].place, 108, "a second document starts here",
                 "one file holds one document; put the other into conf.d");
  }
  YamlDocument& first = documents.front();
  for (const YamlFault& fault : first.faults) report(fault, text, first.root, faults);
  return {std::move(first.root), first.whole};
}

void merge_config(YamlNode& base, YamlNode&& later) {
  if (base.kind != YamlNode::Kind::map || later.kind != YamlNode::Kind::map) {
    if (later.kind != YamlNode::Kind::null) base = std::move(later);
    return;
  }
  for (YamlMember& member : later.members) {
    const auto known = std::find_if(base.members.begin(), base.members.end(),
                                    [&](const YamlMember& m) { return m.key.text == member.key.text; });
    if (known == base.members.end()) {
      base.members.push_back(std::move(member));
      continue;
    }
    const bool lists = known->value.kind == YamlNode::Kind::list && member.value.kind == YamlNode::Kind::list;
    if (lists && (member.key.text == "inputs" || member.key.text == "from_logs" || member.key.text == "processes" ||
                  member.key.text == "scrape")) {
      for (YamlNode& item : member.value.items) known->value.items.push_back(std::move(item));
      continue;
    }
    known->key.place = member.key.place;
    merge_config(known->value, std::move(member.value));
  }
}

bool join_config_file(YamlNode& root, const std::string& path, ConfigFaults& faults) {
  const int file = faults.add_file(path);
  auto content = read_file(path, config_bytes_max);
  if (!content) {
    const Error& error = content.error();
    if (error.code == Code::limit) {
      faults.error({0, 0, 1, file}, 102, "larger than 1 MiB");
    } else {
      const bool absent = error.code == Code::not_found;
      faults.error({0, 0, 1, file}, 101, "cannot be read",
                   absent ? "there is no such file; `tapewatch init LOGFILE` writes one" : error.message);
    }
    return false;
  }
  std::string shown = redact_secrets(*content);
  if (!is_utf8(shown)) {
    for (char& c : shown) c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
  }
  faults.diagnostics().add_source(path, std::move(shown));
  if (!check_text(file, *content, faults)) return false;
  ConfigFile read = read_config_text(file, *content, faults);
  if (root.kind == YamlNode::Kind::refused) {
    root = std::move(read.root);
    if (root.is_null()) {
      root.kind = YamlNode::Kind::map;
      root.place = {0, 0, 1, file};
    }
  } else {
    merge_config(root, std::move(read.root));
  }
  return read.whole;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_pipeline.h"

#include <algorithm>

#include "detect/rule_documents.h"
#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

bool part_covers(const std::string& wanted, const std::string& given) { return wanted.empty() || wanted == given; }

void read_paths(const YamlNode& node, std::vector<std::string>& paths, RuleFaults& faults) {
  if (node.is_scalar()) {
    paths.push_back(node.text);
    return;
  }
  if (!node.is_list() || node.items.empty()) {
    faults.error(fault_number::wrong_type, node, "a path, or a list of paths");
    return;
  }
  for (const YamlNode& path : node.items) {
    if (path.is_scalar()) {
      paths.push_back(path.text);
    } else {
      faults.error(fault_number::wrong_type, path, "a path must be a text");
    }
  }
}

// `fields` and `under` of a file, or of one of its sources.
void read_names(const YamlNode& map, LogSourceMap& out, RuleFaults& faults) {
  if (const YamlNode* fields = map.find("fields"); fields != nullptr) {
    if (!fields->is_map()) {
      faults.error(fault_number::wrong_type, *fields, "fields must be a map", "fields: {Image: process.executable}");
      return;
    }
    for (const auto& [key, value] : fields->members) {
      std::vector<std::string> paths;
      read_paths(value, paths, faults);
      const auto same = [&name = key](const auto& field) { return field.first == name.text; };
      std::erase_if(out.fields, same);
      if (!paths.empty()) out.fields.emplace_back(key.text, std::move(paths));
    }
  }
  if (const YamlNode* under = map.find("under"); under != nullptr) read_paths(*under, out.under, faults);
}

// A search that rules can be joined with; its faults are told once, here.
void check_when(const LogSourceMap& map, RuleFaults& faults) {
  FieldTable fields;
  DetectionRule rule;
  (void)read_search(map.when, ItemLimits(), RuleFields(fields, &map), rule, faults);
}

}  // namespace

std::string LogSourceNames::text() const {
  std::string text;
  for (const std::string& part : {product, category, service}) {
    if (!part.empty()) text += (text.empty() ? "" : "/") + part;
  }
  return text;
}

bool LogSourceNames::covers(const LogSourceNames& other) const {
  return part_covers(product, other.product) && part_covers(category, other.category) &&
         part_covers(service, other.service);
}

void Pipelines::add_text(const std::string& file, std::string_view text, const YamlOptions& options,
                         Diagnostics& diagnostics) {
  diagnostics.add_source(file, std::string(text));
  for (const YamlNode& document : read_rule_documents(file, text, options, diagnostics).documents) {
    RuleFaults faults(file, diagnostics);
    const YamlNode* sources = document.is_map() ? document.find("sources") : nullptr;
    if (sources == nullptr || !sources->is_list()) {
      faults.error(fault_number::bad_pipeline, sources != nullptr ? *sources : document,
                   "a pipeline needs a list of sources");
      continue;
    }
    check_keys(document, {"pipeline", "fields", "under", "sources"}, "a pipeline", faults);
    LogSourceMap common;
    common.file = file;
    read_names(document, common, faults);
    for (const YamlNode& source : sources->items) {
      const int before = faults.errors();
      LogSourceMap map = common;
      if (!source.is_map() || source.find("logsource") == nullptr) {
        faults.error(fault_number::bad_pipeline, source, "a source needs a logsource");
        continue;
      }
      check_keys(source, {"logsource", "when", "fields", "under"}, "a source", faults);
      if (const auto names = read_log_source(source, faults)) {
        map.names = *names;
        if (names->empty()) faults.error(fault_number::bad_pipeline, source, "a logsource that names nothing");
      }
      read_names(source, map, faults);
      if (const YamlNode* when = source.find("when"); when != nullptr) {
        map.when = *when;
        check_when(map, faults);
      }
      if (faults.errors() == before) maps_.push_back(std::move(map));
    }
  }
}

std::vector<const LogSourceMap*> Pipelines::maps_of(const LogSourceNames& rule) const {
  std::vector<const LogSourceMap*> found;
  const auto parts = [](const LogSourceNames& names) {
    return (names.product.empty() ? 0 : 1) + (names.category.empty() ? 0 : 1) + (names.service.empty() ? 0 : 1);
  };
  int fewest = 4;
  for (const LogSourceMap& map : maps_) {
    if (rule.empty() || !rule.covers(map.names)) continue;
    if (parts(map.names) < fewest) found.clear();
    fewest = std::min(fewest, parts(map.names));
    if (parts(map.names) == fewest) found.push_back(&map);
  }
  return found;
}

namespace {

FieldId slot_of(FieldTable& table, std::string_view path) {
  if (const KeyNode::Entry* entry = table.root().find(path); entry != nullptr && entry->field != no_field) {
    return entry->field;
  }
  return table.add(path);
}

}  // namespace

FieldId rule_field(const RuleFields& fields, std::string_view path) {
  if (fields.map == nullptr) return slot_of(fields.table, path);
  const auto named = [path](const auto& field) { return field.first == path; };
  const auto& known = fields.map->fields;
  const auto mapped = std::find_if(known.begin(), known.end(), named);
  const std::vector<std::string> own = {std::string(path)};
  const std::vector<std::string>& paths = mapped == known.end() ? own : mapped->second;
  const FieldId slot = slot_of(fields.table, paths.front());
  for (const std::string& place : paths) {
    if (&place != &paths.front()) fields.table.alias(place, slot);
    for (const std::string& folder : fields.map->under) fields.table.alias(folder + "." + place, slot);
  }
  return slot;
}

}  // namespace tapewatch

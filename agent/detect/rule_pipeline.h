// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pipelines: what the log sources of rules mean here: which events are of a source, and what its fields are called in
// them. Read from files of their own before the rules. Owned by the RuleLoader. Thread: any.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/yaml.h"
#include "event/field_table.h"

namespace tapewatch {

// What a rule or a filter asks for; "" stands for anything.
struct LogSourceNames {
  std::string product;
  std::string category;
  std::string service;
  [[nodiscard]] bool empty() const { return product.empty() && category.empty() && service.empty(); }
  [[nodiscard]] std::string text() const;
  // Whether every part that this one sets is set alike in `other`.
  [[nodiscard]] bool covers(const LogSourceNames& other) const;
};

// One log source: its events satisfy `when`, a search as in a detection.
struct LogSourceMap {
  using Fields = std::vector<std::pair<std::string, std::vector<std::string>>>;
  LogSourceNames names;
  YamlNode when;                   // null: every event
  Fields fields;                   // a rule's name, and the paths it may stand at; the first is the field's own name
  std::vector<std::string> under;  // paths may stand below these too
  std::string file;
  [[nodiscard]] bool same_fields(const LogSourceMap& other) const {
    return fields == other.fields && under == other.under;
  }
};

class Pipelines final {
 public:
  void add_text(const std::string& file, std::string_view text, const YamlOptions& options, Diagnostics& diagnostics);
  // Those that set all that the rule sets, and nothing else if there are such: each is an alternative.
  [[nodiscard]] std::vector<const LogSourceMap*> maps_of(const LogSourceNames& rule) const;
  [[nodiscard]] bool empty() const { return maps_.empty(); }

 private:
  std::vector<LogSourceMap> maps_;
};

// The names of fields under one mapping.
struct RuleFields {
  FieldTable& table;
  const LogSourceMap* map = nullptr;
  RuleFields(FieldTable& fields, const LogSourceMap* mapping = nullptr)  // NOLINT(google-explicit-constructor)
      : table(fields), map(mapping) {}
};

// The slot of the field that rules call `path`. A source name that a schema has made an alias of another field is that
// field's slot.
[[nodiscard]] FieldId rule_field(const RuleFields& fields, std::string_view path);

}  // namespace tapewatch

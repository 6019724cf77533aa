// SPDX-License-Identifier: Apache-2.0
#pragma once
// RuleLoader: files of rules -> RuleSet. Every fault of every document is told in one run with its place; a bad rule is
// left out and the others are loaded. Names of fields become slots of the FieldTable, so whatever gives source names
// a meaning of their own (aliases of a schema) must have filled the table before. Thread: any.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/yaml.h"
#include "detect/rule.h"
#include "detect/rule_anomaly.h"
#include "detect/rule_loader_parts.h"
#include "event/field_table.h"

namespace tapewatch {

class RuleLoader final {
 public:
  struct Options {
    std::size_t file_bytes_max = 8 << 20;
    std::size_t rules_max = 20'000;
    YamlOptions yaml;
    ItemLimits items;
    LogSource log_source;  // what our events are
  };

  // What became of one document.
  struct Report {
    std::string file;
    int line = 0;
    std::string id;
    std::string title;
    bool loaded = false;
    std::string reason = {};  // why it was rejected: its first fault; or that nothing maps its log source
  };

  RuleLoader(FieldTable& fields, Options options, Diagnostics& diagnostics);

  // What log sources mean; before any rule.
  void add_pipeline_file(const std::string& path);
  void add_pipeline_text(const std::string& name, std::string_view text);
  void add_file(const std::string& path);
  void add_text(const std::string& name, std::string_view text);
  // Resolves what correlations refer to, and hands the rules over. Call once, after the last file.
  [[nodiscard]] RuleSet finish();
  [[nodiscard]] const std::vector<Report>& reports() const { return reports_; }

 private:
  struct Pending {
    enum class State : unsigned char { waiting, in_work, done };
    YamlNode document;
    std::string file;
    State state = State::waiting;
    std::optional<Anomaly> anomaly = {};  // it is one: `correlation` in the document is what it comes down to
  };
  void add_document(const std::string& file, YamlNode document);
  void add_detection(const std::string& file, const YamlNode& document);
  void read_under_maps(const YamlNode& detection, const std::vector<const LogSourceMap*>& maps, DetectionRule& rule,
                       RuleFaults& faults);
  void add_filter(const Pending& pending);
  [[nodiscard]] bool applies_to(const YamlNode& rules, const RuleHead& head) const;
  void check_filter_names(const YamlNode& rules, RuleFaults& faults) const;
  void add_correlation(Pending& pending);
  void add_flow(const Pending& pending);
  [[nodiscard]] bool add_inner(Pending& pending, RuleFaults& faults);
  [[nodiscard]] Pending* pending_named(std::string_view name);
  [[nodiscard]] bool unique(const RuleHead& head, const YamlNode& document, RuleFaults& faults);
  // `first`: of its faults, in the diagnostics.
  void reject(const std::string& file, const YamlNode& document, std::size_t first);
  [[nodiscard]] std::string reason_since(std::size_t first) const;

  FieldTable& fields_;
  const Options options_;
  Diagnostics& diagnostics_;
  RuleSet rules_;
  // Of each detection, while loading.
  struct Source {
    LogSourceNames names;
    const LogSourceMap* map = nullptr;
  };
  Pipelines pipelines_;
  std::vector<Source> sources_;
  std::vector<Pending> filters_;
  std::vector<Pending> correlations_;
  std::vector<Pending> flows_;
  std::vector<KnownRule> known_;  // while finishing
  std::vector<Report> reports_;
  struct Name {
    std::string text;
    std::string place;
  };
  std::vector<Name> names_;  // ids and names taken, sorted by text
};

// The files that `patterns` mean, sorted and without doubles: a file, a folder (every *.yaml and *.yml below it), or a
// glob with * ? [..] and ** for any folders. A pattern that means nothing is told.
[[nodiscard]] std::vector<std::string> find_rule_files(const std::vector<std::string>& patterns,
                                                       Diagnostics& diagnostics);

}  // namespace tapewatch

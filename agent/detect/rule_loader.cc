// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_loader.h"

#include <algorithm>

#include "base/check.h"
#include "base/files.h"
#include "detect/rule_documents.h"
#include "detect/rule_flow.h"
#include "detect/rule_form.h"

namespace tapewatch {
namespace {

std::string text_of(const YamlNode& document, std::string_view key) {
  const YamlNode* node = document.find(key);
  return node != nullptr && node->is_scalar() ? node->text : std::string();
}

void tell_no_rule(const YamlNode& document, RuleFaults& faults) {
  const std::vector<std::string_view> kinds = {"detection", "correlation", "filter", "anomaly", "flow"};
  for (const auto& [key, value] : document.members) {
    const std::string hint = RuleFaults::suggest(key.text, kinds);
    if (hint.empty()) continue;
    faults.error(fault_number::not_a_rule, key, "not a rule: unknown key \"" + key.text + "\"", hint);
    return;
  }
  faults.error(fault_number::not_a_rule, document, "not a rule: neither detection nor correlation");
}

}  // namespace

RuleLoader::RuleLoader(FieldTable& fields, Options options, Diagnostics& diagnostics)
    : fields_(fields), options_(std::move(options)), diagnostics_(diagnostics) {}

void RuleLoader::add_file(const std::string& path) {
  auto text = read_file(path, options_.file_bytes_max);
  if (!text.ok()) {
    diagnostics_.add({Severity::error, fault_number::unreadable, path, 0, 0, 1, text.error().message, ""});
    ++rules_.rejected;
    return;
  }
  add_text(path, *text);
}

void RuleLoader::add_pipeline_file(const std::string& path) {
  auto text = read_file(path, options_.file_bytes_max);
  if (text.ok()) {
    add_pipeline_text(path, *text);
  } else {
    diagnostics_.add({Severity::error, fault_number::unreadable, path, 0, 0, 1, text.error().message, ""});
  }
}

void RuleLoader::add_pipeline_text(const std::string& name, std::string_view text) {
  CHECK(rules_.size() == 0);  // rules point into the pipelines
  pipelines_.add_text(name, text, options_.yaml, diagnostics_);
}

void RuleLoader::add_text(const std::string& name, std::string_view text) {
  const std::size_t faults_before = diagnostics_.all().size();
  RuleDocuments read = read_rule_documents(name, text, options_.yaml, diagnostics_);
  rules_.rejected += read.rejected;
  for (std::size_t i = 0; i < read.rejected; ++i)
    reports_.push_back({name, 0, "", "", false, reason_since(faults_before)});
  for (YamlNode& document : read.documents) add_document(name, std::move(document));
  const bool correlates =
      (!correlations_.empty() && correlations_.back().file == name) || (!flows_.empty() && flows_.back().file == name);
  if (correlates || diagnostics_.all().size() > faults_before) diagnostics_.add_source(name, std::string(text));
}

void RuleLoader::reject(const std::string& file, const YamlNode& document, std::size_t first) {
  ++rules_.rejected;
  reports_.push_back(
      {file, document.place.line, text_of(document, "id"), text_of(document, "title"), false, reason_since(first)});
}

std::string RuleLoader::reason_since(std::size_t first) const {
  const auto& all = diagnostics_.all();
  for (std::size_t i = first; i < all.size(); ++i) {
    if (all[i].severity == Severity::error) return all[i].message;
  }
  return "";
}

void RuleLoader::add_document(const std::string& file, YamlNode document) {
  RuleFaults faults(file, diagnostics_);
  const std::size_t first = diagnostics_.all().size();
  if (!document.is_map()) {
    faults.error(fault_number::not_a_rule, document, "not a rule: the document is not a map");
    reject(file, document, first);
    return;
  }
  for (const char* key : {"tests", "sources"}) {  // tests and pipelines may stand beside rules
    if (document.find(key) != nullptr && document.find("detection") == nullptr) return;
  }
  const bool detection = document.find("detection") != nullptr;
  const bool correlation = document.find("correlation") != nullptr;
  const bool filter = document.find("filter") != nullptr && !detection && !correlation;
  std::optional<Anomaly> anomaly;
  const YamlNode* unusual = detection || correlation || filter ? nullptr : document.find("anomaly");
  if (unusual != nullptr) anomaly = read_anomaly(*unusual, faults);
  if (detection && correlation) {
    faults.error(fault_number::not_a_rule, document, "a rule is either a detection or a correlation");
  }
  const bool flow = !detection && !correlation && !filter && unusual == nullptr && document.find("flow") != nullptr;
  if (faults.errors() == 0 && !detection && !correlation && !filter && !anomaly && !flow)
    tell_no_rule(document, faults);
  if (faults.errors() == 0 && rules_.size() + correlations_.size() + flows_.size() >= options_.rules_max) {
    faults.error(fault_number::rule_limit, document, "more than " + std::to_string(options_.rules_max) + " rules");
  }
  if (faults.errors() > 0) {
    reject(file, document, first);
  } else if (detection) {
    add_detection(file, document);
  } else if (filter) {
    filters_.push_back({std::move(document), file, Pending::State::waiting, {}});
  } else if (flow) {
    flows_.push_back({std::move(document), file, Pending::State::waiting, {}});
  } else {
    if (anomaly) {
      YamlNode key;
      key.text = "correlation";
      document.members.push_back({std::move(key), std::move(anomaly->correlation)});
    }
    correlations_.push_back({std::move(document), file, Pending::State::waiting, std::move(anomaly)});
  }
}

bool RuleLoader::unique(const RuleHead& head, const YamlNode& document, RuleFaults& faults) {
  const std::string place = head.file + ":" + std::to_string(head.line);
  const auto before = [](const Name& name, std::string_view text) { return name.text < text; };
  for (const std::string& text : {head.id, head.name}) {
    const auto at = std::lower_bound(names_.begin(), names_.end(), text, before);
    if (text.empty() || at == names_.end() || at->text != text) continue;
    const YamlNode* node = nullptr;
    for (const char* key : {"title", "name", "id"}) node = text_of(document, key) == text ? document.find(key) : node;
    faults.error(fault_number::duplicate_rule, node != nullptr ? *node : document,
                 "another rule has the id or name \"" + text + "\" already", "it stands at " + at->place);
    return false;
  }
  for (const std::string& text : {head.id, head.name}) {
    const auto at = std::lower_bound(names_.begin(), names_.end(), text, before);
    if (!text.empty() && (at == names_.end() || at->text != text)) names_.insert(at, {text, place});
  }
  return true;
}

void RuleLoader::add_detection(const std::string& file, const YamlNode& document) {
  RuleFaults faults(file, diagnostics_);
  const std::size_t first = diagnostics_.all().size();
  DetectionRule rule;
  read_head(document, rule.head, faults);
  refuse_lasting(document, faults);
  const LogSourceNames names = read_log_source(document, faults).value_or(LogSourceNames());
  const std::vector<const LogSourceMap*> maps = pipelines_.maps_of(names);
  const LogSource& ours = options_.log_source;
  rule.applies = !maps.empty() || ((names.product.empty() || names.product == ours.product) &&
                                   (names.category.empty() || names.category == ours.category));
  if (!rule.applies) tell_unmapped(document, names, ours, faults);
  read_under_maps(*document.find("detection"), maps, rule, faults);
  if (faults.errors() > 0 || !unique(rule.head, document, faults)) {
    reject(file, document, first);
    return;
  }
  reports_.push_back({file, rule.head.line, rule.head.id, rule.head.title, true,
                      rule.applies ? "" : "nothing maps the log source " + names.text()});
  if (!rule.applies) ++rules_.unmapped;
  sources_.push_back({names, maps.empty() ? nullptr : maps.front()});
  rules_.detections.push_back(std::move(rule));
}

// The rule, and one of the log sources' own conditions. Where sources call their fields differently it is read once for
// each way.
void RuleLoader::read_under_maps(const YamlNode& detection, const std::vector<const LogSourceMap*>& maps,
                                 DetectionRule& rule, RuleFaults& faults) {
  if (maps.empty()) {
    read_detection(detection, options_.items, fields_, rule, faults);
    return;
  }
  const auto add = [&rule](Node node) {
    rule.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(rule.nodes.size() - 1);
  };
  std::vector<const LogSourceMap*> left = maps;
  Node ways{Node::Kind::any_of, 0, {}};
  while (!left.empty() && faults.errors() == 0) {
    const LogSourceMap& first = *left.front();
    const RuleFields names(fields_, &first);
    read_detection(detection, options_.items, names, rule, faults);
    if (faults.errors() > 0) return;
    const std::uint32_t root = rule.root;
    std::vector<std::uint32_t> conditions;
    bool always = false;
    std::erase_if(left, [&](const LogSourceMap* map) {
      if (!map->same_fields(first)) return false;
      always = always || map->when.is_null();
      if (!always) conditions.push_back(read_search(map->when, options_.items, names, rule, faults));
      return true;
    });
    if (always) {
      ways.children.push_back(root);
      continue;
    }
    const std::uint32_t any = add({Node::Kind::any_of, 0, std::move(conditions)});
    ways.children.push_back(add({Node::Kind::all_of, 0, {any, root}}));
  }
  rule.root = ways.children.size() == 1 ? ways.children.front() : add(std::move(ways));
}

RuleLoader::Pending* RuleLoader::pending_named(std::string_view name) {
  const auto named = [name](const Pending& p) {
    return !name.empty() && (text_of(p.document, "id") == name || text_of(p.document, "name") == name);
  };
  const auto found = std::find_if(correlations_.begin(), correlations_.end(), named);
  return found == correlations_.end() ? nullptr : &*found;
}

// The correlations that this one builds on come first, whatever the order of the files. False when a fault was told.
bool RuleLoader::add_inner(Pending& pending, RuleFaults& faults) {
  const YamlNode* rules = pending.document.find("correlation")->find("rules");
  if (rules == nullptr) return true;
  const std::vector<YamlNode> one = rules->is_scalar() ? std::vector<YamlNode>{*rules} : std::vector<YamlNode>{};
  bool good = true;
  for (const YamlNode& name : rules->is_scalar() ? one : rules->items) {
    const auto detection = [&name](const KnownRule& rule) {
      return !rule.correlation && (rule.id == name.text || rule.name == name.text);
    };
    Pending* inner = pending_named(name.text);
    if (inner == nullptr || std::any_of(known_.begin(), known_.end(), detection)) continue;
    if (inner->state == Pending::State::in_work) {
      faults.error(fault_number::correlation_cycle, name, "\"" + name.text + "\" builds on this correlation itself");
      good = false;
    } else if (inner->state == Pending::State::waiting) {
      add_correlation(*inner);
    }
  }
  return good;
}

void RuleLoader::add_correlation(Pending& pending) {
  RuleFaults faults(pending.file, diagnostics_);
  const std::size_t first = diagnostics_.all().size();
  pending.state = Pending::State::in_work;
  CorrelationRule rule;
  read_head(pending.document, rule.head, faults);
  bool generate = false;
  if (add_inner(pending, faults)) {
    generate = read_correlation(*pending.document.find("correlation"), known_, fields_, rule, faults);
  }
  if (pending.anomaly) apply_anomaly(*pending.anomaly, rule);
  if (!rule.lasts()) refuse_lasting(pending.document, faults);
  rule.points_min = std::max(rule.points_min, rule.head.alert.samples_min);
  pending.state = Pending::State::done;
  if (faults.errors() > 0 || !unique(rule.head, pending.document, faults)) {
    reject(pending.file, pending.document, first);
    return;
  }
  for (const CorrelationRule::Source& source : rule.rules) {
    RuleHead& head = source.correlation ? rules_.correlations[source.index].head : rules_.detections[source.index].head;
    head.generated = head.generated || generate;
    head.silent = !head.generated;
  }
  KnownRule known{rule.head.id, rule.head.name, true, static_cast<std::uint32_t>(rules_.correlations.size()),
                  {},           nullptr};
  for (const auto& field : rule.group_by) known.group_by.push_back(field.name);
  known_.push_back(std::move(known));
  reports_.push_back({pending.file, rule.head.line, rule.head.id, rule.head.title, true});
  rules_.correlations.push_back(std::move(rule));
}

void RuleLoader::add_flow(const Pending& pending) {
  RuleFaults faults(pending.file, diagnostics_);
  const std::size_t first = diagnostics_.all().size();
  FlowRule rule;
  read_head(pending.document, rule.head, faults);
  const bool generate = read_flow(*pending.document.find("flow"), known_, fields_, rule, faults);
  refuse_lasting(pending.document, faults);
  if (faults.errors() > 0 || !unique(rule.head, pending.document, faults)) {
    reject(pending.file, pending.document, first);
    return;
  }
  for (const FlowRule::Step& step : rule.steps) {
    for (const FlowRule::Source& source : step.sources) {
      RuleHead& head = rules_.detections[source.rule].head;
      head.generated = head.generated || generate;
      head.silent = !head.generated;
    }
  }
  reports_.push_back({pending.file, rule.head.line, rule.head.id, rule.head.title, true});
  rules_.flows.push_back(std::move(rule));
}

RuleSet RuleLoader::finish() {
  for (std::uint32_t i = 0; i < rules_.detections.size(); ++i) {
    const RuleHead& head = rules_.detections[i].head;
    known_.push_back({head.id, head.name, false, i, {}, sources_[i].map});
  }
  for (const Pending& pending : filters_) add_filter(pending);
  filters_.clear();
  for (Pending& pending : correlations_) {
    if (pending.state == Pending::State::waiting) add_correlation(pending);
  }
  correlations_.clear();
  for (const Pending& pending : flows_) add_flow(pending);
  flows_.clear();
  known_.clear();
  set_forms(rules_, fields_);
  return std::move(rules_);
}

}  // namespace tapewatch

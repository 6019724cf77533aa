// SPDX-License-Identifier: Apache-2.0
#include "log_series.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "detect/rule_loader_parts.h"
#include "event/shown_value.h"

namespace tapewatch {
namespace {

constexpr std::int64_t expiry_interval_ns = 5 * ns_per_second;
constexpr std::string_view masked_text = "_masked";
constexpr std::size_t route_segments_max = 10;
constexpr std::size_t segment_bytes_max = 40;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first value that is text or a number.
ValueView* first_of(EventValues& values, FieldId field) {
  for (ValueView& value : values.of(field)) {
    if (value.is_text()) return &value;
  }
  return nullptr;
}

// "v2" and "orders" are names; "17", "ORD-000123" and "4bf92f35..." are not.
bool is_identifier(std::string_view segment) {
  const auto digits = static_cast<std::size_t>(std::count_if(segment.begin(), segment.end(), is_digit));
  return segment.size() > segment_bytes_max || digits >= 3 || (digits > 0 && digits == segment.size()) ||
         segment.find_first_of("@%=;") != std::string_view::npos;
}

// At most label_bytes_max bytes, cut between characters.
void cut(std::string& text) { text.resize(utf8_cut(text, label_bytes_max)); }

void append_formed(std::string& out, std::string_view text, LogMetricConfig::Form form) {
  switch (form) {
    case LogMetricConfig::Form::plain:
      out.append(text);
      break;
    case LogMetricConfig::Form::lower:
      for (const char c : text) out.push_back(ascii_lower(c));
      break;
    case LogMetricConfig::Form::route:
      append_route(out, text);
      break;
    case LogMetricConfig::Form::status_class:
      if (text.size() == 3 && std::all_of(text.begin(), text.end(), is_digit)) {
        out.append({text[0], 'x', 'x'});
      } else {
        out.append("other");
      }
      break;
  }
}

FamilyType family_type(LogMetricConfig::Type type) {
  switch (type) {
    case LogMetricConfig::Type::counter:
      return FamilyType::counter;
    case LogMetricConfig::Type::gauge:
      return FamilyType::gauge;
    case LogMetricConfig::Type::histogram:
      break;
  }
  return FamilyType::histogram;
}

DerivedOptions derived_options(const LogMetricConfig& config) {
  DerivedOptions options;
  options.name = config.name;
  options.help = config.help;
  options.type = family_type(config.type);
  options.unit = unit_of(config.name);
  for (const LogMetricConfig::Label& label : config.labels) options.labels.push_back(label.name);
  if (config.type == LogMetricConfig::Type::histogram) options.bounds = config.buckets;
  options.series_max = config.series_max;
  options.idle_ns = std::chrono::nanoseconds(config.expire_after).count();
  options.exemplars = config.exemplars && config.type != LogMetricConfig::Type::gauge;
  return options;
}

// A search for lines that have the field.
YamlNode has_field(const std::string& field) {
  YamlMember member;
  member.key.kind = YamlNode::Kind::scalar;
  member.key.text = field + "|exists";
  member.value.kind = YamlNode::Kind::scalar;
  member.value.text = "true";
  YamlNode search;
  search.kind = YamlNode::Kind::map;
  search.members.push_back(std::move(member));
  return search;
}

// False when a fault was told.
bool read_condition(const LogMetricConfig& metric, FieldTable& fields, Diagnostics& diagnostics, DetectionRule& rule) {
  RuleFaults faults(metric.file, diagnostics);
  const ItemLimits limits;
  if (metric.is_detection) {
    read_detection(metric.condition, limits, fields, rule, faults);
  } else {
    const YamlNode search = metric.condition.is_null() ? has_field(metric.value) : metric.condition;
    rule.root = read_search(search, limits, fields, rule, faults);
  }
  rule.head.id = metric.name;
  return faults.errors() == 0;
}

bool read_since(const LogMetricConfig& metric, FieldTable& fields, Diagnostics& diagnostics, DetectionRule& rule) {
  RuleFaults faults(metric.since_file, diagnostics);
  rule.root = read_search(metric.since, ItemLimits(), fields, rule, faults);
  rule.head.id = metric.name;
  return faults.errors() == 0;
}

}  // namespace

void append_route(std::string& out, std::string_view path) {
  if (const std::size_t scheme = path.find("://"); scheme < path.find('/')) {
    path.remove_prefix(std::min(path.find('/', scheme + 3), path.size()));
  }
  path = path.substr(0, path.find_first_of("?#"));
  std::size_t segments = 0;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (++segments > route_segments_max) {
      out.append("/...");
      return;
    }
    out.append("/").append(is_identifier(segment) ? ":id" : segment);
  }
  if (!path.empty()) out.append("other");  // no path
}

void StartTimes::add(const Hash128& key, std::int64_t time_ns) {
  if (!starts_.try_emplace(key, time_ns).second) return;
  order_.emplace_back(key, time_ns);
  while (starts_.size() > count_max_ || order_.size() > 2 * count_max_ ||
         time_ns - order_.front().second > window_ns_) {
    forget_oldest();
  }
}

std::optional<std::int64_t> StartTimes::take(const Hash128& key, std::int64_t time_ns) {
  const auto known = starts_.find(key);
  if (known == starts_.end()) return std::nullopt;
  const std::int64_t elapsed_ns = time_ns - known->second;
  starts_.erase(known);
  if (elapsed_ns > window_ns_) return std::nullopt;
  return elapsed_ns;
}

void StartTimes::forget_oldest() {
  const auto known = starts_.find(order_.front().first);
  if (known != starts_.end() && known->second == order_.front().second) starts_.erase(known);
  order_.pop_front();
}

std::unique_ptr<LogSeries> LogSeries::open(const MetricsConfig& config, FieldTable& fields, AgentMetrics& metrics,
                                           Diagnostics& diagnostics) {
  Parts parts;
  for (const LogMetricConfig& from : config.from_logs) {
    const auto index = static_cast<std::uint32_t>(parts.metrics.size());
    DetectionRule condition;
    DetectionRule since;
    bool good = read_condition(from, fields, diagnostics, condition);
    if (!from.since.is_null()) good = read_since(from, fields, diagnostics, since) && good;
    if (!good) continue;
    parts.metrics.push_back(make(from, fields, metrics));
    // A line that is both ends what was, and begins anew.
    parts.conditions.push_back(std::move(condition));
    parts.purposes.push_back({index, false});
    if (from.since.is_null()) continue;
    parts.conditions.push_back(std::move(since));
    parts.purposes.push_back({index, true});
  }
  if (parts.metrics.empty()) return nullptr;
  return std::unique_ptr<LogSeries>(new LogSeries(std::move(parts), fields));
}

LogSeries::Metric LogSeries::make(const LogMetricConfig& from, FieldTable& fields, AgentMetrics& metrics) {
  Metric metric;
  metric.type = from.type;
  metric.scale = from.scale;
  const auto skipped = [&](const char* reason) { return &metrics.derived_skipped.with({from.name, reason}); };
  if (!from.value.empty()) {
    metric.value = rule_field(fields, from.value);
    metric.no_value = skipped("no_value");
    metric.not_a_number = skipped("not_a_number");
    if (from.type == LogMetricConfig::Type::counter) metric.negative = skipped("negative");
  }
  if (!from.since.is_null()) {
    metric.pair_key = rule_field(fields, from.key);
    metric.starts = std::make_unique<StartTimes>(from.pairs_max, std::chrono::nanoseconds(from.window).count());
    metric.no_start = skipped("no_start");
    metric.negative = skipped("negative");
  }
  for (const LogMetricConfig::Label& label : from.labels) {
    metric.labels.push_back({rule_field(fields, label.field), label.form});
  }
  metric.shard = &metrics.add_derived(derived_options(from)).add_shard();
  return metric;
}

LogSeries::LogSeries(Parts parts, FieldTable& fields)
    : parts_(std::move(parts)),
      trace_id_(fields.add("trace.id")),
      correlation_id_(fields.add("labels.correlation_id")),
      seed_(random64()),
      matcher_(parts_.conditions) {}

void LogSeries::see(Event& event, std::string_view document, std::int64_t now_ns) {
  matcher_.match(event, matched_);
  for (const std::uint32_t index : matched_) {
    const Purpose& purpose = parts_.purposes[index];
    const Metric& metric = parts_.metrics[purpose.metric];
    if (purpose.starts) {
      start(metric, event);
    } else {
      count(metric, event, document, now_ns);
    }
  }
}

void LogSeries::start(const Metric& metric, const Event& event) {
  const ValueView* key = first_of(matcher_.values(), metric.pair_key);
  if (key != nullptr) metric.starts->add(hash128(key->text, seed_), event.time_ns);
}

bool LogSeries::time_since(const Metric& metric, const Event& event, double& seconds) {
  const ValueView* key = first_of(matcher_.values(), metric.pair_key);
  const auto elapsed_ns = key == nullptr ? std::nullopt : metric.starts->take(hash128(key->text, seed_), event.time_ns);
  if (!elapsed_ns || *elapsed_ns < 0) {
    (elapsed_ns ? metric.negative : metric.no_start)->add();
    return false;
  }
  seconds = static_cast<double>(*elapsed_ns) / 1e9;
  return true;
}

void LogSeries::turn(std::int64_t now_ns) {
  if (now_ns < next_expiry_ns_) return;
  next_expiry_ns_ = now_ns + expiry_interval_ns;
  for (const Metric& metric : parts_.metrics) metric.shard->expire(now_ns);
}

void LogSeries::count(const Metric& metric, Event& event, std::string_view document, std::int64_t now_ns) {
  double number = 1;
  if (metric.value != no_field && !number_of(metric, number)) return;
  if (metric.starts != nullptr && !time_since(metric, event, number)) return;
  DerivedShard& shard = *metric.shard;
  DerivedSeries& series = shard.with(metric.labels.empty() ? Hash128{} : key_of(metric), now_ns,
                                     [&] { return labels_of(metric, event, document); });
  std::size_t bucket = 0;
  switch (metric.type) {
    case LogMetricConfig::Type::counter:
      shard.add(series, number);
      break;
    case LogMetricConfig::Type::gauge:
      shard.set(series, number, now_ns);
      return;
    case LogMetricConfig::Type::histogram:
      bucket = shard.observe(series, number);
      break;
  }
  shard.exemplify(series, bucket, number, trace_of(), event.time_ns);
}

bool LogSeries::number_of(const Metric& metric, double& number) {
  const ValueView* value = first_of(matcher_.values(), metric.value);
  if (value == nullptr) {
    metric.no_value->add();
    return false;
  }
  const std::string_view text = trimmed(value->text);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(number)) {
    metric.not_a_number->add();
    return false;
  }
  number *= metric.scale;
  if (metric.negative == nullptr || number >= 0) return true;
  metric.negative->add();
  return false;
}

Hash128 LogSeries::key_of(const Metric& metric) {
  key_.clear();
  for (const Label& label : metric.labels) {
    const std::size_t begin = key_.size();
    if (const ValueView* value = first_of(matcher_.values(), label.field)) append_formed(key_, value->text, label.form);
    const std::uint64_t bytes = key_.size() - begin;  // so that ("ab", "") is not ("a", "b")
    key_.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  }
  return hash128(key_, seed_);
}

// Made once for each set of values: here there is time to see whether masking let them through.
std::vector<std::string> LogSeries::labels_of(const Metric& metric, Event& event, std::string_view document) {
  std::vector<std::string> labels;
  for (const Label& label : metric.labels) {
    std::string& text = labels.emplace_back();
    const ValueView* value = first_of(matcher_.values(), label.field);
    if (value == nullptr) continue;
    const FieldValue& field = event.field(label.field);
    const bool of_stage = field.key_bytes == 0 && field.type == JsonType::string;
    const bool open = of_stage || document_shows(document, field);
    append_formed(text, open ? value->text : masked_text, label.form);
    cut(text);
  }
  return labels;
}

std::string_view LogSeries::trace_of() {
  for (const FieldId field : {trace_id_, correlation_id_}) {
    if (const ValueView* value = first_of(matcher_.values(), field)) return value->text;
  }
  return {};
}

}  // namespace tapewatch

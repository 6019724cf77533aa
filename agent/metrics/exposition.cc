// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/ascii.h"

namespace tapewatch {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr double whole_max = 9007199254740992.0;  // beyond 2^53 not every whole number has a double

// The weight of one media range of an Accept header, 1 without one.
double quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view one = trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (one.substr(0, 2) != "q=") continue;
    double quality = 0;
    const auto read = std::from_chars(one.data() + 2, one.data() + one.size(), quality);
    return read.ec == std::errc() ? quality : 0;
  }
  return 1;
}

std::string_view type_word(FamilyType type, MetricsFormat format) {
  const bool open = format == MetricsFormat::openmetrics;
  switch (type) {
    case FamilyType::counter:
      return "counter";
    case FamilyType::gauge:
      return "gauge";
    case FamilyType::histogram:
      return "histogram";
    case FamilyType::gauge_histogram:
      return open ? "gaugehistogram" : "untyped";
    case FamilyType::summary:
      return "summary";
    case FamilyType::info:
      return open ? "info" : "gauge";
    case FamilyType::state_set:
      return open ? "stateset" : "gauge";
    case FamilyType::unknown:
      break;
  }
  return open ? "unknown" : "untyped";
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
}

void append_head(std::string& out, const std::string& name, std::string_view type, const SampleFamily& family,
                 MetricsFormat format) {
  const bool open = format == MetricsFormat::openmetrics;
  if (!family.help.empty()) {
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, family.help, open);
    out.push_back('\n');
  }
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  if (open && !family.unit.empty() && name.ends_with("_" + family.unit)) {
    out.append("# UNIT ").append(name).append(" ").append(family.unit).append("\n");
  }
}

// Milliseconds, as the text form has them; "" when the text is no time.
std::string milliseconds_text(const std::string& seconds) {
  double value = 0;
  const auto read = std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
  if (read.ec != std::errc() || !std::isfinite(value) || std::abs(value) > 1e15) return "";
  return std::to_string(std::llround(value * 1000));
}

// le="1.0" of OpenMetrics as the text form writes it: le="1".
std::string text_labels(const std::string& labels) {
  const std::size_t at = labels.rfind("le=\"");
  if (at == std::string::npos || !labels.ends_with(".0\"") || (at > 0 && labels[at - 1] != ',')) return labels;
  return labels.substr(0, labels.size() - 3) + "\"";
}

void append_sample(std::string& out, const SampleFamily& family, const Sample& sample, MetricsFormat format) {
  const bool open = format == MetricsFormat::openmetrics;
  out.append(family.name).append(sample.suffix);
  if (!sample.labels.empty()) {
    out.push_back('{');
    out.append(!open && sample.suffix == "_bucket" ? text_labels(sample.labels) : sample.labels);
    out.push_back('}');
  }
  out.append(" ").append(sample.value);
  if (!sample.timestamp.empty()) {
    const std::string time = open ? sample.timestamp : milliseconds_text(sample.timestamp);
    if (!time.empty()) out.append(" ").append(time);
  }
  if (open && !sample.exemplar.empty()) out.append(" # ").append(sample.exemplar);
  out.push_back('\n');
}

void append_openmetrics(std::string& out, const SampleFamily& family) {
  FamilyType type = family.type;
  // A counter without _total is none for OpenMetrics; its name matters more to who asks for it than its type.
  const auto bare = [](const Sample& sample) { return sample.suffix.empty(); };
  if (type == FamilyType::counter && std::any_of(family.samples.begin(), family.samples.end(), bare)) {
    type = FamilyType::unknown;
  }
  append_head(out, family.name, type_word(type, MetricsFormat::openmetrics), family, MetricsFormat::openmetrics);
  for (const Sample& sample : family.samples) append_sample(out, family, sample, MetricsFormat::openmetrics);
}

// _created is a family of its own here.
void append_text(std::string& out, const SampleFamily& family) {
  const auto created = [](const Sample& sample) { return sample.suffix == "_created"; };
  std::string name = family.name;
  const bool named = family.type == FamilyType::counter || family.type == FamilyType::info;
  if (named) {
    const auto first = std::find_if_not(family.samples.begin(), family.samples.end(), created);
    name += first != family.samples.end() ? first->suffix : family.type == FamilyType::counter ? "_total" : "_info";
  }
  append_head(out, name, type_word(family.type, MetricsFormat::text), family, MetricsFormat::text);
  for (const Sample& sample : family.samples) {
    if (!created(sample)) append_sample(out, family, sample, MetricsFormat::text);
  }
  if (std::none_of(family.samples.begin(), family.samples.end(), created)) return;
  out.append("# TYPE ").append(family.name).append("_created gauge\n");
  for (const Sample& sample : family.samples) {
    if (created(sample)) append_sample(out, family, sample, MetricsFormat::text);
  }
}

}  // namespace

std::string_view content_type_of(MetricsFormat format) {
  return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                              : "text/plain; version=0.0.4; charset=utf-8";
}

MetricsFormat negotiated_format(std::string_view accept) {
  double open = 0;
  double text = 0;
  while (!accept.empty()) {
    const std::size_t end = std::min(accept.find(','), accept.size());
    const std::string_view range = accept.substr(0, end);
    accept.remove_prefix(std::min(end + 1, accept.size()));
    const std::size_t mark = std::min(range.find(';'), range.size());
    const std::string_view type = trimmed(range.substr(0, mark));
    const std::string_view parameters = range.substr(std::min(mark + 1, range.size()));
    if (same_ascii_word(type, "application/openmetrics-text")) open = std::max(open, quality_of(parameters));
    if (same_ascii_word(type, "text/plain")) text = std::max(text, quality_of(parameters));
  }
  return open > 0 && open >= text ? MetricsFormat::openmetrics : MetricsFormat::text;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::floor(value) && std::abs(value) < whole_max) return std::to_string(std::llround(value));
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

std::string bound_text(double bound) {
  std::string text = number_text(bound);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string exemplar_text(const Exemplar& exemplar) {
  std::string labels;
  append_label(labels, "trace_id", exemplar.trace_id);
  std::array<char, 32> time{};
  (void)std::snprintf(time.data(), time.size(), " %lld.%03lld",
                      static_cast<long long>(exemplar.time_ns / (1000 * ns_per_ms)),
                      static_cast<long long>(exemplar.time_ns / ns_per_ms % 1000));
  return "{" + labels + "} " + number_text(exemplar.value) + time.data();
}

void append_label(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels.push_back(',');
  labels.append(name).append("=\"");
  append_escaped(labels, value, true);
  labels.push_back('"');
}

SampleFamily family_of(std::string_view name, FamilyType type, std::string_view help) {
  return {family_and_suffix(name, type).first, type, std::string(help), std::string(unit_of(name)), {}};
}

void add_sample(SampleFamily& family, Labels labels, double value) {
  Sample sample;
  if (family.type == FamilyType::counter) sample.suffix = "_total";
  for (const auto& [name, text] : labels) append_label(sample.labels, name, text);
  sample.value = number_text(value);
  family.samples.push_back(std::move(sample));
}

void append_histogram(SampleFamily& family, const std::string& labels, const std::vector<double>& bounds,
                      const std::vector<std::uint64_t>& counts, double sum, const std::vector<Exemplar>& exemplars) {
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < counts.size(); ++at) {
    total += counts[at];
    Sample bucket{"_bucket", labels, std::to_string(total), {}, {}};
    append_label(bucket.labels, "le", at < bounds.size() ? bound_text(bounds[at]) : "+Inf");
    if (at < exemplars.size() && !exemplars[at].trace_id.empty()) bucket.exemplar = exemplar_text(exemplars[at]);
    family.samples.push_back(std::move(bucket));
  }
  family.samples.push_back({"_sum", labels, number_text(sum), {}, {}});
  family.samples.push_back({"_count", labels, std::to_string(total), {}, {}});
}

std::pair<std::string, std::string> family_and_suffix(std::string_view name, FamilyType type) {
  const std::string_view suffix = type == FamilyType::counter ? "_total" : type == FamilyType::info ? "_info" : "";
  if (suffix.empty() || !name.ends_with(suffix) || name.size() == suffix.size()) return {std::string(name), ""};
  return {std::string(name.substr(0, name.size() - suffix.size())), std::string(suffix)};
}

std::string_view unit_of(std::string_view name) {
  if (name.ends_with("_total")) name.remove_suffix(6);
  return name.ends_with("_seconds") ? "seconds" : name.ends_with("_bytes") ? "bytes" : "";
}

std::size_t merge_families(std::vector<SampleFamily>& families) {
  std::map<std::string, std::size_t> known;
  std::vector<SampleFamily> merged;
  std::size_t left_out = 0;
  for (SampleFamily& family : families) {
    const auto [it, added] = known.try_emplace(family.name, merged.size());
    if (added) {
      merged.push_back(std::move(family));
      continue;
    }
    SampleFamily& first = merged[it->second];
    if (first.type != family.type) {
      ++left_out;
      continue;
    }
    if (first.help.empty()) first.help = std::move(family.help);
    std::move(family.samples.begin(), family.samples.end(), std::back_inserter(first.samples));
  }
  families = std::move(merged);
  return left_out;
}

std::string serialize(const std::vector<SampleFamily>& families, MetricsFormat format) {
  std::string out;
  for (const SampleFamily& family : families) {
    format == MetricsFormat::openmetrics ? append_openmetrics(out, family) : append_text(out, family);
  }
  if (format == MetricsFormat::openmetrics) out += "# EOF\n";
  return out;
}

}  // namespace tapewatch

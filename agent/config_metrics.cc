// SPDX-License-Identifier: Apache-2.0
#include "config_metrics.h"

#include <algorithm>

#include "config_check.h"
#include "config_tree.h"
#include "detect/rule_loader.h"
#include "metrics/exposition.h"

namespace tapewatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t metrics_max = 500;
constexpr std::size_t labels_max = 10;
constexpr std::size_t buckets_max = 100;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

struct Unit {
  std::string_view name;
  std::string_view of;  // what the metric's name ends in
  double scale;
};
constexpr Unit units[] = {
    {"ns", "seconds", 1e-9},
    {"us", "seconds", 1e-6},
    {"ms", "seconds", 1e-3},
    {"s", "seconds", 1},
    {"m", "seconds", 60},
    {"h", "seconds", 3600},
    {"B", "bytes", 1},
    {"KB", "bytes", 1e3},
    {"KiB", "bytes", 1024},
    {"MB", "bytes", 1e6},
    {"MiB", "bytes", 1024 * 1024},
    {"GB", "bytes", 1e9},
    {"GiB", "bytes", 1024.0 * 1024 * 1024},
};

// Words that a name ends in and that are no base unit, and what to write instead.
struct Wrong {
  std::string_view word;
  std::string_view unit;
  std::string_view base;
};
constexpr Wrong wrong_units[] = {
    {"ns", "ns", "seconds"},
    {"nanoseconds", "ns", "seconds"},
    {"us", "us", "seconds"},
    {"microseconds", "us", "seconds"},
    {"ms", "ms", "seconds"},
    {"millis", "ms", "seconds"},
    {"milliseconds", "ms", "seconds"},
    {"minutes", "m", "seconds"},
    {"hours", "h", "seconds"},
    {"kb", "KB", "bytes"},
    {"kilobytes", "KB", "bytes"},
    {"kib", "KiB", "bytes"},
    {"mb", "MB", "bytes"},
    {"megabytes", "MB", "bytes"},
    {"mib", "MiB", "bytes"},
    {"gb", "GB", "bytes"},
    {"gigabytes", "GB", "bytes"},
};

// Fields that hold another value with almost every line.
constexpr std::string_view endless_fields[] = {
    "trace.id",         "span.id",     "transaction.id", "labels.correlation_id",
    "order.id",         "trade.id",    "session.id",     "user.id",
    "user.name",        "user.email",  "user.target.id", "source.ip",
    "client.ip",        "approval.id", "message",        "log.file.path",
    "log.offset",       "@timestamp",  "event.id",       "event.hash",
    "url.full",         "url.path",    "url.original",   "error.message",
    "error.stack_trace"};

bool is_word(std::string_view name, bool digits_first = false) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz_";
  return !name.empty() && name.size() <= 200 &&
         name.find_first_not_of(std::string(letters) + "0123456789") == std::string_view::npos &&
         (digits_first || letters.find(name[0]) != std::string_view::npos);
}

std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty() && out.back() != '_') out.push_back('_');
    const char lower = upper ? static_cast<char>(c + 32) : c;
    out.push_back((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ? lower : '_');
  }
  return out;
}

std::string_view without(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

// What is wrong with the name, and the mend; "" when it is good.
std::pair<std::string, std::string> name_fault(std::string_view name, LogMetricConfig::Type type) {
  if (!is_word(name)) {
    const std::string better = snake_case(name);
    return {"cannot be the name of a metric",
            is_word(better) ? "did you mean " + quoted(better) + "?" : "use small letters, digits and _"};
  }
  for (const std::string_view prefix : {"tapewatch_", "process_", "scrape_", "__"}) {
    if (name.starts_with(prefix))
      return {"begins with " + quoted(prefix) + ", which is taken", "use a name of your own"};
  }
  if (name == "up") return {"is taken", "use a name of your own"};
  for (const std::string_view end : {"_bucket", "_count", "_sum", "_info", "_created"}) {
    if (!name.ends_with(end)) continue;
    return {"ends in " + quoted(end) + ", which belongs to other types",
            "did you mean " +
                quoted(std::string(without(name, end)) + (type == LogMetricConfig::Type::counter ? "_total" : "")) +
                "?"};
  }
  const bool counter = type == LogMetricConfig::Type::counter;
  if (counter != name.ends_with("_total")) {
    return {
        counter ? "is a counter and must end in _total" : "ends in _total, which belongs to counters",
        "did you mean " + quoted(counter ? std::string(name) + "_total" : std::string(without(name, "_total"))) + "?"};
  }
  const std::string_view base = without(name, "_total");
  for (const Wrong& wrong : wrong_units) {
    if (!base.ends_with("_" + std::string(wrong.word))) continue;
    const std::string mended = std::string(base.substr(0, base.size() - wrong.word.size())) + std::string(wrong.base) +
                               (counter ? "_total" : "");
    return {"is not in a base unit", "did you mean " + quoted(mended) + " with unit: " + std::string(wrong.unit) + "?"};
  }
  return {};
}

void check_name(ConfigSection& s, const LogMetricConfig& metric) {
  if (!s.has("name")) return s.missing("name", "write name: orders_total");
  if (metric.name.empty()) return;
  const auto [fault, hint] = name_fault(metric.name, metric.type);
  if (!fault.empty()) s.error(s.place_of_value("name"), 160, s.written("name") + " " + fault, hint);
}

// Sets the scale from the field's unit to that of the name.
void read_unit(ConfigSection& s, LogMetricConfig& metric) {
  const std::string_view base = unit_of(metric.name);
  std::string unit;
  if (metric.value == "event.duration" && base == "seconds") unit = "ns";  // as ECS has it
  s.text("unit", unit);
  if (unit.empty()) return;
  const auto named = [&](const Unit& one) { return one.name == unit; };
  const Unit* known = std::find_if(std::begin(units), std::end(units), named);
  const bool fits = known != std::end(units) && known->of == base;
  if (fits) {
    metric.scale = known->scale;
    return;
  }
  std::string hint = "a unit belongs to names that end in _seconds or _bytes (before _total)";
  if (!base.empty()) {
    hint = "allowed:";
    for (const Unit& one : units) {
      if (one.of == base) hint += (hint.back() == ':' ? " " : ", ") + std::string(one.name);
    }
  }
  s.error(s.place_of_value("unit"), 164, s.written("unit") + " is no unit of " + quoted(metric.name), hint);
}

LogMetricConfig::Label read_label(ConfigSection& s, const YamlMember& member) {
  LogMetricConfig::Label label;
  label.name = member.key.text;
  if (member.value.is_map()) {
    ConfigSection one = s.member_section("labels", member);
    using Form = LogMetricConfig::Form;
    one.text("field", label.field);
    one.choice<Form>(
        "as", label.form,
        {{"plain", Form::plain}, {"lower", Form::lower}, {"route", Form::route}, {"status_class", Form::status_class}});
    if (!one.has("field")) one.missing("field", "write {field: url.path, as: route}");
    one.finish();
  } else if (member.value.is_scalar()) {
    label.field = member.value.text;
  } else {
    s.error(member.key.place, 120, "label " + quoted(label.name) + " must be a field or {field: NAME, as: FORM}");
  }
  const bool taken = label.name == "le" || label.name == "quantile" || label.name == "job" ||
                     label.name == "instance" || label.name == "trace_id" || label.name.starts_with("__");
  if (taken || !is_word(label.name)) {
    s.error(member.key.place, 162, quoted(label.name) + (taken ? " is taken as a label" : " cannot be a label"),
            taken ? "use another name" : "did you mean " + quoted(snake_case(label.name)) + "?");
  }
  const bool endless =
      std::find(std::begin(endless_fields), std::end(endless_fields), label.field) != std::end(endless_fields);
  if (endless && label.form == LogMetricConfig::Form::plain && !(member.value.is_map() && member.value.find("as"))) {
    s.warning(member.value.place, 165, quoted(label.field) + " has another value with almost every line",
              label.field == "url.path" ? "write {field: url.path, as: route}"
                                        : "beyond series_max everything is counted under \"_other\"");
  }
  return label;
}

void read_labels(ConfigSection& s, LogMetricConfig& metric) {
  const YamlNode* labels = s.tree("labels");
  if (labels == nullptr) return;
  if (!labels->is_map()) {
    s.error(s.place_of_value("labels"), 120, s.name_of("labels") + " must be a map of labels and fields",
            "write {side: order.side}");
    return;
  }
  for (const YamlMember& member : labels->members) metric.labels.push_back(read_label(s, member));
  if (metric.labels.size() > labels_max) {
    s.error(s.place_of("labels"), 130, "more than " + std::to_string(labels_max) + " labels in " + s.name_of("labels"));
  }
}

void read_buckets(ConfigSection& s, LogMetricConfig& metric) {
  const bool histogram = metric.type == LogMetricConfig::Type::histogram;
  s.numbers("buckets", metric.buckets);
  if (!histogram) {
    if (s.has("buckets")) s.error(s.place_of("buckets"), 163, "buckets belong to histograms", "write type: histogram");
    return;
  }
  const std::string_view base = unit_of(metric.name);
  if (!s.has("buckets")) {
    if (base == "seconds")
      metric.buckets = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
    if (base == "bytes") metric.buckets = {256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
    if (metric.buckets.empty()) s.missing("buckets", "write upper bounds, as [1, 10, 100]");
    return;
  }
  const auto& bounds = metric.buckets;
  const bool rising = std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
  if (bounds.empty() || bounds.size() > buckets_max || !rising) {
    s.error(s.place_of_value("buckets"), 163,
            s.name_of("buckets") + " must be 1 to 100 numbers, each above the one before");
  }
}

void read_condition(ConfigSection& s, LogMetricConfig& metric) {
  const YamlNode* when = s.tree("when");
  const YamlNode* detection = s.tree("detection");
  if (when != nullptr && detection != nullptr) {
    s.error(s.place_of("detection"), 132, "when and detection exclude each other in " + s.name_of("detection"),
            "keep one of them");
  }
  const YamlNode* condition = detection != nullptr ? detection : when;
  if (condition != nullptr && condition->is_null()) {
    s.error(s.place_of(detection != nullptr ? "detection" : "when"), 139, "the condition has no value",
            "write when: {event.action: order-submitted}");
  } else if (condition != nullptr) {
    metric.condition = *condition;
    metric.is_detection = detection != nullptr;
    metric.file = s.file_of(condition->place);
  } else if (!s.has("value")) {
    s.missing("when", "write when: {event.action: order-submitted}, or a detection as in a rule");
  }
}

void read_since(ConfigSection& s, LogMetricConfig& metric) {
  const YamlNode* since = s.tree("since");
  s.text("key", metric.key);
  s.duration("window", metric.window, {seconds(1), hours(24 * 7)});
  s.count("pairs_max", metric.pairs_max, {1, 1'000'000});
  if (since == nullptr) {
    if (s.has("key")) s.missing("since", "key belongs to since: {event.action: approval-requested}");
    return;
  }
  metric.since = *since;
  metric.since_file = s.file_of(since->place);
  if (since->is_null())
    s.error(s.place_of("since"), 139, "since has no value", "write {event.action: approval-requested}");
  if (!s.has("key")) s.missing("key", "the field by which two lines belong together: approval.id");
  if (s.has("value")) s.error(s.place_of("value"), 132, "value and since exclude each other", "keep one of them");
  if (metric.type != LogMetricConfig::Type::histogram || unit_of(metric.name) != "seconds") {
    s.error(s.place_of("since"), 164, "since measures seconds in a histogram",
            "write type: histogram and a name in _seconds");
  }
}

LogMetricConfig read_log_metric(ConfigSection s) {
  LogMetricConfig out;
  s.text("name", out.name);
  s.text("help", out.help);
  using Type = LogMetricConfig::Type;
  s.choice<Type>("type", out.type,
                 {{"counter", Type::counter}, {"gauge", Type::gauge}, {"histogram", Type::histogram}});
  s.text("value", out.value);
  s.count("series_max", out.series_max, {1, 10'000});
  s.duration("expire_after", out.expire_after, {milliseconds(0), hours(24 * 366)});
  s.flag("exemplars", out.exemplars);
  if (!s.present()) return out;
  read_condition(s, out);
  check_name(s, out);
  read_since(s, out);
  read_unit(s, out);
  read_labels(s, out);
  read_buckets(s, out);
  if (out.type != Type::counter && !s.has("value") && !s.has("since")) {
    s.missing("value", "a gauge or histogram needs the field that holds its number");
  }
  if (out.help.empty()) out.help = "Derived from log lines.";
  s.finish();
  return out;
}

void read_log_metrics(ConfigSection& s, std::vector<LogMetricConfig>& out) {
  for (ConfigSection& item : s.sections("from_logs")) {
    const YamlPlace place = item.place_of_value("name");
    LogMetricConfig metric = read_log_metric(std::move(item));
    if (out.size() >= metrics_max) {
      s.error(place, 130, "more than " + std::to_string(metrics_max) + " metrics");
      return;
    }
    // A histogram's buckets, and a counter's name without _total, are names too.
    const auto family = [](const LogMetricConfig& one) { return without(one.name, "_total"); };
    const auto same = [&](const LogMetricConfig& one) { return !metric.name.empty() && family(one) == family(metric); };
    if (std::any_of(out.begin(), out.end(), same)) {
      s.error(place, 161, "two metrics have the name " + quoted(metric.name), "rename one");
    }
    out.push_back(std::move(metric));
  }
}

void read_metrics_file(const std::string& path, const Surroundings& around, ConfigFaults& faults, MetricsConfig& out) {
  YamlNode root;
  root.kind = YamlNode::Kind::refused;
  (void)join_config_file(root, path, faults);
  ConfigSection top(faults, around, &root, root.place, "");
  if (!top.present()) return;
  read_log_metrics(top, out.from_logs);
  top.finish();
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == name.npos;
}

// The name of an application, which is the label `app` of everything about it.
void read_app_name(ConfigSection& s, std::string& name) {
  s.text("name", name);
  if (!s.has("name")) {
    s.missing("name", "write name: oms");
  } else if (!is_plain_name(name)) {
    s.error(s.place_of_value("name"), 127, s.written("name") + " cannot be an application's name",
            "use at most 64 letters, digits, - . and _");
  }
}

void check_app_names(ConfigSection& s, std::string_view key, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) ==
        names.begin() + static_cast<std::ptrdiff_t>(i))
      continue;
    s.error(s.place_of_item(key, i), 161, "two of " + s.name_of(key) + " have the name " + quoted(names[i]),
            "rename one");
  }
}

ProcessConfig read_process(ConfigSection s) {
  ProcessConfig out;
  read_app_name(s, out.name);
  s.text("pid_file", out.pid_file);
  s.text("process", out.process);
  s.text("cgroup", out.cgroup);
  check_absolute(s, "pid_file", out.pid_file);
  const int ways = (s.has("pid_file") ? 1 : 0) + (s.has("process") ? 1 : 0) + (s.has("cgroup") ? 1 : 0);
  if (ways == 0) s.missing("process", "write pid_file, process or cgroup");
  if (ways > 1) {
    s.error(s.place_of("name"), 132, "pid_file, process and cgroup exclude each other", "keep one of them");
  }
  s.finish();
  return out;
}

void read_host(ConfigSection& s, MetricsConfig& out) {
  ConfigSection host = s.section("host");
  host.flag("enabled", out.host);
  host.text("root", out.host_root);
  check_absolute(host, "root", out.host_root);
  host.finish();
  std::vector<std::string> names;
  for (ConfigSection& item : s.sections("processes")) {
    out.processes.push_back(read_process(std::move(item)));
    names.push_back(out.processes.back().name);
  }
  check_app_names(s, "processes", names);
}

ScrapeConfig read_scrape(ConfigSection s) {
  ScrapeConfig out;
  read_app_name(s, out.name);
  s.text("url", out.url);
  s.secret("token", out.token);
  s.duration("interval", out.interval, {seconds(1), hours(1)});
  s.duration("timeout", out.timeout, {milliseconds(100), minutes(1)});
  s.size("max_size", out.max_size, {kib, 64 * mib});
  s.count("samples_max", out.samples_max, {1, 1'000'000});
  if (!s.has("url")) {
    s.missing("url", "write url: http://127.0.0.1:8080/metrics");
  } else if (!out.url.empty()) {
    check_url(s, "url", 0, out.url);
  }
  s.finish();
  return out;
}

void read_scrapes(ConfigSection& s, std::vector<ScrapeConfig>& out) {
  std::vector<std::string> names;
  for (ConfigSection& item : s.sections("scrape")) {
    out.push_back(read_scrape(std::move(item)));
    names.push_back(out.back().name);
  }
  check_app_names(s, "scrape", names);
}

}  // namespace

void read_metrics(ConfigSection s, const Surroundings& around, ConfigFaults& faults, MetricsConfig& out) {
  std::vector<std::string> include;
  s.texts("include", include);
  check_relative_patterns(s, "include", include);
  read_log_metrics(s, out.from_logs);
  read_host(s, out);
  read_scrapes(s, out.scrape);
  for (std::size_t i = 0; i < include.size(); ++i) {
    Diagnostics absent;  // told here, where the place is known
    for (const std::string& path : find_rule_files({include[i]}, absent)) read_metrics_file(path, around, faults, out);
    if (absent.has_errors()) {
      s.error(s.place_of_item("include", i), 101, include[i] + " cannot be read", "there is no such file");
    } else if (!absent.all().empty()) {
      s.warning(s.place_of_item("include", i), 166, "no file matches " + s.written("include", i));
    }
  }
  s.finish();
}

}  // namespace tapewatch

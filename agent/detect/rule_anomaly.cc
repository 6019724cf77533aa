// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_anomaly.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "detect/decimal.h"
#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

constexpr std::array<std::string_view, 7> types = {"silence",   "threshold", "ratio",   "spike",
                                                   "new_value", "change",    "adaptive"};

class AnomalyReader final {
 public:
  AnomalyReader(const YamlNode& map, RuleFaults& faults) : map_(map), faults_(faults) {
    out_.correlation.kind = YamlNode::Kind::map;
    out_.correlation.place = map.place;
  }

  std::optional<Anomaly> read() {
    const YamlNode* type = need("type");
    if (type == nullptr) return std::nullopt;
    type_ = type->text;
    copy("rules", "rules");
    copy("group-by", "group-by");
    copy("aliases", "aliases");
    copy("generate", "generate");
    if (type->text == "silence") {
      silence();
    } else if (type->text == "threshold") {
      threshold();
    } else if (type->text == "ratio") {
      ratio();
    } else if (type->text == "spike") {
      spike();
    } else if (type->text == "new_value") {
      new_value();
    } else if (type->text == "change") {
      change();
    } else if (type->text == "adaptive") {
      adaptive();
    } else {
      faults_.error(fault_number::bad_value, *type, "unknown anomaly type \"" + type->text + "\"",
                    RuleFaults::suggest(type->text, {types.begin(), types.end()}));
    }
    (void)need("rules");
    if (faults_.errors() > 0) return std::nullopt;
    return std::move(out_);
  }

 private:
  void keys(std::vector<std::string_view> own) {
    for (const std::string_view key : {"type", "rules", "group-by", "aliases", "generate"}) own.push_back(key);
    check_keys(map_, own, "anomaly", faults_);
    misspelt_ = faults_.errors() > 0;
  }

  const YamlNode* need(std::string_view key) {
    const YamlNode* node = map_.find(key);
    if (node == nullptr && !misspelt_)
      faults_.error(fault_number::missing_key, map_, "an anomaly needs " + std::string(key));
    return node;
  }

  YamlNode scalar(std::string_view text) const {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.text = text;
    node.place = map_.place;
    return node;
  }
  // A map that is not the rule's own stands where the anomaly does.
  void put(YamlNode& map, std::string_view key, YamlNode value) const {
    if (!map.is_map()) map.place = map_.place;
    map.kind = YamlNode::Kind::map;
    map.members.push_back({scalar(key), std::move(value)});
  }
  void copy(std::string_view from, std::string_view to) {
    if (const YamlNode* node = map_.find(from); node != nullptr) put(out_.correlation, to, *node);
  }
  void need_as(std::string_view from, std::string_view to) {
    if (need(from) != nullptr) copy(from, to);
  }

  std::uint64_t count(std::string_view key, std::uint64_t otherwise) {
    const YamlNode* node = map_.find(key);
    if (node == nullptr) return otherwise;
    if (!is_plain_integer(node->text) || node->text.front() == '-' || node->text.size() > 9) {
      faults_.error(fault_number::bad_value, *node, std::string(key) + " must be a count");
      return otherwise;
    }
    return std::strtoull(node->text.c_str(), nullptr, 10);
  }

  void condition(YamlNode bounds, std::string_view field) {
    if (!field.empty()) put(bounds, "field", scalar(field));
    put(out_.correlation, "condition", std::move(bounds));
  }

  void silence() {
    keys({"window", "min-events", "forget-after", "active"});
    const YamlNode* window = map_.find("window");
    if (const YamlNode* forget = map_.find("forget-after"); forget != nullptr) {
      out_.forget_ns = timespan(*forget);
      const auto span = window != nullptr ? parse_timespan(window->text) : std::nullopt;
      if (span && faults_.errors() == 0 && out_.forget_ns < *span)
        faults_.error(fault_number::bad_value, *forget, "forget-after is shorter than the window");
    }
    if (const YamlMember* active = map_.member("active"); active != nullptr) {
      AlertOptions hours;
      read_active(*active, hours, faults_);
      out_.active = hours.active;
    }
    put(out_.correlation, "type", scalar("event_count"));
    need_as("window", "timespan");
    YamlNode bounds;
    const YamlNode* least = map_.find("min-events");
    put(bounds, "lt", least != nullptr ? *least : scalar("1"));
    if (count("min-events", 1) == 0) faults_.error(fault_number::bad_value, *least, "min-events must be 1 at least");
    condition(std::move(bounds), "");
  }

  // The signal over the last step, looked at with every event.
  void threshold() {
    keys({"signal", "step", "condition", "min-samples"});
    const YamlNode* bounds = need("condition");
    if (bounds != nullptr) signal_of_steps(*bounds);
  }

  // The signal of every step, judged when it has closed.
  void adaptive() {
    keys({"signal", "step", "season", "direction", "sensitivity", "min-samples", "warm-up"});
    AdaptiveOptions options;
    const YamlNode* signal = map_.find("signal");
    const YamlNode* agg = signal != nullptr && signal->is_map() ? signal->find("agg") : nullptr;
    options.per_second = agg != nullptr && agg->text == "rate";
    if (const YamlNode* season = map_.find("season"); season != nullptr) seasons(*season, options.surprise);
    if (const YamlNode* direction = map_.find("direction"); direction != nullptr) {
      options.surprise.direction = direction_of(*direction);
    }
    if (const YamlNode* node = map_.find("sensitivity"); node != nullptr) {
      options.surprise.sensitivity = probability(*node, options.surprise.sensitivity);
    }
    if (const YamlNode* node = map_.find("warm-up"); node != nullptr) options.warm_up_ns = timespan(*node);
    YamlNode bounds;
    put(bounds, "gte", scalar("0"));
    signal_of_steps(bounds);
    out_.adaptive = std::move(options);
  }

  void seasons(const YamlNode& node, SurpriseOptions& options) {
    options.seasons_ns.clear();
    if (node.text == "none") return;
    const YamlNode list = list_of(node);
    for (const YamlNode& season : list.items) options.seasons_ns.push_back(timespan(season));
    if (options.seasons_ns.size() <= Surprise::seasons_max) return;
    faults_.error(fault_number::bad_value, node, "at most two seasons", "season: [1d, 1w], or none");
  }

  std::int64_t timespan(const YamlNode& node) {
    const auto span = parse_timespan(node.text);
    if (!span || *span <= 0) {
      faults_.error(fault_number::bad_timespan, node, "bad timespan \"" + node.text + "\"",
                    "a number and a unit: s m h d w M y");
    }
    return span.value_or(1);
  }

  Direction direction_of(const YamlNode& node) {
    if (node.text == "up") return Direction::up;
    if (node.text == "down") return Direction::down;
    if (node.text != "both") {
      faults_.error(fault_number::bad_value, node, "unknown direction \"" + node.text + "\"", "up down both");
    }
    return Direction::both;
  }

  double probability(const YamlNode& node, double otherwise) {
    char* end = nullptr;
    const double number = std::strtod(node.text.c_str(), &end);
    if (!node.text.empty() && *end == '\0' && number > 0 && number < 1) return number;
    faults_.error(fault_number::bad_value, node, "sensitivity must be a probability between 0 and 1",
                  "1e-5: one step in a hundred thousand, where nothing is wrong");
    return otherwise;
  }

  void signal_of_steps(const YamlNode& bounds) {
    const YamlNode* signal = need("signal");
    need_as("step", "timespan");
    out_.points_min = count("min-samples", 1);
    if (signal == nullptr) return;
    const YamlNode* agg = signal->is_map() ? signal->find("agg") : nullptr;
    const YamlNode* field = signal->is_map() ? signal->find("field") : nullptr;
    if (agg == nullptr) {
      faults_.error(fault_number::wrong_type, *signal, "a signal needs agg",
                    "signal: {agg: p99, field: order.latency_ms}");
      return;
    }
    YamlNode both = bounds;
    std::string type = "value_percentile";
    const bool rate = agg->text == "rate" && type_ == "adaptive";
    if (agg->text == "count" || rate) type = "event_count";
    if (agg->text == "distinct") type = "value_count";
    for (const char* name : {"sum", "avg", "median"}) {
      if (agg->text == name) type = std::string("value_") + name;
    }
    if (type == "value_percentile") put(both, "percentile", percentile(*agg));
    if (field != nullptr && (field->is_scalar() || type == "value_count") && type != "event_count") {
      put(both, "field", *field);
    } else if (field != nullptr && type == "event_count") {
      faults_.error(fault_number::bad_value, *field, "agg " + agg->text + " counts events and takes no field");
    } else if (type != "event_count" && faults_.errors() == 0) {
      faults_.error(fault_number::missing_key, field != nullptr ? *field : *agg, "agg " + agg->text + " needs a field",
                    "signal: {agg: p99, field: order.latency_ms}");
    }
    put(out_.correlation, "type", scalar(type));
    put(out_.correlation, "condition", std::move(both));
  }

  YamlNode percentile(const YamlNode& agg) {
    YamlNode share = scalar("50");
    share.place = agg.place_of(0, agg.text.size());
    const bool named = agg.text.size() > 1 && agg.text[0] == 'p' && Decimal::parse(agg.text.substr(1)).has_value();
    if (named) share.text = agg.text.substr(1);
    if (agg.text == "min") share.text = "0";
    if (agg.text == "max") share.text = "100";
    if (named || share.text != "50") return share;
    faults_.error(fault_number::bad_value, agg, "unknown agg \"" + agg.text + "\"",
                  "count distinct sum avg median min max, or a percentile like p99");
    return share;
  }

  // The whole comes first in the list: one event that is both is the part.
  void put_parts(const YamlNode& of, const YamlNode& part) {
    YamlNode all = list_of(of);
    if (all.items.empty()) faults_.error(fault_number::bad_value, of, "of must name a rule");
    out_.parts_from = static_cast<std::uint32_t>(all.items.size());
    for (const YamlNode& rule : list_of(part).items) all.items.push_back(rule);
    auto& members = out_.correlation.members;
    std::erase_if(members, [](const YamlMember& m) { return m.key.text == "rules"; });
    put(out_.correlation, "rules", std::move(all));
  }

  void ratio() {
    keys({"of", "window", "condition", "min-samples"});
    const YamlNode* of = need("of");
    const YamlNode* part = map_.find("rules");
    const YamlNode* bounds = need("condition");
    need_as("window", "timespan");
    out_.points_min = count("min-samples", 20);
    if (of == nullptr || part == nullptr || bounds == nullptr) return;
    put_parts(*of, *part);
    put(out_.correlation, "type", scalar("value_avg"));
    condition(*bounds, "share");
    out_.type = CorrelationType::ratio;
  }

  static YamlNode list_of(const YamlNode& node) {
    if (node.is_list()) return node;
    YamlNode list;
    list.kind = YamlNode::Kind::list;
    list.place = node.place;
    list.items.push_back(node);
    return list;
  }

  void spike() {
    keys({"of", "window", "baseline", "offset", "factor", "direction", "min-current", "min-baseline"});
    const YamlNode* of = map_.find("of");
    const YamlNode* part = map_.find("rules");
    if (of != nullptr && part != nullptr) put_parts(*of, *part);
    const YamlNode* factor = need("factor");
    need_as("window", "timespan");
    time_before();
    const YamlNode* direction = map_.find("direction");
    const bool down = direction != nullptr && up_or_down(*direction) == Direction::down;
    // The side that is to have more has to have enough.
    out_.points_min = count("min-current", down ? 5 : 20);
    out_.before_min = count("min-baseline", down ? 20 : 5);
    if (factor == nullptr) return;
    YamlNode bounds;
    put(bounds, down ? "lte" : "gte", down ? inverse(*factor) : *factor);
    put(out_.correlation, "type", scalar("value_avg"));
    condition(std::move(bounds), "rate");
    out_.type = CorrelationType::spike;
  }

  // The window is held against the time just before it, or against its like so long ago.
  void time_before() {
    const YamlNode* window = map_.find("window");
    const YamlNode* offset = map_.find("offset");
    const YamlNode* baseline = offset == nullptr ? need("baseline") : map_.find("baseline");
    if (offset == nullptr) {
      if (baseline != nullptr) out_.before_ns = timespan(*baseline);
      return;
    }
    if (baseline != nullptr)
      faults_.error(fault_number::bad_value, *baseline, "with an offset the time before is as long as the window",
                    "leave baseline out, or offset");
    out_.offset_ns = timespan(*offset);
    out_.before_ns = window != nullptr ? parse_timespan(window->text).value_or(0) : 0;
    if (out_.offset_ns < out_.before_ns && faults_.errors() == 0)
      faults_.error(fault_number::bad_value, *offset, "offset is shorter than the window");
  }

  Direction up_or_down(const YamlNode& node) {
    if (node.text == "up") return Direction::up;
    if (node.text == "down") return Direction::down;
    faults_.error(fault_number::bad_value, node, "unknown direction \"" + node.text + "\"", "up down");
    return Direction::up;
  }

  // The factor of a fall: what is a third is down by the factor 3.
  YamlNode inverse(const YamlNode& factor) const {
    YamlNode out = factor;
    char* end = nullptr;
    const double number = std::strtod(factor.text.c_str(), &end);
    if (factor.text.empty() || *end != '\0' || number <= 0) return out;  // told where bounds are read
    std::array<char, 32> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%.17g", 1 / number));
    out.text = text.data();
    return out;
  }

  // Every tuple of values is a group.
  void new_value() {
    keys({"fields", "learn"});
    const YamlNode* fields = need("fields");
    need_as("learn", "timespan");
    if (fields == nullptr) return;
    const YamlNode* groups = map_.find("group-by");
    YamlNode all = groups != nullptr ? list_of(*groups) : YamlNode();
    all.kind = YamlNode::Kind::list;
    for (const YamlNode& field : list_of(*fields).items) {
      if (!field.is_scalar())
        faults_.error(fault_number::wrong_type, field, "fields must be a field, or a list of fields");
      all.items.push_back(field);
    }
    std::erase_if(out_.correlation.members, [](const YamlMember& m) { return m.key.text == "group-by"; });
    put(out_.correlation, "group-by", std::move(all));
    put(out_.correlation, "type", scalar("event_count"));
    YamlNode bounds;
    put(bounds, "gte", scalar("1"));
    condition(std::move(bounds), "");
    out_.type = CorrelationType::new_value;
  }

  void change() {
    keys({"field", "within"});
    const YamlNode* field = need("field");
    if (field == nullptr) return;
    const YamlNode* within = map_.find("within");
    put(out_.correlation, "timespan", within != nullptr ? *within : scalar("100y"));
    put(out_.correlation, "type", scalar("value_count"));
    YamlNode bounds;
    put(bounds, "gte", scalar("1"));
    put(bounds, "field", *field);
    put(out_.correlation, "condition", std::move(bounds));
    out_.type = CorrelationType::change;
  }

  const YamlNode& map_;
  RuleFaults& faults_;
  Anomaly out_;
  std::string type_;
  bool misspelt_ = false;  // a key: what is missing may stand under it
};

}  // namespace

std::optional<Anomaly> read_anomaly(const YamlNode& anomaly, RuleFaults& faults) {
  if (!anomaly.is_map()) {
    faults.error(fault_number::wrong_type, anomaly, "anomaly must be a map");
    return std::nullopt;
  }
  return AnomalyReader(anomaly, faults).read();
}

void apply_anomaly(const Anomaly& anomaly, CorrelationRule& rule) {
  rule.points_min = anomaly.points_min;
  rule.before_min = anomaly.before_min;
  rule.before_ns = anomaly.before_ns;
  rule.parts_from = anomaly.parts_from;
  rule.recent_ns = rule.timespan_ns;
  rule.timespan_ns += anomaly.offset_ns > 0 ? anomaly.offset_ns : anomaly.before_ns;
  rule.adaptive = anomaly.adaptive;
  rule.forget_ns = anomaly.forget_ns;
  if (anomaly.active != nullptr) rule.head.alert.active = anomaly.active;
  if (!anomaly.type) return;
  rule.type = *anomaly.type;
  if (rule.type != CorrelationType::change) rule.value_fields.clear();
}

}  // namespace tapewatch

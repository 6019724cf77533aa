// SPDX-License-Identifier: Apache-2.0
// What stands under `tapewatch:`.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "detect/decimal.h"
#include "detect/rule_loader_parts.h"

namespace tapewatch {
namespace {

constexpr std::uint32_t evidence_max = 100;
constexpr std::size_t annotations_max = 20;
constexpr std::array<std::string_view, 7> day_names = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

class AlertOptionsReader final {
 public:
  AlertOptionsReader(AlertOptions& options, RuleFaults& faults) : options_(options), faults_(faults) {}

  void read(const YamlNode& key, const YamlNode& value) {
    if (key.text == "labels") {
      texts(value, "labels",
            [&](const YamlNode& name, const YamlNode& text) { options_.labels.emplace_back(name.text, text.text); });
    } else if (key.text == "annotations") {
      texts(value, "annotations", [&](const YamlNode& name, const YamlNode& text) { annotation(name, text); });
    } else if (key.text == "realert") {
      realert(value);
    } else if (key.text == "for") {
      options_.for_ns = span("for", value).value_or(0);
    } else if (key.text == "keep_firing_for") {
      options_.keep_firing_ns = span("keep_firing_for", value).value_or(-1);
    } else if (key.text == "active") {
      active(value);
    } else if (key.text == "evidence") {
      options_.evidence = static_cast<std::uint32_t>(count("evidence", value, 0, evidence_max));
    } else if (key.text == "min_samples") {
      options_.samples_min = count("min_samples", value, 1, 1'000'000);
    } else if (key.text == "runbook") {
      if (!value.is_scalar()) faults_.error(fault_number::wrong_type, value, "runbook must be a text");
      options_.runbook = value.text;
    } else {
      const std::vector<std::string_view> names = {"realert", "for",         "keep_firing_for", "active",  "labels",
                                                   "runbook", "annotations", "min_samples",     "evidence"};
      faults_.error(fault_number::unknown_key, key, "unknown key \"" + key.text + "\" in tapewatch",
                    RuleFaults::suggest(key.text, names));
    }
  }

 private:
  template <typename Take>
  void texts(const YamlNode& map, const std::string& what, const Take& take) {
    if (!map.is_map()) {
      faults_.error(fault_number::wrong_type, map, what + " must be a map of texts");
      return;
    }
    for (const YamlMember& member : map.members) {
      if (member.value.is_scalar()) {
        take(member.key, member.value);
      } else {
        faults_.error(fault_number::wrong_type, member.value, "the values of " + what + " must be texts");
      }
    }
  }

  void annotation(const YamlNode& name, const YamlNode& text) {
    if (options_.annotations.size() >= annotations_max) {
      faults_.error(fault_number::rule_limit, name, "more than " + std::to_string(annotations_max) + " annotations");
      return;
    }
    std::size_t fault = 0;
    auto parts = parse_annotation(text.text, fault);
    if (!parts) {
      faults_.error(fault_number::bad_value, text.place_of(fault, std::min<std::size_t>(2, text.text.size())),
                    "this brace opens no name", "\"{{ count }} from {{ source.ip }}\"");
      return;
    }
    options_.annotations.push_back({name.text, std::move(*parts)});
  }

  std::optional<std::int64_t> span(const std::string& what, const YamlNode& value) {
    const auto found = value.is_scalar() ? parse_timespan(value.text) : std::nullopt;
    if (!found) {
      faults_.error(fault_number::bad_timespan, value, what + " must be a time like 20m", "units: ms s m h d w");
    }
    return found;
  }

  std::uint64_t count(const std::string& what, const YamlNode& value, std::uint64_t least, std::uint64_t most) {
    std::uint64_t number = 0;
    const char* end = value.text.data() + value.text.size();
    const auto [stop, error] = std::from_chars(value.text.data(), end, number);
    if (value.is_scalar() && error == std::errc() && stop == end && number >= least && number <= most) return number;
    faults_.error(fault_number::bad_value, value,
                  what + " must be " + std::to_string(least) + " to " + std::to_string(most));
    return least;
  }

  // "20m", or {every: 20m, exponential: true, max: 4h}
  void realert(const YamlNode& value) {
    if (!value.is_map()) {
      options_.realert_ns = span("realert", value).value_or(0);
      return;
    }
    check_keys(value, {"every", "exponential", "max"}, "realert", faults_);
    const YamlNode* every = value.find("every");
    const YamlNode* exponential = value.find("exponential");
    const YamlNode* most = value.find("max");
    const std::string form = "realert: {every: 20m, exponential: true, max: 4h}";
    if (every == nullptr) {
      faults_.error(fault_number::missing_key, value, "realert needs every", form);
      return;
    }
    options_.realert_ns = span("realert.every", *every).value_or(0);
    const bool doubles = exponential != nullptr && exponential->text == "true";
    if (exponential != nullptr && !doubles && exponential->text != "false") {
      faults_.error(fault_number::bad_value, *exponential, "exponential must be true or false");
    }
    if (most != nullptr && !doubles) {
      faults_.error(fault_number::bad_value, *most, "max is of use with exponential: true only", form);
    } else if (doubles && most == nullptr) {
      faults_.error(fault_number::missing_key, value, "a realert that doubles needs max", form);
    } else if (doubles) {
      options_.realert_max_ns = span("realert.max", *most).value_or(options_.realert_ns);
      if (options_.realert_max_ns >= options_.realert_ns) return;
      faults_.error(fault_number::bad_value, *most, "max is shorter than every");
    }
  }

  void active(const YamlNode& value) {
    const std::string form = "active: {days: mon-fri, hours: '07:00-22:00', timezone: Europe/London}";
    if (!value.is_map()) {
      faults_.error(fault_number::wrong_type, value, "active must be a map", form);
      return;
    }
    check_keys(value, {"days", "hours", "timezone"}, "active", faults_);
    auto hours = std::make_shared<ActiveHours>();
    if (const YamlNode* days = value.find("days"); days != nullptr) {
      hours->days = 0;
      each(*days, [&](const YamlNode& node, std::string_view text, std::size_t at) { day(node, text, at, *hours); });
    }
    if (const YamlNode* times = value.find("hours"); times != nullptr) {
      hours->spans.clear();
      each(*times,
           [&](const YamlNode& node, std::string_view text, std::size_t at) { times_of(node, text, at, *hours); });
    }
    if (const YamlNode* name = value.find("timezone"); name != nullptr) {
      Result<TimeZone> zone = TimeZone::load(name->text);
      if (zone.ok()) {
        hours->zone = std::move(*zone);
      } else {
        faults_.error(fault_number::bad_value, *name, "timezone \"" + name->text + "\": " + zone.error().message,
                      "a name like Europe/London, or UTC");
      }
    }
    options_.active = std::move(hours);
  }

  // Every part between commas, of one text or of several.
  template <typename Take>
  void each(const YamlNode& value, const Take& take) {
    const auto parts_of = [&take](const YamlNode& node) {
      std::size_t at = 0;
      while (at <= node.text.size()) {
        const std::size_t end = std::min(node.text.find(',', at), node.text.size());
        std::string_view part = std::string_view(node.text).substr(at, end - at);
        const std::size_t blank = std::min(part.find_first_not_of(' '), part.size());
        part.remove_prefix(blank);
        while (part.ends_with(' ')) part.remove_suffix(1);
        take(node, part, at + blank);
        at = end + 1;
      }
    };
    if (!value.is_list()) return parts_of(value);
    for (const YamlNode& item : value.items) parts_of(item);
  }

  static std::size_t number_of_day(std::string_view name) {
    const auto* found = std::find(day_names.begin(), day_names.end(), name);
    return static_cast<std::size_t>(found - day_names.begin());
  }

  void day(const YamlNode& node, std::string_view text, std::size_t at, ActiveHours& hours) {
    const std::size_t dash = text.find('-');
    const std::size_t first = number_of_day(text.substr(0, dash));
    const std::size_t last = dash == std::string_view::npos ? first : number_of_day(text.substr(dash + 1));
    if (first == day_names.size() || last == day_names.size()) {
      const std::string_view wrong =
          first == day_names.size() || dash == std::string_view::npos ? text.substr(0, dash) : text.substr(dash + 1);
      std::string hint = RuleFaults::suggest(wrong, {day_names.begin(), day_names.end()});
      faults_.error(fault_number::bad_value, node.place_of(at, text.size()),
                    "\"" + std::string(wrong) + "\" is no day of the week",
                    hint.empty() ? "mon tue wed thu fri sat sun, or mon-fri" : hint);
      return;
    }
    for (std::size_t i = first;; i = (i + 1) % day_names.size()) {
      hours.days = static_cast<std::uint8_t>(hours.days | 1u << i);
      if (i == last) break;
    }
  }

  // "07:30"; minutes after midnight.
  static std::optional<int> time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    int parts[2] = {0, 0};
    for (int i = 0; i < 2; ++i) {
      const char* begin = text.data() + 3 * i;
      const auto [stop, error] = std::from_chars(begin, begin + 2, parts[i]);
      if (error != std::errc() || stop != begin + 2) return std::nullopt;
    }
    const int minutes = parts[0] * 60 + parts[1];
    if (parts[0] < 0 || parts[1] < 0 || parts[1] > 59 || minutes > 24 * 60) return std::nullopt;
    return minutes;
  }

  void times_of(const YamlNode& node, std::string_view text, std::size_t at, ActiveHours& hours) {
    const std::size_t dash = text.find('-');
    const auto from = time_of_day(text.substr(0, dash));
    const auto to = dash == std::string_view::npos ? std::nullopt : time_of_day(text.substr(dash + 1));
    if (from && to && *from != *to) {
      hours.spans.push_back({*from, *to});
    } else {
      faults_.error(fault_number::bad_value, node.place_of(at, text.size()),
                    "\"" + std::string(text) + "\" is no span of hours",
                    "'07:00-22:00'; '22:00-06:00' is past midnight");
    }
  }

  AlertOptions& options_;
  RuleFaults& faults_;
};

}  // namespace

void read_alert_options(const YamlNode& document, AlertOptions& options, RuleFaults& faults) {
  const YamlNode* node = document.find("tapewatch");
  if (node == nullptr || node->is_null()) return;
  if (!node->is_map()) {
    faults.error(fault_number::wrong_type, *node, "tapewatch must be a map of alert options");
    return;
  }
  AlertOptionsReader reader(options, faults);
  for (const YamlMember& member : node->members) reader.read(member.key, member.value);
}

void read_active(const YamlMember& active, AlertOptions& options, RuleFaults& faults) {
  AlertOptionsReader(options, faults).read(active.key, active.value);
}

void refuse_lasting(const YamlNode& document, RuleFaults& faults) {
  const YamlNode* options = document.find("tapewatch");
  if (options == nullptr || !options->is_map()) return;
  for (const std::string_view name : {"for", "min_samples"}) {
    const YamlMember* member = options->member(name);
    if (member == nullptr) continue;
    faults.error(fault_number::bad_value, member->key,
                 "\"" + std::string(name) + "\" needs a condition that lasts, and this rule alerts at single events",
                 "put it on a correlation or an anomaly over this rule");
  }
}

}  // namespace tapewatch

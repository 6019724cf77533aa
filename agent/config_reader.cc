// SPDX-License-Identifier: Apache-2.0
#include "config_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "config_values.h"

namespace tapewatch {
namespace {

// As much of a value as a message should show.
std::string shortened(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  return text.size() <= shown_max ? std::string(text) : std::string(text.substr(0, shown_max)) + "...";
}

std::string quoted(std::string_view text) { return "\"" + shortened(text) + "\""; }

std::string did_you_mean(std::string_view text) {
  return text.empty() ? std::string() : "did you mean " + std::string(text) + "?";
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    default:
      return "one value";
  }
}

// "010" -> "10", "1_000" -> "1000"
std::string plain_decimal(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits.push_back(c);
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return digits.find_first_not_of("0123456789") == std::string::npos ? digits : "";
}

// Keys that are often written in the wrong section, and the words that other agents use for ours.
std::string_view place_of_key(std::string_view key) {
  static constexpr std::pair<std::string_view, std::string_view> places[] = {
      {"elasticsearch", "outputs.elasticsearch"},
      {"output.elasticsearch", "outputs.elasticsearch"},
      {"hosts", "outputs.elasticsearch.hosts"},
      {"webhook", "alerts.webhook"},
      {"alertmanager", "alerts.alertmanager"},
      {"correlation", "enrich.correlation"},
      {"kubernetes", "enrich.kubernetes"},
      {"fields", "enrich.fields"},
      {"schema", "parse.schema"},
      {"log_level", "service.log_level"},
      {"logging", "service.log_level"},
      {"listen", "http.address"},
      {"address", "http.address"},
      {"api", "http"},
      {"retention", "store.retention"},
      {"data_dir", "state_dir"},
      {"path.data", "state_dir"},
      {"sources", "inputs"},
      {"filebeat.inputs", "inputs"},
      {"sinks", "outputs"},
      {"paths", "include"},
      {"path", "include"},
      {"endpoints", "hosts"},
      {"flush_interval", "bulk_max_age"},
      {"batch", "bulk_max_size"},
      {"user", "username"},
      {"tls", "ssl"},
      {"exclude_files", "exclude"}};
  for (const auto& [wrong, right] : places) {
    if (key == wrong) return right;
  }
  return "";
}

}  // namespace

std::string_view meant_word(std::string_view word, const std::vector<std::string_view>& allowed) {
  if (const std::string_view near = nearest(word, allowed); !near.empty()) return near;
  for (const std::string_view candidate : allowed) {
    if (word.size() >= 3 && candidate.substr(0, word.size()) == word) return candidate;
  }
  return "";
}

ConfigSection::ConfigSection(ConfigFaults& faults, const Surroundings& around, const YamlNode* node,
                             const YamlPlace& place, std::string path)
    : faults_(faults), around_(around), node_(node), place_(place), path_(std::move(path)) {
  if (node_ == nullptr || node_->kind == YamlNode::Kind::map) return;
  if (node_->kind == YamlNode::Kind::list || node_->kind == YamlNode::Kind::scalar) {
    const std::string name = path_.empty() ? "the configuration" : path_;
    faults_.error(node_->kind == YamlNode::Kind::scalar ? node_->place : place_, 120,
                  name + " must be a map of keys, not " + std::string(kind_name(node_->kind)));
  }
  node_ = nullptr;
}

bool ConfigSection::is_null(std::string_view key) const {
  const YamlMember* member = node_ == nullptr ? nullptr : node_->member(key);
  return member != nullptr && member->value.kind == YamlNode::Kind::null;
}

bool ConfigSection::is_empty_list(std::string_view key) const {
  const YamlMember* member = node_ == nullptr ? nullptr : node_->member(key);
  return member != nullptr && member->value.kind == YamlNode::Kind::list && member->value.items.empty();
}

YamlPlace ConfigSection::place_of(std::string_view key) const {
  const YamlMember* member = node_ == nullptr ? nullptr : node_->member(key);
  return member == nullptr ? place_ : member->key.place;
}

YamlPlace ConfigSection::place_of_value(std::string_view key) const {
  const YamlMember* member = node_ == nullptr ? nullptr : node_->member(key);
  if (member == nullptr) return place_;
  return member->value.is_null() ? member->key.place : member->value.place;
}

YamlPlace ConfigSection::place_of_item(std::string_view key, std::size_t index) const {
  const YamlMember* member = node_ == nullptr ? nullptr : node_->member(key);
  if (member == nullptr || index >= member->value.items.size()) return place_of_value(key);
  return member->value.items[index].place;
}

std::string ConfigSection::written(std::string_view key, std::size_t index) const {
  const YamlMember* member = node_ == nullptr ? nullptr : node_->member(key);
  if (member == nullptr) return "\"\"";
  return quoted(index < member->value.items.size() ? member->value.items[index].text : member->value.text);
}

std::string ConfigSection::name_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const YamlMember* ConfigSection::take(std::string_view key) {
  asked_.push_back(key);
  return node_ == nullptr ? nullptr : node_->member(key);
}

void ConfigSection::wrong_type(const YamlMember& member, std::string_view wanted) {
  const std::string name = name_of(member.key.text);
  if (member.value.kind == YamlNode::Kind::refused) return;
  if (member.value.kind == YamlNode::Kind::null) {
    faults_.error(member.key.place, 139, name + " has no value", "give it one or remove the key");
    return;
  }
  const bool scalar = member.value.kind == YamlNode::Kind::scalar;
  std::string hint;
  if (scalar && wanted == "a list")
    hint = did_you_mean(member.value.quoted ? "[" + quoted(member.value.text) + "]" : "[" + member.value.text + "]");
  faults_.error(scalar ? member.value.place : member.key.place, 120,
                name + " must be " + std::string(wanted) + ", not " + std::string(kind_name(member.value.kind)), hint);
}

std::optional<std::string> ConfigSection::scalar(std::string_view key, std::string_view wanted) {
  const YamlMember* member = take(key);
  if (member == nullptr) return std::nullopt;
  if (member->value.kind != YamlNode::Kind::scalar) {
    wrong_type(*member, wanted);
    return std::nullopt;
  }
  return expand(member->value, name_of(key));
}

std::optional<std::string> ConfigSection::expand(const YamlNode& node, const std::string& name) {
  std::string out;
  const std::string& text = node.text;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      out += "${";
      at += 3;
      continue;
    }
    if (text.compare(at, 2, "${") != 0) {
      out.push_back(text[at++]);
      continue;
    }
    const std::size_t end = text.find('}', at);
    const std::string inside = end == std::string::npos ? "" : text.substr(at + 2, end - at - 2);
    const std::string variable = inside.substr(0, inside.find(":-"));
    const bool named = !variable.empty() && variable.find_first_not_of(
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                "0123456789_") == std::string::npos;
    if (!named) {
      faults_.error(node.place, 141, "bad environment reference in " + name, "write ${NAME} or ${NAME:-default}");
      return std::nullopt;
    }
    auto value = around_.environment ? around_.environment(variable) : std::nullopt;
    const bool has_default = inside.size() > variable.size();
    if ((!value || value->empty()) && has_default) value = inside.substr(variable.size() + 2);
    if (!value) {
      faults_.error(node.place, 140, "environment variable " + variable + " of " + name + " is not set",
                    "set it or write ${" + variable + ":-default}");
      return std::nullopt;
    }
    out += *value;
    at = end + 1;
  }
  return out;
}

std::optional<std::string> ConfigSection::filled_text(const YamlNode& node, const std::string& name, bool trap) {
  const std::string_view reading = node.quoted || !trap ? "" : yaml11_reading(node.text);
  if (!reading.empty()) {
    faults_.error(node.place, 131,
                  shortened(node.text) + " is " + std::string(reading) + " to some readers; " + name + " is text",
                  "did you mean " + quoted(node.text) + " in quotes?");
    return std::nullopt;
  }
  return expand(node, name);
}

void ConfigSection::text(std::string_view key, std::string& out) {
  const YamlMember* member = take(key);
  if (member == nullptr) return;
  if (member->value.kind != YamlNode::Kind::scalar) return wrong_type(*member, "text");
  if (auto value = filled_text(member->value, name_of(key), true)) out = std::move(*value);
}

void ConfigSection::flag(std::string_view key, bool& out) {
  const auto value = scalar(key, "true or false");
  if (!value) return;
  if (*value == "true" || *value == "false") {
    out = *value == "true";
    return;
  }
  bad_flag(node_->member(key)->value, name_of(key), *value);
}

void ConfigSection::bad_flag(const YamlNode& node, const std::string& name, const std::string& value) {
  const bool boolean = yaml11_reading(value) == "a boolean";
  const char first = value.empty() ? ' ' : value[0];
  const bool yes =
      first == 'y' || first == 'Y' || first == 't' || first == 'T' || value == "on" || value == "ON" || value == "On";
  if (boolean) {
    faults_.error(node.place, 131, node.text + " is a boolean to some readers and text to others in " + name,
                  did_you_mean(yes ? "true" : "false"));
  } else {
    faults_.error(node.place, 129, quoted(node.text) + " is neither true nor false in " + name);
  }
}

void ConfigSection::duration(std::string_view key, milliseconds& out, DurationRange range) {
  const auto value = scalar(key, "a duration");
  if (!value) return;
  ValueFault fault;
  const auto parsed = parse_duration(*value, fault);
  const YamlPlace place = place_of_value(key);
  const std::string& shown = node_->member(key)->value.text;
  if (!parsed) {
    const bool unit = fault.kind == ValueFault::Kind::unit_missing;
    faults_.error(place, unit ? 124 : 125,
                  (unit ? "no unit in " : "bad duration ") + quoted(shown) + (unit ? " of " : " in ") + name_of(key),
                  fault.meant.empty() ? "write 500ms, 30s, 5m, 2h or 7d" : did_you_mean(fault.meant));
    return;
  }
  if (*parsed < range.least || *parsed > range.most) {
    faults_.error(place, 130, quoted(shown) + " is out of range for " + name_of(key),
                  "from " + format_duration(range.least) + " to " + format_duration(range.most));
    return;
  }
  out = *parsed;
}

void ConfigSection::size(std::string_view key, std::uint64_t& out, CountRange range) {
  const auto value = scalar(key, "a size");
  if (!value) return;
  ValueFault fault;
  const auto parsed = parse_size(*value, fault);
  const YamlPlace place = place_of_value(key);
  const std::string& shown = node_->member(key)->value.text;
  if (!parsed) {
    const bool unit = fault.kind == ValueFault::Kind::unit_missing;
    faults_.error(place, unit ? 124 : 126,
                  (unit ? "no unit in " : "bad size ") + quoted(shown) + (unit ? " of " : " in ") + name_of(key),
                  fault.meant.empty() ? "write 100B, 64KiB, 10MiB, 1GiB or 5MB" : did_you_mean(fault.meant));
    return;
  }
  if (*parsed < range.least || *parsed > range.most) {
    faults_.error(place, 130, quoted(shown) + " is out of range for " + name_of(key),
                  "from " + format_size(range.least) + " to " + format_size(range.most));
    return;
  }
  out = *parsed;
}

void ConfigSection::count(std::string_view key, std::uint64_t& out, CountRange range) {
  const auto value = scalar(key, "a whole number");
  if (!value) return;
  const YamlPlace place = place_of_value(key);
  const std::string& shown = node_->member(key)->value.text;
  const std::string_view reading = yaml11_reading(*value);
  if (!reading.empty() && reading != "a boolean") {
    const std::string meant = plain_decimal(*value);
    faults_.error(place, 131, shortened(shown) + " is not the same number to every YAML reader in " + name_of(key),
                  did_you_mean(meant));
    return;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error == std::errc::invalid_argument || end != value->data() + value->size()) {
    faults_.error(place, 128, quoted(shown) + " is not a whole number in " + name_of(key));
    return;
  }
  if (error != std::errc() || number < range.least || number > range.most) {
    faults_.error(place, 130, quoted(shown) + " is out of range for " + name_of(key),
                  "from " + std::to_string(range.least) + " to " + std::to_string(range.most));
    return;
  }
  out = number;
}

void ConfigSection::texts(std::string_view key, std::vector<std::string>& out) {
  const YamlMember* member = take(key);
  if (member == nullptr) return;
  if (member->value.kind != YamlNode::Kind::list) return wrong_type(*member, "a list");
  std::vector<std::string> values;
  for (const YamlNode& item : member->value.items) {
    const std::string name = name_of(key) + "[" + std::to_string(values.size()) + "]";
    if (item.kind == YamlNode::Kind::scalar) {
      values.push_back(filled_text(item, name, true).value_or(""));
    } else if (item.kind == YamlNode::Kind::null) {
      faults_.error(item.place, 139, name + " has no value", "remove it");
    } else if (item.kind != YamlNode::Kind::refused) {
      faults_.error(item.place, 120, name + " must be text, not " + std::string(kind_name(item.kind)),
                    item.kind == YamlNode::Kind::map ? "a value with { } or \": \" in it needs quotes" : "");
    }
  }
  out = std::move(values);
}

void ConfigSection::secret(std::string_view key, Secret& out) {
  const YamlMember* member = take(key);
  if (member == nullptr) return;
  const std::string name = name_of(key);
  const YamlNode& value = member->value;
  if (value.kind == YamlNode::Kind::scalar) {
    if (auto text = expand(value, name)) out = Secret(std::move(*text));
    if (value.text.find("${") == std::string::npos) {
      faults_.warning(member->key.place, 144, name + " stands in plain text",
                      "write {file: PATH} or ${NAME} instead of the value");
    }
    return;
  }
  if (value.kind != YamlNode::Kind::map) return wrong_type(*member, "text or {file: PATH}");
  ConfigSection file(faults_, around_, &value, member->key.place, name);
  std::string path;
  file.text("file", path);
  if (!file.has("file")) file.missing("file", "write {file: PATH}");
  file.finish();
  if (path.empty()) return;
  if (path[0] != '/') path = folder_of(value.place) + "/" + path;
  read_secret_file(file.place_of_value("file"), name, path, out);
}

void ConfigSection::read_secret_file(const YamlPlace& place, const std::string& name, const std::string& path,
                                     Secret& out) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0) {
    return faults_.error(place, 143, "everybody can read the secret of " + name, "chmod 600 " + path);
  }
  Result<Secret> secret = tapewatch::read_secret_file(path);
  if (!secret) return faults_.error(place, 142, "cannot read the secret of " + name, secret.error().message);
  out = std::move(secret).value();
}

void ConfigSection::bad_choice(std::string_view key, const std::string& value,
                               const std::vector<std::string_view>& allowed) {
  const std::string_view near = meant_word(value, allowed);
  faults_.error(
      place_of_value(key), 127, quoted(node_->member(key)->value.text) + " is not a value of " + name_of(key),
      near.empty() ? "allowed: " + joined(allowed) : did_you_mean(quoted(near)) + " allowed: " + joined(allowed));
}

ConfigSection ConfigSection::section(std::string_view key) {
  const YamlMember* member = take(key);
  return ConfigSection(faults_, around_, member == nullptr ? nullptr : &member->value, place_of(key), name_of(key));
}

std::vector<ConfigSection> ConfigSection::sections(std::string_view key) {
  std::vector<ConfigSection> out;
  const YamlMember* member = take(key);
  if (member == nullptr) return out;
  if (member->value.kind != YamlNode::Kind::list) {
    wrong_type(*member, "a list of maps");
    return out;
  }
  for (const YamlNode& item : member->value.items) {
    const std::string name = name_of(key) + "[" + std::to_string(out.size()) + "]";
    if (item.kind == YamlNode::Kind::null) faults_.error(item.place, 139, name + " has no value", "remove the dash");
    out.emplace_back(faults_, around_, &item, item.place, name);
  }
  return out;
}

const YamlNode* ConfigSection::tree(std::string_view key) {
  const YamlMember* member = take(key);
  return member == nullptr ? nullptr : &member->value;
}

ConfigSection ConfigSection::member_section(std::string_view key, const YamlMember& member) {
  return ConfigSection(faults_, around_, &member.value, member.key.place, name_of(key) + "." + member.key.text);
}

void ConfigSection::numbers(std::string_view key, std::vector<double>& out) {
  const YamlMember* member = take(key);
  if (member == nullptr) return;
  if (member->value.kind != YamlNode::Kind::list) return wrong_type(*member, "a list of numbers");
  std::vector<double> values;
  for (const YamlNode& item : member->value.items) {
    double value = 0;
    const char* end = item.text.data() + item.text.size();
    const auto read = std::from_chars(item.text.data(), end, value);
    if (item.kind != YamlNode::Kind::scalar || item.quoted || read.ec != std::errc() || read.ptr != end) {
      faults_.error(item.place, 128, quoted(item.text) + " is not a number in " + name_of(key));
      return;
    }
    values.push_back(value);
  }
  out = std::move(values);
}

void ConfigSection::named_texts(std::string_view key, std::vector<std::pair<std::string, std::string>>& out) {
  const YamlMember* member = take(key);
  if (member == nullptr) return;
  if (member->value.kind != YamlNode::Kind::map) return wrong_type(*member, "a map of names and texts");
  collect_texts(member->value, "", out);
}

void ConfigSection::collect_texts(const YamlNode& node, const std::string& name,
                                  std::vector<std::pair<std::string, std::string>>& out) {
  for (const YamlMember& member : node.members) {
    const std::string full = name.empty() ? member.key.text : name + "." + member.key.text;
    if (member.value.kind == YamlNode::Kind::map) {
      collect_texts(member.value, full, out);
    } else if (member.value.kind == YamlNode::Kind::scalar) {
      if (auto value = filled_text(member.value, full, true)) out.emplace_back(full, std::move(*value));
    } else {
      wrong_type(member, "text");
    }
  }
}

void ConfigSection::missing(std::string_view key, std::string hint) {
  const std::string where = path_.empty() ? "" : " in " + path_;
  faults_.error(place_, 122, "missing key " + quoted(key) + where, std::move(hint));
}

std::string ConfigSection::folder_of(const YamlPlace& place) const {
  const std::string& file = faults_.file(place.file);
  const std::size_t slash = file.rfind('/');
  std::string folder = slash == std::string::npos ? "" : file.substr(0, slash);
  if (!file.empty() && file[0] == '/') return folder;
  return folder.empty() ? around_.folder : around_.folder + "/" + folder;
}

void ConfigSection::finish() {
  if (node_ == nullptr) return;
  for (const YamlMember& member : node_->members) {
    if (faults_.full()) return;  // a suggestion costs more than it is worth
    if (std::find(asked_.begin(), asked_.end(), member.key.text) != asked_.end()) continue;
    const std::string_view near = meant_word(member.key.text, asked_);
    const std::string_view elsewhere = near.empty() ? place_of_key(member.key.text) : "";
    std::string hint = near.empty() ? "allowed: " + joined(asked_) : did_you_mean(quoted(near));
    if (!elsewhere.empty()) hint = did_you_mean(elsewhere);
    faults_.error(member.key.place, 123,
                  "unknown key " + quoted(member.key.text) + (path_.empty() ? " at the top" : " in " + path_), hint);
  }
}

}  // namespace tapewatch

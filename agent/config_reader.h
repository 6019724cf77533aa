// SPDX-License-Identifier: Apache-2.0
#pragma once
// ConfigSection: one map of the configuration, read key by key with the type each key must have. Everything that is
// wrong becomes a fault with its place and, where one can be guessed, the mend; the value then keeps its default.
// finish() reports the keys nobody asked for. Lives while load_config() runs. Thread: one at a time.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/yaml.h"
#include "config_faults.h"
#include "secret.h"
#include "surroundings.h"

namespace tapewatch {

using std::chrono::milliseconds;

struct DurationRange {
  milliseconds least;
  milliseconds most;
};
struct CountRange {
  std::uint64_t least;
  std::uint64_t most;
};

class ConfigSection final {
 public:
  // `node` may be null (the section is not there) and must outlive this; `path` is its name in messages.
  ConfigSection(ConfigFaults& faults, const Surroundings& around, const YamlNode* node, const YamlPlace& place,
                std::string path);

  [[nodiscard]] bool present() const { return node_ != nullptr; }
  [[nodiscard]] bool has(std::string_view key) const { return node_ != nullptr && node_->member(key) != nullptr; }
  // The key stands there with nothing behind it.
  [[nodiscard]] bool is_null(std::string_view key) const;
  [[nodiscard]] bool is_empty_list(std::string_view key) const;
  // Of the key, or of the section when the key is not there.
  [[nodiscard]] YamlPlace place_of(std::string_view key) const;
  // Of the key's value.
  [[nodiscard]] YamlPlace place_of_value(std::string_view key) const;
  // Of one item of the key's list.
  [[nodiscard]] YamlPlace place_of_item(std::string_view key, std::size_t index) const;
  // The key's value, or the item of its list, as it was written: with ${NAME} in it, shortened, in quotes.
  [[nodiscard]] std::string written(std::string_view key, std::size_t index = 0) const;
  // "outputs.elasticsearch.hosts"
  [[nodiscard]] std::string name_of(std::string_view key) const;

  // Each leaves `out` alone when the key is missing or wrong.
  void text(std::string_view key, std::string& out);
  void flag(std::string_view key, bool& out);
  void duration(std::string_view key, milliseconds& out, DurationRange range);
  void size(std::string_view key, std::uint64_t& out, CountRange range);
  void count(std::string_view key, std::uint64_t& out, CountRange range);
  void texts(std::string_view key, std::vector<std::string>& out);
  // A text, or a map with the one key `file`: a path relative to the configuration's folder.
  void secret(std::string_view key, Secret& out);
  template <typename E>
  void choice(std::string_view key, E& out, std::initializer_list<std::pair<std::string_view, E>> allowed);

  [[nodiscard]] ConfigSection section(std::string_view key);
  [[nodiscard]] std::vector<ConfigSection> sections(std::string_view key);  // of a list of maps
  // What stands at the key, whatever it is, and one of its members as a section; nullptr without the key.
  [[nodiscard]] const YamlNode* tree(std::string_view key);
  [[nodiscard]] ConfigSection member_section(std::string_view key, const YamlMember& member);
  // Numbers as JSON writes them.
  void numbers(std::string_view key, std::vector<double>& out);
  // Every scalar below the key with its dotted name.
  void named_texts(std::string_view key, std::vector<std::pair<std::string, std::string>>& out);

  void missing(std::string_view key, std::string hint);
  void error(const YamlPlace& place, int number, std::string message, std::string hint = "") {
    faults_.error(place, number, std::move(message), std::move(hint));
  }
  void warning(const YamlPlace& place, int number, std::string message, std::string hint = "") {
    faults_.warning(place, number, std::move(message), std::move(hint));
  }
  // The file in which this place stands, as it was named.
  [[nodiscard]] const std::string& file_of(const YamlPlace& place) const { return faults_.file(place.file); }
  // Folder of the file in which this place stands; absolute.
  [[nodiscard]] std::string folder_of(const YamlPlace& place) const;

  void finish();

 private:
  const YamlMember* take(std::string_view key);
  // The scalar at `key` with ${...} filled in.
  std::optional<std::string> scalar(std::string_view key, std::string_view wanted);
  std::optional<std::string> expand(const YamlNode& node, const std::string& name);
  std::optional<std::string> filled_text(const YamlNode& node, const std::string& name, bool trap);
  void wrong_type(const YamlMember& member, std::string_view wanted);
  void bad_choice(std::string_view key, const std::string& value, const std::vector<std::string_view>& allowed);
  void bad_flag(const YamlNode& node, const std::string& name, const std::string& value);
  void read_secret_file(const YamlPlace& place, const std::string& name, const std::string& path, Secret& out);
  void collect_texts(const YamlNode& node, const std::string& name,
                     std::vector<std::pair<std::string, std::string>>& out);

  ConfigFaults& faults_;
  const Surroundings& around_;
  const YamlNode* node_;
  YamlPlace place_;
  std::string path_;
  std::vector<std::string_view> asked_;
};

// The allowed word that was probably meant: the nearest one, or one that begins with `word`; "" for neither.
[[nodiscard]] std::string_view meant_word(std::string_view word, const std::vector<std::string_view>& allowed);

template <typename E>
void ConfigSection::choice(std::string_view key, E& out,
                           std::initializer_list<std::pair<std::string_view, E>> allowed) {
  const auto value = scalar(key, "a word");
  if (!value) return;
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : allowed) {
    if (*value == name) {
      out = meaning;
      return;
    }
    names.push_back(name);
  }
  bad_choice(key, *value, names);
}

}  // namespace tapewatch

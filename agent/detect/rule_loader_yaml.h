// SPDX-License-Identifier: Apache-2.0
#pragma once
// YAML as rules need it: documents as trees in which every node knows its place, and every fault of the text is told
// with its place: bytes that are not UTF-8, control characters, tabs as indentation, duplicate keys, alias cycles,
// trees that grow without end. A broken document does not hide its neighbours. Used by RuleLoader alone. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"

namespace tapewatch {

struct YamlPlace {
  int line = 0;    // 1-based
  int column = 0;  // 1-based, in bytes
  int length = 1;
};

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool plain = false;  // a scalar without quotes: may be a number or a boolean
  // The scalar's text stands in one piece in the file, `verbatim` columns behind `place`: a part of it can be
  // underlined.
  bool verbatim = false;
  std::string text;
  YamlPlace place;
  std::vector<YamlNode> keys;      // of a map, in step with `children`
  std::vector<YamlNode> children;  // of a list, or the values of a map

  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  // The value of `key`, or nullptr.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  // Where `bytes` of the text from `offset` stand; the whole node when that is not known.
  [[nodiscard]] YamlPlace place_of(std::size_t offset, std::size_t bytes) const;
};

struct YamlLimits {
  std::size_t nodes_max = 200'000;  // of one document, aliases counted as often as they are used
  int depth_max = 64;
};

struct YamlDocuments {
  std::vector<YamlNode> documents;
  std::size_t rejected = 0;
};

// The documents of `text` that can be read; faults are added to `diagnostics` under the name `file`.
[[nodiscard]] YamlDocuments read_yaml(const std::string& file, std::string_view text, const YamlLimits& limits,
                                      Diagnostics& diagnostics);

}  // namespace tapewatch

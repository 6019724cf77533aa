// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one wall around the YAML parser: documents as trees in which every node knows its place, and every fault of the
// text with its place. The parser alone passes bytes that are not UTF-8, duplicate keys, alias cycles and trees that
// grow without end; here each is a fault. What a fault is called, and its number, is for who reads the tree:
// configurations refuse more than rules do. A broken document does not hide its neighbours. Thread: any.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

struct YamlPlace {
  int line = 0;    // 1-based; 0: the whole file
  int column = 0;  // 1-based, in bytes
  int length = 1;
  int file = 0;  // as in YamlOptions: tells trees of several files apart once they are merged
};

struct YamlMember;

struct YamlNode {
  // refused: it has a fault; readers that go on all the same keep quiet about it.
  enum class Kind : std::uint8_t { null, scalar, list, map, refused };
  Kind kind = Kind::null;
  bool quoted = false;              // a scalar that is text, whatever it looks like
  int text_column = 0;              // where a scalar's text stands in one piece in the file; 0: nowhere
  std::string text;                 // of a scalar
  YamlPlace place;                  // of the whole, quotes included
  std::vector<YamlNode> items;      // of a list
  std::vector<YamlMember> members;  // of a map, each key once; the keys are scalars

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  [[nodiscard]] const YamlMember* member(std::string_view key) const;
  // The value of `key`, or nullptr.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  // Where `bytes` of the text from `offset` stand; the whole node when that is not known.
  [[nodiscard]] YamlPlace place_of(std::size_t offset, std::size_t bytes) const;
};

struct YamlMember {
  YamlNode key;
  YamlNode value;
};

struct YamlFault {
  enum class Kind : std::uint8_t {
    syntax,  // text: what the parser says
    not_utf8,
    control_byte,
    tab,  // as indentation, in a document with a syntax fault
    key_not_text,
    duplicate_key,  // text: the key; first: where it stands before
    alias_cycle,    // an alias inside the node that it stands for
    anchor,         // refused by the options
    alias,          // refused by the options
    merge_key,      // refused by the options
    tag,            // refused by the options
    depth,
    nodes,
  };
  Kind kind = Kind::syntax;
  YamlPlace place;
  std::string text;
  YamlPlace first;
};

struct YamlOptions {
  std::size_t nodes_max = 200'000;  // of one document, aliases counted as often as they are used
  int depth_max = 64;
  std::size_t faults_max = 1000;  // of one document; those beyond it are dropped
  bool references = true;         // false: anchors, aliases, merge keys and tags are faults
  int file = 0;                   // goes into every place
};

struct YamlDocument {
  YamlNode root;    // with a syntax fault: what stands above it; with too many nodes: nothing
  YamlPlace place;  // where it starts
  bool whole = true;
  std::vector<YamlFault> faults;
};

// The documents of `text`, those without content included. A byte that no YAML may hold gives one document, refused.
[[nodiscard]] std::vector<YamlDocument> read_yaml(std::string_view text, const YamlOptions& options);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "detect/rule_loader_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "base/utf8.h"
#include "detect/rule_fault.h"

namespace tapewatch {
namespace {

// One document's text and where it starts in its file.
struct Piece {
  std::string_view text;
  int first_line = 1;
};

struct Fault {
  int number = 0;
  YamlPlace place;
  std::string message;
  std::string hint;
};

bool is_marker(std::string_view line, std::string_view marker) {
  return line.starts_with(marker) && (line.size() == marker.size() || line[marker.size()] == ' ' ||
                                      line[marker.size()] == '\t' || line[marker.size()] == '\r');
}

// Documents are told apart by their markers at the start of a line, so that a fault in one does not hide the rest.
std::vector<Piece> split(std::string_view text) {
  std::vector<Piece> pieces;
  Piece piece;
  std::size_t piece_begin = 0;
  int line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = text.substr(begin, end - begin);
    const bool starts = is_marker(content, "---");
    if (starts || is_marker(content, "...")) {
      piece.text = text.substr(piece_begin, begin - piece_begin);
      pieces.push_back(piece);
      piece_begin = begin;
      piece.first_line = line;
      if (!starts) {
        piece_begin = std::min(end + 1, text.size());
        ++piece.first_line;
      }
    }
    begin = end + 1;
  }
  piece.text = text.substr(piece_begin);
  pieces.push_back(piece);
  return pieces;
}

// The byte order of lines in one piece, to find the text behind a mark.
class Lines final {
 public:
  explicit Lines(const Piece& piece) : piece_(piece) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < piece.text.size(); ++i) {
      if (piece.text[i] == '\n') starts_.push_back(i + 1);
    }
  }
  [[nodiscard]] std::size_t offset(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(std::max(0, mark.line));
    if (line >= starts_.size()) return piece_.text.size();
    return std::min(piece_.text.size(), starts_[line] + static_cast<std::size_t>(std::max(0, mark.column)));
  }
  [[nodiscard]] YamlPlace place(const YAML::Mark& mark) const {
    return {piece_.first_line + std::max(0, mark.line), std::max(0, mark.column) + 1, 1};
  }
  // The first line that is indented with a tab.
  [[nodiscard]] std::optional<YamlPlace> tab() const {
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      const std::size_t at = piece_.text.find_first_not_of(' ', starts_[i]);
      if (at != std::string_view::npos && piece_.text[at] == '\t') {
        return YamlPlace{piece_.first_line + static_cast<int>(i), static_cast<int>(at - starts_[i]) + 1, 1};
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string_view text() const { return piece_.text; }

 private:
  Piece piece_;
  std::vector<std::size_t> starts_;
};

// Builds the tree from the parser's events. The first fault stops it: what follows is skipped.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Lines& lines, const YamlLimits& limits) : lines_(lines), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.place = lines_.place(mark);
    leaf(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (fault) return;
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      fault = Fault{fault_number::yaml_alias, lines_.place(mark), "an alias inside the node that it stands for", ""};
      return;
    }
    YamlNode copy = known->second;
    nodes_ += count(copy);
    leaf(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.plain = tag != "!" && tag.find("str") == std::string::npos;
    node.text = value;
    node.place = lines_.place(mark);
    find_text(mark, node);
    if (node.plain && (value == "null" || value == "Null" || value == "NULL" || value == "~")) {
      node.kind = YamlNode::Kind::null;
    }
    leaf(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  std::optional<Fault> fault;
  YamlNode root;

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
  };

  static std::size_t count(const YamlNode& node) {
    std::size_t nodes = 1;
    for (const YamlNode& key : node.keys) nodes += count(key);
    for (const YamlNode& child : node.children) nodes += count(child);
    return nodes;
  }

  void find_text(const YAML::Mark& mark, YamlNode& node) {
    std::size_t at = lines_.offset(mark);
    const std::string_view text = lines_.text();
    node.place.length = 1;
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) ++at;
    const std::string_view rest = text.substr(std::min(at, text.size()));
    if (node.text.empty() || node.text.find('\n') != std::string::npos || !rest.starts_with(node.text)) return;
    node.verbatim = true;
    node.place.column += static_cast<int>(at - lines_.offset(mark));
    node.place.length = static_cast<int>(node.text.size());
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (fault) return;
    if (static_cast<int>(open_.size()) >= limits_.depth_max) {
      fault = Fault{fault_number::yaml_limit, lines_.place(mark),
                    "nested deeper than " + std::to_string(limits_.depth_max) + " levels", ""};
      return;
    }
    Open level;
    level.node.kind = kind;
    level.node.place = lines_.place(mark);
    level.anchor = anchor;
    open_.push_back(std::move(level));
  }

  void close() {
    if (fault || open_.empty()) return;
    Open level = std::move(open_.back());
    open_.pop_back();
    leaf(std::move(level.node), level.anchor);
  }

  void leaf(YamlNode node, YAML::anchor_t anchor) {
    if (fault) return;
    if (++nodes_ > limits_.nodes_max) {
      fault = Fault{fault_number::yaml_limit, node.place,
                    "more than " + std::to_string(limits_.nodes_max) + " nodes in one document", ""};
      return;
    }
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    YamlNode& parent = open_.back().node;
    if (parent.is_map() && parent.keys.size() == parent.children.size()) {
      add_key(parent, std::move(node));
    } else {
      parent.children.push_back(std::move(node));
    }
  }

  void add_key(YamlNode& map, YamlNode key) {
    if (!key.is_scalar()) {
      fault = Fault{fault_number::yaml_syntax, key.place, "a key must be a plain text", ""};
      return;
    }
    const auto same = std::find_if(map.keys.begin(), map.keys.end(), [&](auto& k) { return k.text == key.text; });
    if (same != map.keys.end()) {
      fault = Fault{fault_number::yaml_duplicate_key, key.place, "duplicate key \"" + key.text + "\"",
                    "first given in line " + std::to_string(same->place.line)};
      return;
    }
    map.keys.push_back(std::move(key));
  }

  const Lines& lines_;
  const YamlLimits& limits_;
  std::size_t nodes_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
};

// The one place where yaml-cpp's exceptions end. False when the piece holds no document.
bool parse_piece(const Lines& lines, TreeBuilder& builder) {
  std::istringstream stream{std::string(lines.text())};
  try {
    YAML::Parser parser(stream);
    return parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& e) {
    if (builder.fault) return true;
    builder.fault = Fault{fault_number::yaml_syntax, lines.place(e.mark), e.msg, ""};
    if (const auto tab = lines.tab()) {
      builder.fault = Fault{fault_number::yaml_syntax, *tab, "a tab as indentation", "use spaces"};
    }
    return true;
  }
}

// The place of the byte at `offset`.
YamlPlace place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n');
  const std::size_t column = line_begin == std::string_view::npos ? offset : offset - line_begin - 1;
  return {static_cast<int>(lines) + 1, static_cast<int>(column) + 1, 1};
}

// yaml-cpp guesses at bytes that are not UTF-8 and ends silently at some control characters.
std::optional<Fault> check_bytes(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
      return Fault{fault_number::not_utf8, place_at(text, at), "a control character, which YAML does not allow", ""};
    }
    const std::size_t bytes = c < 0x80 ? 1 : utf8_sequence(text.substr(at));
    if (bytes == 0) return Fault{fault_number::not_utf8, place_at(text, at), "not UTF-8", "save the file as UTF-8"};
    at += bytes;
  }
  return std::nullopt;
}

void report(const std::string& file, const Fault& fault, Diagnostics& diagnostics) {
  diagnostics.add({Severity::error, fault.number, file, fault.place.line, fault.place.column, fault.place.length,
                   fault.message, fault.hint});
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &children[i];
  }
  return nullptr;
}

YamlPlace YamlNode::place_of(std::size_t offset, std::size_t bytes) const {
  if (!verbatim) return place;
  return {place.line, place.column + static_cast<int>(offset), static_cast<int>(std::max<std::size_t>(1, bytes))};
}

YamlDocuments read_yaml(const std::string& file, std::string_view text, const YamlLimits& limits,
                        Diagnostics& diagnostics) {
  YamlDocuments read;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto fault = check_bytes(text)) {
    report(file, *fault, diagnostics);
    ++read.rejected;
    return read;
  }
  for (const Piece& piece : split(text)) {
    const Lines lines(piece);
    TreeBuilder builder(lines, limits);
    if (!parse_piece(lines, builder)) continue;
    if (builder.fault) {
      report(file, *builder.fault, diagnostics);
      ++read.rejected;
    } else if (builder.root.kind != YamlNode::Kind::null) {
      read.documents.push_back(std::move(builder.root));
    }
  }
  return read;
}

}  // namespace tapewatch

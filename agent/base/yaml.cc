// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "base/utf8.h"

namespace tapewatch {
namespace {

constexpr std::size_t looked_at_max = 1024;  // behind a place, to find how much to underline

// One document's text and where it starts in its file.
struct Piece {
  std::string_view text;
  int first_line = 1;
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

// Turns the parser's marks in one piece into places, and finds the text behind them.
class Places final {
 public:
  Places(const Piece& piece, int file) : piece_(piece), file_(file) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < piece.text.size(); ++i) {
      if (piece.text[i] == '\n') starts_.push_back(i + 1);
    }
  }
  [[nodiscard]] YamlPlace place(const YAML::Mark& mark) const {
    return {piece_.first_line + std::max(0, mark.line), std::max(0, mark.column) + 1, 1, file_};
  }
  [[nodiscard]] std::string_view text_behind(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(std::max(0, mark.line));
    if (line >= starts_.size()) return {};
    return piece_.text.substr(
        std::min(piece_.text.size(), starts_[line] + static_cast<std::size_t>(std::max(0, mark.column))));
  }
  // The first line that is indented with a tab.
  [[nodiscard]] std::optional<YamlPlace> tab() const {
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      const std::size_t at = piece_.text.find_first_not_of(' ', starts_[i]);
      if (at != std::string_view::npos && piece_.text[at] == '\t') {
        return YamlPlace{piece_.first_line + static_cast<int>(i), static_cast<int>(at - starts_[i]) + 1, 1, file_};
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string_view text() const { return piece_.text; }

 private:
  const Piece piece_;
  const int file_;
  std::vector<std::size_t> starts_;
};

// How much of the line to underline for a scalar of so many bytes: with its quotes.
int written_length(std::string_view behind, std::size_t bytes) {
  const std::string_view near = behind.substr(0, looked_at_max);  // a file may be one line
  const std::string_view line = near.substr(0, near.find('\n'));
  if (!line.empty() && (line[0] == '"' || line[0] == '\'')) {
    const std::size_t end = line.find(line[0], 1);
    if (end != std::string_view::npos) bytes = end + 1;
  }
  return static_cast<int>(std::max<std::size_t>(1, std::min(bytes, line.size())));
}

struct Extent {
  std::size_t nodes = 1;
  int height = 1;
};

Extent extent(const YamlNode& node) {
  Extent all;
  const auto add = [&all](const YamlNode& part) {
    const Extent inner = extent(part);
    all.nodes += inner.nodes;
    all.height = std::max(all.height, inner.height + 1);
  };
  for (const YamlNode& item : node.items) add(item);
  for (const YamlMember& member : node.members) {
    add(member.key);
    add(member.value);
  }
  return all;
}

// Turns the parser's events into a tree, and goes on after a fault, so that the others are found in the same run. After
// a syntax fault finish() closes what is open.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Places& places, const YamlOptions& options, YamlDocument& document)
      : places_(places), options_(options), document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override { document_.place = places_.place(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_reference(mark, anchor, "");
    YamlNode node = made(YamlNode::Kind::null, mark);
    const std::string_view behind = places_.text_behind(mark);
    const bool written = behind.starts_with('~') || behind.starts_with("null") || behind.starts_with("Null") ||
                         behind.starts_with("NULL");
    if (!written && !open_.empty() && open_.back().has_key) node.place = open_.back().key.place;
    put(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (!options_.references || known == anchors_.end()) {
      fault(options_.references ? YamlFault::Kind::alias_cycle : YamlFault::Kind::alias, places_.place(mark));
      put(made(YamlNode::Kind::refused, mark), 0);
      return;
    }
    const Extent size = extent(known->second);
    if (static_cast<int>(open_.size()) + size.height > options_.depth_max + 1) {
      refuse_depth(mark);
      put(made(YamlNode::Kind::refused, mark), 0);
    } else if (skipped_ == 0 && room_for(size.nodes, places_.place(mark))) {
      attach(YamlNode(known->second));
    }
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_reference(mark, anchor, tag);
    YamlNode node = made(YamlNode::Kind::scalar, mark);
    node.quoted = tag == "!" || tag.find("str") != std::string::npos;
    node.text = value;
    const std::string_view behind = places_.text_behind(mark);
    const std::size_t quote = behind.starts_with('"') || behind.starts_with('\'') ? 1 : 0;
    node.place.length = written_length(behind, value.size());
    if (!value.empty() && value.find('\n') == std::string::npos && behind.substr(quote).starts_with(value)) {
      node.text_column = node.place.column + static_cast<int>(quote);
    }
    if (!node.quoted && (value == "null" || value == "Null" || value == "NULL" || value == "~")) {
      node.kind = YamlNode::Kind::null;
    }
    put(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  void finish() {
    finished_ = true;
    while (!open_.empty()) close();
  }
  void fault(YamlFault::Kind kind, const YamlPlace& place, std::string text = {}, const YamlPlace& first = {}) {
    if (!finished_ && !given_up_ && document_.faults.size() < options_.faults_max)
      document_.faults.push_back({kind, place, std::move(text), first});
  }

  void refuse_depth(const YAML::Mark& mark) {
    if (!told_depth_) fault(YamlFault::Kind::depth, places_.place(mark));
    told_depth_ = true;
  }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    YamlNode key;
    std::unordered_map<std::string, std::size_t> known;  // keys, and which member each is
  };

  [[nodiscard]] YamlNode made(YamlNode::Kind kind, const YAML::Mark& mark) const {
    YamlNode node;
    node.kind = kind;
    node.place = places_.place(mark);
    return node;
  }

  void check_reference(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    if (options_.references) return;
    if (anchor != 0) fault(YamlFault::Kind::anchor, places_.place(mark));
    if (!tag.empty() && tag != "?" && tag != "!") fault(YamlFault::Kind::tag, places_.place(mark));
  }

  // Counts nodes. Once there are too many the tree is given up.
  [[nodiscard]] bool room_for(std::size_t nodes, const YamlPlace& place) {
    if (given_up_) return false;
    nodes_ += nodes;
    if (nodes_ <= options_.nodes_max) return true;
    fault(YamlFault::Kind::nodes, place);
    given_up_ = true;
    open_.clear();
    document_.root = {};
    document_.root.kind = YamlNode::Kind::refused;
    return false;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (given_up_) return;
    if (skipped_ > 0 || static_cast<int>(open_.size()) >= options_.depth_max) {
      refuse_depth(mark);
      ++skipped_;
      return;
    }
    check_reference(mark, anchor, tag);
    open_.emplace_back();
    open_.back().node = made(kind, mark);
    open_.back().anchor = anchor;
  }

  void close() {
    if (given_up_) return;
    if (skipped_ > 0) {
      if (--skipped_ > 0) return;
      YamlNode refused;
      refused.kind = YamlNode::Kind::refused;
      put(std::move(refused), 0);
      return;
    }
    if (open_.empty()) return;
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.has_key) {  // a syntax fault came before its value
      YamlNode refused;
      refused.kind = YamlNode::Kind::refused;
      done.node.members.push_back({std::move(done.key), std::move(refused)});
    }
    put(std::move(done.node), done.anchor);
  }

  void put(YamlNode&& node, YAML::anchor_t anchor) {
    if (skipped_ > 0 || !room_for(1, node.place)) return;
    if (anchor != 0 && options_.references) anchors_[anchor] = node;
    attach(std::move(node));
  }

  void attach(YamlNode&& node) {
    if (open_.empty()) {
      document_.root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.has_key) {
      put_value(parent, std::move(node));
    } else {
      put_key(parent, std::move(node));
    }
  }

  void put_key(Open& parent, YamlNode&& node) {
    parent.has_key = true;
    parent.key = std::move(node);
    YamlNode& key = parent.key;
    if (!key.is_scalar()) {
      if (key.kind != YamlNode::Kind::refused) fault(YamlFault::Kind::key_not_text, key.place);
      key.kind = YamlNode::Kind::refused;
    } else if (!options_.references && key.text == "<<" && !key.quoted) {
      fault(YamlFault::Kind::merge_key, key.place);
      key.kind = YamlNode::Kind::refused;
    }
  }

  void put_value(Open& parent, YamlNode&& value) {
    parent.has_key = false;
    if (parent.key.kind == YamlNode::Kind::refused) return;
    const auto [known, added] = parent.known.emplace(parent.key.text, parent.node.members.size());
    if (added) {
      parent.node.members.push_back({std::move(parent.key), std::move(value)});
      return;
    }
    fault(YamlFault::Kind::duplicate_key, parent.key.place, parent.key.text,
          parent.node.members[known->second].key.place);
  }

  const Places& places_;
  const YamlOptions& options_;
  YamlDocument& document_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, YamlNode> anchors_;
  std::size_t nodes_ = 0;
  int skipped_ = 0;  // levels open beyond the deepest allowed
  bool told_depth_ = false;
  bool given_up_ = false;
  bool finished_ = false;
};

// The one place where the parser's exceptions end. Nothing when the piece holds no document.
std::optional<YamlDocument> read_piece(const Piece& piece, const YamlOptions& options) {
  const Places places(piece, options.file);
  YamlDocument document;
  TreeBuilder builder(places, options, document);
  std::istringstream stream{std::string(piece.text)};
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::nullopt;
  } catch (const YAML::DeepRecursion& e) {
    document.whole = false;
    builder.refuse_depth(e.mark);
  } catch (const YAML::Exception& e) {
    document.whole = false;
    const auto tab = places.tab();
    builder.fault(tab ? YamlFault::Kind::tab : YamlFault::Kind::syntax, tab ? *tab : places.place(e.mark), e.msg);
  } catch (const std::exception& e) {
    document.whole = false;
    builder.fault(YamlFault::Kind::syntax, {0, 0, 1, options.file}, e.what());
  }
  builder.finish();
  return document;
}

// The place of the byte at `offset`.
YamlPlace place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n');
  const std::size_t column = line_begin == std::string_view::npos ? offset : offset - line_begin - 1;
  return {static_cast<int>(lines) + 1, static_cast<int>(column) + 1, 1, 0};
}

// The parser guesses at bytes that are not UTF-8 and ends silently at some control characters.
std::optional<YamlFault> find_bad_byte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      return YamlFault{YamlFault::Kind::control_byte, place_at(text, at), {}, {}};
    }
    const std::size_t bytes = c < 0x80 ? 1 : utf8_sequence(text.substr(at));
    if (bytes == 0) return YamlFault{YamlFault::Kind::not_utf8, place_at(text, at), {}, {}};
    at += bytes;
  }
  return std::nullopt;
}

}  // namespace

const YamlMember* YamlNode::member(std::string_view key) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const YamlMember& m) { return m.key.text == key; });
  return found == members.end() ? nullptr : &*found;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  const YamlMember* found = member(key);
  return found == nullptr ? nullptr : &found->value;
}

YamlPlace YamlNode::place_of(std::size_t offset, std::size_t bytes) const {
  if (text_column == 0) return place;
  return {place.line, text_column + static_cast<int>(offset), static_cast<int>(std::max<std::size_t>(1, bytes)),
          place.file};
}

std::vector<YamlDocument> read_yaml(std::string_view text, const YamlOptions& options) {
  std::vector<YamlDocument> documents;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (auto fault = find_bad_byte(text)) {
    fault->place.file = options.file;
    YamlDocument broken;
    broken.whole = false;
    broken.root.kind = YamlNode::Kind::refused;
    broken.faults.push_back(std::move(*fault));
    documents.push_back(std::move(broken));
    return documents;
  }
  for (const Piece& piece : split(text)) {
    if (auto document = read_piece(piece, options)) documents.push_back(std::move(*document));
  }
  return documents;
}

}  // namespace tapewatch

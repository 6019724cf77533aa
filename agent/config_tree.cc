// SPDX-License-Identifier: Apache-2.0
#include "config_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "config_text.h"

namespace tapewatch {
namespace {

constexpr std::size_t looked_at_max = 1024;  // behind a place, to find how much to underline

// Turns the parser's events into a tree. After a syntax error finish() closes what is open, so that the faults above
// the error are found in the same run.
class ConfigTreeBuilder final : public YAML::EventHandler {
 public:
  ConfigTreeBuilder(int file, std::string_view text, ConfigFaults& faults) : file_(file), text_(text), faults_(faults) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (at == 0 || text[at - 1] == '\n') line_starts_.push_back(at);
    }
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    put(leaf(ConfigNode::Kind::null, mark, "", false));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    faults_.error(place(mark, 1), 109, "aliases are refused",
                  "write the value out; a value that starts with * needs quotes");
    put(leaf(ConfigNode::Kind::refused, mark, "", false));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    put(leaf(ConfigNode::Kind::scalar, mark, value, tag == "!"));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(ConfigNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(ConfigNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  ConfigNode finish() {
    while (!open_.empty()) close();
    return std::move(root_);
  }

 private:
  struct Open {
    ConfigNode node;
    bool has_key = false;
    ConfigMember member;
    std::unordered_map<std::string, std::size_t> keys;
  };

  [[nodiscard]] std::string_view rest_of_line(int line, int column) const {
    const auto index = static_cast<std::size_t>(line - 1);
    if (index >= line_starts_.size()) return {};
    const std::size_t begin = line_starts_[index] + static_cast<std::size_t>(column - 1);
    if (begin >= text_.size()) return {};
    const std::string_view near = text_.substr(begin, looked_at_max);  // a file may be one line
    return near.substr(0, near.find('\n'));
  }

  [[nodiscard]] Place place(const YAML::Mark& mark, std::size_t length) const {
    Place result{file_, mark.line + 1, mark.column + 1, 1};
    const std::string_view rest = rest_of_line(result.line, result.column);
    if (!rest.empty() && (rest[0] == '"' || rest[0] == '\'')) {
      const std::size_t end = rest.find(rest[0], 1);
      if (end != std::string_view::npos) length = end + 1;
    }
    result.length = static_cast<int>(std::max<std::size_t>(1, std::min(length, rest.size())));
    return result;
  }

  ConfigNode leaf(ConfigNode::Kind kind, const YAML::Mark& mark, std::string value, bool quoted) const {
    ConfigNode node;
    node.kind = kind;
    node.quoted = quoted;
    node.place = place(mark, value.size());
    node.text = std::move(value);
    return node;
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) faults_.error(place(mark, 1), 109, "anchors are refused", "write the value where it is used");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    faults_.error(place(mark, 1), 111, "tags are refused", "quote a value that must be text");
  }

  void open(ConfigNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (skipped_ > 0 || open_.size() >= nesting_max) {
      if (!told_depth_) faults_.error(place(mark, 1), 110, "nested deeper than 32 levels");
      told_depth_ = true;
      ++skipped_;
      return;
    }
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open_.emplace_back();
    open_.back().node = leaf(kind, mark, "", false);
  }

  void close() {
    if (skipped_ > 0) {
      --skipped_;
      if (skipped_ == 0) put(ConfigNode{ConfigNode::Kind::refused, false, "", {}, {}, {}});
      return;
    }
    if (open_.empty()) return;
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.has_key) {  // a syntax error came before its value
      done.member.value.kind = ConfigNode::Kind::refused;
      done.node.members.push_back(std::move(done.member));
    }
    put(std::move(done.node));
  }

  void put(ConfigNode&& node) {
    if (skipped_ > 0) return;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == ConfigNode::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      put_key(parent, std::move(node));
    } else {
      put_member(parent, std::move(node));
    }
  }

  void put_key(Open& parent, ConfigNode&& node) {
    parent.has_key = true;
    parent.member = {};
    parent.member.place = node.place;
    if (node.kind == ConfigNode::Kind::scalar) {
      parent.member.key = std::move(node.text);
    } else if (node.kind != ConfigNode::Kind::refused) {
      faults_.error(node.place, 107, "a key must be text");
    }
    if (parent.member.key == "<<" && !node.quoted) {
      faults_.error(node.place, 109, "merge keys are refused", "write the keys out");
      parent.member.key.clear();
    }
  }

  void put_member(Open& parent, ConfigNode&& node) {
    parent.has_key = false;
    ConfigMember& member = parent.member;
    member.value = std::move(node);
    if (member.key.empty()) return;
    if (member.value.kind == ConfigNode::Kind::null) member.value.place = member.place;
    const auto [known, added] = parent.keys.emplace(member.key, parent.node.members.size());
    if (added) {
      parent.node.members.push_back(std::move(member));
      return;
    }
    const Place& first = parent.node.members[known->second].place;
    const std::string name = "\"" + member.key + "\"";
    faults_.error(member.place, 121, "duplicate key " + name, "first set in line " + std::to_string(first.line));
    faults_.warning(first, 121, "key " + name + " is set here first",
                    "and again in line " + std::to_string(member.place.line));
  }

  const int file_;
  const std::string_view text_;
  ConfigFaults& faults_;
  std::vector<std::size_t> line_starts_;
  std::vector<Open> open_;
  ConfigNode root_;
  int skipped_ = 0;  // levels open beyond the deepest allowed
  bool told_depth_ = false;
};

// Notes that a document begins, and where.
class DocumentProbe final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    seen = true;
    line = mark.line + 1;
    column = mark.column + 1;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  bool seen = false;
  int line = 0;
  int column = 0;
};

std::string syntax_hint(const std::string& message, std::string_view line) {
  if (line.find('%') != std::string_view::npos && message.find("token") != std::string::npos)
    return "a value that starts with % needs quotes";
  if (line.find('{') != std::string_view::npos || line.find('[') != std::string_view::npos)
    return "a value with { } [ ] or , in it needs quotes";
  if (message.find("map value") != std::string::npos) return "a value with \": \" in it needs quotes";
  if (message.find("end of map") != std::string::npos || message.find("end of sequence") != std::string::npos)
    return "is the indentation right?";
  return "";
}

// Returns the place of the text that swallowed the lines below it, if that is what happened.
Place report_syntax(int file, const std::string& text, int line, int column, const std::string& message,
                    ConfigFaults& faults) {
  if (message.find("anchor is not defined") != std::string::npos || message.find("alias") != std::string::npos) {
    faults.error({file, line, column, 1}, 109, "aliases are refused",
                 "write the value out; a value that starts with * needs quotes");
    return {};
  }
  if (const auto unclosed = find_unclosed(text, line)) {
    const bool quote = unclosed->opened == '"' || unclosed->opened == '\'';
    const Place opening{file, unclosed->line, unclosed->column, 1};
    faults.error(opening, 106, std::string(quote ? "quote" : "bracket") + " opened here is not closed",
                 quote ? "close it in this line" : "");
    return opening;
  }
  std::istringstream lines(text);
  std::string shown;
  for (int i = 0; i < line; ++i) std::getline(lines, shown);
  faults.error({file, line, column, 1}, 107, "not YAML: " + message, syntax_hint(message, shown));
  return {};
}

// What stands at this place was reported; readers pass over it.
void refuse_at(ConfigNode& node, const Place& place) {
  if (node.place.line == place.line && node.place.column == place.column && node.kind == ConfigNode::Kind::scalar)
    node.kind = ConfigNode::Kind::refused;
  for (ConfigNode& item : node.items) refuse_at(item, place);
  for (ConfigMember& member : node.members) refuse_at(member.value, place);
}

}  // namespace

const ConfigMember* ConfigNode::find(std::string_view key) const {
  for (const ConfigMember& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

int ConfigFaults::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<int>(files_.size()) - 1;
}

void ConfigFaults::error(const Place& place, int number, std::string message, std::string hint) {
  ++errors_;
  add(Severity::error, place, number, std::move(message), std::move(hint));
}

void ConfigFaults::warning(const Place& place, int number, std::string message, std::string hint) {
  add(Severity::warning, place, number, std::move(message), std::move(hint));
}

void ConfigFaults::add(Severity severity, const Place& place, int number, std::string message, std::string hint) {
  if (++added_ > faults_max) return;
  if (added_ == faults_max) {
    diagnostics_.add(
        {Severity::error, 100, file(place.file), 0, 0, 1, "more than 100 faults; the rest is not shown", ""});
    return;
  }
  diagnostics_.add({severity, number, file(place.file), place.line, place.column, place.length, std::move(message),
                    std::move(hint)});
}

ConfigFile read_config_text(int file, const std::string& text, ConfigFaults& faults) {
  ConfigTreeBuilder builder(file, text, faults);
  ConfigFile result;
  Place swallower;
  try {  // the one place where the YAML library's exceptions end
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    DocumentProbe second;
    parser.HandleNextDocument(second);
    if (second.seen) {
      faults.error({file, second.line, second.column, 1}, 108, "a second document starts here",
                   "one file holds one document; put the other into conf.d");
    }
  } catch (const YAML::Exception& e) {
    result.whole = false;
    swallower = report_syntax(file, text, std::max(0, e.mark.line) + 1, std::max(0, e.mark.column) + 1, e.msg, faults);
  } catch (const std::exception& e) {
    result.whole = false;
    faults.error({file, 0, 0, 1}, 107, std::string("not YAML: ") + e.what());
  }
  result.root = builder.finish();
  if (swallower.line > 0) refuse_at(result.root, swallower);
  return result;
}

void merge_config(ConfigNode& base, ConfigNode&& later) {
  if (base.kind != ConfigNode::Kind::map || later.kind != ConfigNode::Kind::map) {
    if (later.kind != ConfigNode::Kind::null) base = std::move(later);
    return;
  }
  for (ConfigMember& member : later.members) {
    const auto known = std::find_if(base.members.begin(), base.members.end(),
                                    [&](const ConfigMember& m) { return m.key == member.key; });
    if (known == base.members.end()) {
      base.members.push_back(std::move(member));
      continue;
    }
    const bool lists = known->value.kind == ConfigNode::Kind::list && member.value.kind == ConfigNode::Kind::list;
    if (lists && member.key == "inputs") {
      for (ConfigNode& item : member.value.items) known->value.items.push_back(std::move(item));
      continue;
    }
    known->place = member.place;
    merge_config(known->value, std::move(member.value));
  }
}

}  // namespace tapewatch

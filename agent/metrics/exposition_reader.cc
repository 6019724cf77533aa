// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace tapewatch {
namespace {

constexpr std::string_view blanks = " \t";

std::optional<FamilyType> type_named(std::string_view word) {
  constexpr std::pair<std::string_view, FamilyType> types[] = {
      {"counter", FamilyType::counter},     {"gauge", FamilyType::gauge},
      {"histogram", FamilyType::histogram}, {"gaugehistogram", FamilyType::gauge_histogram},
      {"summary", FamilyType::summary},     {"info", FamilyType::info},
      {"stateset", FamilyType::state_set},  {"unknown", FamilyType::unknown},
      {"untyped", FamilyType::unknown}};
  for (const auto& [name, type] : types) {
    if (name == word) return type;
  }
  return std::nullopt;
}

// Which suffixes a family's samples may have.
bool has_suffix(FamilyType type, std::string_view suffix) {
  const auto one_of = [suffix](std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), suffix) != list.end();
  };
  switch (type) {
    case FamilyType::counter:
      return one_of({"_total", "_created"});
    case FamilyType::histogram:
      return one_of({"_bucket", "_sum", "_count", "_created"});
    case FamilyType::gauge_histogram:
      return one_of({"_bucket", "_gsum", "_gcount", "_sum", "_count"});
    case FamilyType::summary:
      return one_of({"_sum", "_count", "_created", ""});
    case FamilyType::info:
      return suffix == "_info";
    default:
      return suffix.empty();
  }
}

bool is_name_byte(char c, bool first, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

// "1.5", "+Inf", "NaN", "1e-3"
bool is_number(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text == "Inf" || text == "NaN" || text == "nan" || text == "inf") return true;
  if (text.empty() || ((text[0] < '0' || text[0] > '9') && text[0] != '.')) return false;
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ptr == text.data() + text.size() && read.ec != std::errc::invalid_argument;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// What is left to read of a line.
class LineReader final {
 public:
  explicit LineReader(std::string_view rest) : rest_(rest) {}

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size())); }
  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view take_name(bool colon) {
    std::size_t end = 0;
    while (end < rest_.size() && is_name_byte(rest_[end], end == 0, colon)) ++end;
    return take_bytes(end);
  }
  std::string_view take_word() { return take_bytes(std::min(rest_.find_first_of(blanks), rest_.size())); }
  // What stands between quotes, escapes as written; nullopt when that is not well formed.
  std::optional<std::string_view> take_quoted() {
    if (!take('"')) return std::nullopt;
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      if (rest_[at] == '"') {
        const std::string_view text = take_bytes(at);
        take('"');
        return text;
      }
      if (rest_[at] != '\\') continue;
      ++at;
      if (at >= rest_.size() || (rest_[at] != '\\' && rest_[at] != '"' && rest_[at] != 'n')) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  std::string_view take_bytes(std::size_t n) {
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  std::string_view rest_;
};

struct LabelText {
  std::string_view name;
  std::string_view value;  // escapes as written
};

class Reader final {
 public:
  Reader(MetricsFormat format, std::string_view app, const ExpositionLimits& limits)
      : open_(format == MetricsFormat::openmetrics), limits_(limits), app_(app) {}

  Result<ExpositionText> read(std::string_view text) {
    if (!is_utf8(text)) return Error{Code::bad_reply, "not UTF-8"};
    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view one = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
      if (one.size() > limits_.line_bytes_max) return Error{Code::limit, "a line is too long"};
      if (ended_) return Error{Code::bad_reply, "text behind # EOF"};
      if (!read_line(one)) return Error{Code::bad_reply, "line " + std::to_string(line) + " is not understood"};
      if (out_.samples > limits_.samples_max) return Error{Code::limit, "too many samples"};
    }
    if (open_ && !ended_) return Error{Code::bad_reply, "no # EOF at the end"};
    std::erase_if(out_.families, [](const SampleFamily& family) { return family.samples.empty(); });
    return std::move(out_);
  }

 private:
  bool read_line(std::string_view line) {
    LineReader in(line);
    in.skip_blanks();
    if (in.done()) return !open_;
    if (in.rest()[0] == '#') return read_comment(in);
    return read_sample(in);
  }

  bool read_comment(LineReader in) {
    in.take('#');
    in.skip_blanks();
    const std::string_view word = in.take_word();
    if (word == "EOF" && in.done()) ended_ = open_;
    if (word != "HELP" && word != "TYPE" && word != "UNIT") return true;
    in.skip_blanks();
    const std::string_view name = in.take_name(true);
    if (name.empty()) return false;
    in.skip_blanks();
    if (word == "TYPE") return set_type(name, in.rest());
    Words& words = words_[std::string(name)];
    (word == "HELP" ? words.help : words.unit) = word == "HELP" ? unescaped(in.rest()) : std::string(in.rest());
    if (const auto known = by_declared_.find(name); known != by_declared_.end())
      take_words(name, out_.families[known->second]);
    return true;
  }

  bool set_type(std::string_view name, std::string_view word) {
    while (!word.empty() && blanks.find(word.back()) != std::string_view::npos) word.remove_suffix(1);
    const std::optional<FamilyType> type = type_named(word);
    if (!type || by_declared_.contains(name)) return false;
    // The text form declares a counter by its whole name.
    auto [base, suffix] = open_ ? std::pair(std::string(name), std::string()) : family_and_suffix(name, *type);
    if (by_name_.contains(base)) base = name;
    add_family(name, base, *type);
    return true;
  }

  std::size_t add_family(std::string_view declared, const std::string& base, FamilyType type) {
    const std::size_t index = out_.families.size();
    out_.families.push_back({base, type, {}, {}, {}});
    take_words(declared, out_.families.back());
    by_declared_.emplace(declared, index);
    by_name_.emplace(base, index);
    return index;
  }

  void take_words(std::string_view declared, SampleFamily& family) {
    const auto words = words_.find(declared);
    if (words == words_.end()) return;
    family.help = words->second.help;
    family.unit = words->second.unit;
  }

  // The family that a sample of this name belongs to, and the suffix it has there.
  std::pair<SampleFamily*, std::string_view> family_for(std::string_view name) {
    if (const auto exact = by_declared_.find(name); exact != by_declared_.end()) {
      SampleFamily& family = out_.families[exact->second];
      const std::string_view suffix = name.substr(std::min(family.name.size(), name.size()));
      const bool bare_counter = !open_ && family.type == FamilyType::counter && suffix.empty();
      if (bare_counter || has_suffix(family.type, suffix)) return {&family, suffix};
    }
    for (std::size_t at = name.rfind('_'); at != std::string_view::npos && at > 0;) {
      const auto known = by_name_.find(name.substr(0, at));
      if (known != by_name_.end() && has_suffix(out_.families[known->second].type, name.substr(at))) {
        return {&out_.families[known->second], name.substr(at)};
      }
      break;
    }
    if (by_name_.contains(name)) return {nullptr, {}};
    return {&out_.families[add_family(name, std::string(name), FamilyType::unknown)], ""};
  }

  bool read_sample(LineReader in) {
    const std::string_view name = in.take_name(true);
    if (name.empty()) return false;
    in.skip_blanks();
    Sample sample;
    std::vector<LabelText> labels;
    if (!in.done() && in.rest()[0] == '{' && !read_labels(in, labels)) return false;
    append_label(sample.labels, "app", app_);
    for (const LabelText& label : labels) {
      sample.labels.append(",").append(label.name == "app" ? free_name(labels) : std::string(label.name));
      sample.labels.append("=\"").append(label.value).append("\"");
    }
    in.skip_blanks();
    const std::string_view value = in.take_word();
    if (!is_number(value)) return false;
    sample.value = value;
    in.skip_blanks();
    if (!in.done() && in.rest()[0] != '#' && !read_time(in, sample)) return false;
    in.skip_blanks();
    const auto [family, suffix] = family_for(name);
    if (family == nullptr) return false;
    sample.suffix = suffix;
    if (!in.done() && !(open_ && read_exemplar(in, sample))) return false;
    if (!sample.exemplar.empty() && suffix != "_total" && suffix != "_bucket") sample.exemplar.clear();
    family->samples.push_back(std::move(sample));
    ++out_.samples;
    return true;
  }

  bool read_labels(LineReader& in, std::vector<LabelText>& labels) const {
    in.take('{');
    for (;;) {
      in.skip_blanks();
      if (in.take('}')) return true;
      const std::string_view name = in.take_name(false);
      in.skip_blanks();
      if (name.empty() || !in.take('=') || labels.size() >= limits_.labels_max) return false;
      in.skip_blanks();
      const std::optional<std::string_view> value = in.take_quoted();
      const auto same = [name](const LabelText& label) { return label.name == name; };
      if (!value || std::any_of(labels.begin(), labels.end(), same)) return false;
      labels.push_back({name, *value});
      in.skip_blanks();
      if (!in.take(',') && (in.done() || in.rest()[0] != '}')) return false;
    }
  }

  bool read_time(LineReader& in, Sample& sample) const {
    const std::string_view time = in.take_word();
    if (open_) {
      sample.timestamp = time;
      return is_number(time);
    }
    std::int64_t ms = 0;
    const auto read = std::from_chars(time.data(), time.data() + time.size(), ms);
    if (read.ec != std::errc() || read.ptr != time.data() + time.size()) return false;
    std::array<char, 40> text{};
    (void)std::snprintf(text.data(), text.size(), "%s%lld.%03lld", ms < 0 ? "-" : "",
                        static_cast<long long>(std::abs(ms / 1000)), static_cast<long long>(std::abs(ms % 1000)));
    sample.timestamp = text.data();
    return true;
  }

  bool read_exemplar(LineReader& in, Sample& sample) const {
    if (!in.take('#')) return false;
    in.skip_blanks();
    std::vector<LabelText> labels;
    if (in.done() || in.rest()[0] != '{' || !read_labels(in, labels)) return false;
    std::size_t length = 0;
    std::string& out = sample.exemplar;
    out = "{";
    for (const LabelText& label : labels) {
      length += characters(label.name) + characters(label.value);
      out.append(out.size() > 1 ? "," : "").append(label.name).append("=\"").append(label.value).append("\"");
    }
    in.skip_blanks();
    const std::string_view value = in.take_word();
    if (length > exemplar_characters_max || !is_number(value)) return false;
    out.append("} ").append(value);
    in.skip_blanks();
    if (in.done()) return true;
    const std::string_view time = in.take_word();
    out.append(" ").append(time);
    in.skip_blanks();
    return is_number(time) && in.done();
  }

  // What the application's own label "app" is called here, as Prometheus would.
  static std::string free_name(const std::vector<LabelText>& labels) {
    std::string name = "exported_app";
    const auto taken = [&name](const LabelText& label) { return label.name == name; };
    while (std::any_of(labels.begin(), labels.end(), taken)) name.insert(0, "exported_");
    return name;
  }

  static std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : ' ';
      if (next == 'n' || next == '\\' || next == '"') {
        out.push_back(next == 'n' ? '\n' : next);
        ++i;
      } else {
        out.push_back(text[i]);
      }
    }
    return out;
  }

  struct Words {
    std::string help;
    std::string unit;
  };
  const bool open_;
  const ExpositionLimits& limits_;
  const std::string_view app_;
  ExpositionText out_;
  std::map<std::string, Words, std::less<>> words_;              // by the name in HELP and UNIT
  std::map<std::string, std::size_t, std::less<>> by_declared_;  // by the name in TYPE
  std::map<std::string, std::size_t, std::less<>> by_name_;      // by the family's name
  bool ended_ = false;
};

}  // namespace

Result<ExpositionText> read_exposition(std::string_view text, MetricsFormat format, std::string_view app,
                                       const ExpositionLimits& limits) {
  return Reader(format, app, limits).read(text);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include "config_text.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/ascii.h"

namespace tapewatch {
namespace {

// Calls visit(line, number) for each line without its end.
template <typename Visit>
void each_line(std::string_view text, const Visit& visit) {
  int number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    visit(text.substr(at, end - at), number);
    at = end + 1;
  }
}

// Follows quotes and brackets through YAML text; block scalars are rare in configurations and read as plain text.
class BracketScanner final {
 public:
  void take_line(std::string_view line, int number) {
    bool token_start = true;  // here a quote or bracket opens something; within a plain scalar it is a character
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quote_.line != 0) {
        i = inside_quote(line, i, number);
        token_start = false;
        continue;
      }
      if (c == '#' && (i == 0 || line[i - 1] == ' ')) return;
      if (c == ' ' || c == '\t') continue;
      if (token_start && (c == '"' || c == '\'')) {
        quote_ = {c, number, static_cast<int>(i) + 1};
      } else if ((token_start || !open_.empty()) && (c == '[' || c == '{')) {
        open_.push_back({c, number, static_cast<int>(i) + 1});
        if (open_.size() > nesting_max && !too_deep_) too_deep_ = open_.back();
      } else if (!open_.empty() && (c == ']' || c == '}')) {
        open_.pop_back();
      }
      token_start = starts_token(line, i);
    }
  }

  // The first bracket that opens one level too many.
  [[nodiscard]] const std::optional<Unclosed>& too_deep() const { return too_deep_; }

  [[nodiscard]] std::optional<Unclosed> unclosed() const {
    if (quote_.line != 0) return quote_;
    if (long_quote_.line != 0) return long_quote_;
    if (!open_.empty()) return open_.front();
    return std::nullopt;
  }

 private:
  // The index of the last byte that belongs to the quoted text.
  std::size_t inside_quote(std::string_view line, std::size_t i, int number) {
    for (; i < line.size(); ++i) {
      if (quote_.opened == '"' && line[i] == '\\') {
        ++i;
      } else if (line[i] == quote_.opened) {
        if (quote_.opened == '\'' && i + 1 < line.size() && line[i + 1] == '\'') {
          ++i;
          continue;
        }
        if (quote_.line != number && long_quote_.line == 0) long_quote_ = quote_;
        quote_ = {};
        return i;
      }
    }
    return line.size();
  }
  [[nodiscard]] bool starts_token(std::string_view line, std::size_t i) const {
    const char c = line[i];
    const bool space_next = i + 1 >= line.size() || line[i + 1] == ' ';
    if (c == ':' || c == '-' || c == '?') return space_next;
    return (c == '[' || c == '{' || c == ',') && !open_.empty();
  }

  Unclosed quote_{'"', 0, 0};
  Unclosed long_quote_{'"', 0,
                       0};  // closed, but in a later line: with a syntax error behind it, it is the likely cause
  std::vector<Unclosed> open_;
  std::optional<Unclosed> too_deep_;
};

bool looks_secret(std::string_view written) {
  const std::string key = ascii_lower(written);
  static constexpr std::string_view endings[] = {"password", "passwd", "pwd",     "secret",     "token",
                                                 "api_key",  "apikey", "api-key", "credential", "authorization"};
  for (const std::string_view ending : endings) {
    if (key.size() >= ending.size() && key.compare(key.size() - ending.size(), ending.size(), ending) == 0) return true;
  }
  return !nearest(key, {"password", "secret", "token", "api_key", "hmac_key"}).empty();
}

// The word that ends before `colon`, without quotes.
std::string key_before(std::string_view line, std::size_t colon) {
  std::size_t end = colon;
  while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '"' || line[end - 1] == '\'')) --end;
  std::size_t begin = end;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(line[begin - 1])) || line[begin - 1] == '_' ||
                       line[begin - 1] == '-'))
    --begin;
  return std::string(line.substr(begin, end - begin));
}

void blank(std::string& text, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (text[i] != '\r') text[i] = '*';
  }
}

// In "scheme://user:password@host" the part before '@'.
void redact_url_users(std::string& line) {
  for (std::size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
    const std::size_t end = std::min(line.find_first_of("/ \"',", at + 3), line.size());
    const std::size_t sign = std::string_view(line).substr(at + 3, end - at - 3).rfind('@');
    if (sign != std::string_view::npos) blank(line, at + 3, at + 3 + sign);
  }
}

// Blanks the values behind secret-looking keys. Returns whether the last one goes on in the lines below (a block
// scalar or a value on a line of its own).
bool redact_line(std::string& line) {
  redact_url_users(line);
  for (std::size_t colon = line.find(':'); colon != std::string::npos; colon = line.find(':', colon + 1)) {
    const std::string key = key_before(line, colon);
    if (key.empty() || !looks_secret(key)) continue;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    if (value == std::string::npos || line[value] == '|' || line[value] == '>') return true;
    if (line[value] == '{' || line[value] == '[' || line[value] == '#') continue;
    // A reference shows nothing, a default within it would.
    if (line.compare(value, 2, "${") == 0 && line.find(":-", value) == std::string::npos) continue;
    const bool in_map = line.find('{') < colon;
    std::size_t end = in_map ? std::min(line.find_first_of(",}", value), line.size()) : line.size();
    if (line[value] == '"' || line[value] == '\'') {
      const std::size_t close = line.rfind(line[value]);
      if (!in_map && close > value) end = close + 1;
    }
    blank(line, value, end);
  }
  return false;
}

}  // namespace

bool check_text(int file, std::string_view text, ConfigFaults& faults) {
  bool good = true;
  BracketScanner scanner;
  each_line(text, [&](std::string_view line, int number) {
    if (!scanner.too_deep()) scanner.take_line(line, number);
    const std::size_t first = line.find_first_not_of(" \t\r");
    const std::size_t tab = line.find('\t');
    if (first == std::string_view::npos || line[first] == '#' || tab == std::string_view::npos || tab > first) return;
    good = false;
    if (!faults.full())
      faults.error({number, static_cast<int>(tab) + 1, 1, file}, 105, "a tab in the indentation", "use spaces");
  });
  if (const auto deep = scanner.too_deep()) {
    good = false;
    faults.error({deep->line, deep->column, 1, file}, 110, "nested deeper than 32 levels");
  }
  return good;
}

std::optional<Unclosed> find_unclosed(std::string_view text, int line_max) {
  BracketScanner scanner;
  each_line(text, [&](std::string_view line, int number) {
    if (number <= line_max) scanner.take_line(line, number);
  });
  return scanner.unclosed();
}

std::string redact_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t hidden_below = std::string::npos;  // lines indented deeper than this belong to a secret
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line(text.substr(at, end - at));
    const std::size_t indent = line.find_first_not_of(" \r");
    if (hidden_below != std::string::npos && (indent == std::string::npos || indent > hidden_below)) {
      const std::string_view rest =
          indent == std::string::npos ? std::string_view() : std::string_view(line).substr(indent);
      const bool nested = rest.substr(0, 5) == "file:";
      if (indent != std::string::npos && !nested) blank(line, indent, line.size());
    } else {
      hidden_below = redact_line(line) ? indent : std::string::npos;
    }
    out += line;
    if (end < text.size()) out.push_back('\n');
    at = end + 1;
  }
  return out;
}

}  // namespace tapewatch

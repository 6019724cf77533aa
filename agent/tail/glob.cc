// SPDX-License-Identifier: Apache-2.0
#include "tail/glob.h"

#include <unistd.h>

#include <climits>
#include <optional>

namespace tapewatch {
namespace {

constexpr std::size_t patterns_max = 1000;
constexpr std::string_view any_folders = "**";

bool has_wildcard(std::string_view component) { return component.find_first_of("*?[\\") != std::string_view::npos; }

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0 && path.substr(0, slash) != ".") parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

// Position behind the class that starts at pattern[at] == '[', and whether `byte` is in it. npos: no closing bracket.
struct ClassMatch {
  std::size_t end = std::string_view::npos;
  bool in = false;
};
ClassMatch match_class(std::string_view pattern, std::size_t at, unsigned char byte) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool in = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) return {i + 1, in != negated};
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<unsigned char>(pattern[i + 2]);
      i += 2;
    }
    in = in || (low <= byte && byte <= high);
    ++i;
  }
  return {};
}

std::size_t character_bytes(std::string_view text) {
  std::size_t n = 1;
  if (static_cast<unsigned char>(text[0]) < 0xC0) return n;
  while (n < text.size() && n < 4 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
  return n;
}

// Consumes one element other than a star from both; false when they differ.
bool match_one(std::string_view& pattern, std::string_view& name) {
  if (pattern.empty() || name.empty()) return false;
  if (pattern[0] == '?') {
    pattern.remove_prefix(1);
    name.remove_prefix(character_bytes(name));
    return true;
  }
  if (pattern[0] == '[') {
    const ClassMatch m = match_class(pattern, 0, static_cast<unsigned char>(name[0]));
    if (m.end != std::string_view::npos) {
      pattern.remove_prefix(m.end);
      name.remove_prefix(1);
      return m.in;
    }
  }
  if (pattern[0] == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  const bool same = pattern[0] == name[0];
  pattern.remove_prefix(1);
  name.remove_prefix(1);
  return same;
}

bool path_matches(const std::vector<std::string>& pattern, std::size_t p, const std::vector<std::string_view>& path,
                  std::size_t n) {
  for (; p < pattern.size(); ++p, ++n) {
    if (pattern[p] == any_folders) {
      while (p + 1 < pattern.size() && pattern[p + 1] == any_folders) ++p;
      if (p + 1 == pattern.size()) return n < path.size();
      for (std::size_t skip = n; skip < path.size(); ++skip) {
        if (path_matches(pattern, p + 1, path, skip)) return true;
        if (path[skip][0] == '.') return false;
      }
      return false;
    }
    if (n == path.size() || !component_matches(pattern[p], path[n])) return false;
  }
  return n == path.size();
}

// The first top-level {..} with a comma; nullopt when there is none.
struct Braces {
  std::size_t open = 0;
  std::size_t close = 0;
  std::vector<std::string_view> choices;
};
Result<std::optional<Braces>> find_braces(std::string_view pattern) {
  Braces found;
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '{') {
      if (depth++ == 0) {
        found.open = i;
        from = i + 1;
      }
    } else if (pattern[i] == ',' && depth == 1) {
      found.choices.push_back(pattern.substr(from, i - from));
      from = i + 1;
    } else if (pattern[i] == '}' && depth > 0 && --depth == 0) {
      found.choices.push_back(pattern.substr(from, i - from));
      found.close = i;
      return std::optional<Braces>(std::move(found));
    }
  }
  if (depth > 0) return Error{Code::invalid, "\"" + std::string(pattern) + "\": a { without its }"};
  return std::optional<Braces>();
}

Result<std::vector<std::string>> expand_braces(std::string_view pattern) {
  std::vector<std::string> todo{std::string(pattern)};
  std::vector<std::string> done;
  while (!todo.empty()) {
    const std::string current = std::move(todo.back());
    todo.pop_back();
    Result<std::optional<Braces>> braces = find_braces(current);
    if (!braces.ok()) return std::move(braces).error();
    if (!braces->has_value()) {
      done.push_back(current);
    } else {
      const Braces& b = **braces;
      for (const std::string_view choice : b.choices)
        todo.push_back(current.substr(0, b.open).append(choice).append(current, b.close + 1, std::string::npos));
    }
    if (done.size() + todo.size() > patterns_max)
      return Error{Code::limit, "\"" + std::string(pattern) + "\" stands for more than 1000 patterns"};
  }
  return done;
}

Status check_classes(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '[') {
      const std::size_t end = match_class(pattern, i, 0).end;
      if (end == std::string_view::npos)
        return Error{Code::invalid, "\"" + std::string(pattern) + "\": a [ without its ]"};
      i = end - 1;
    }
  }
  return success();
}

}  // namespace

bool component_matches(std::string_view pattern, std::string_view name) {
  const bool hidden = !name.empty() && name[0] == '.';
  if (hidden && (pattern.empty() || pattern[0] == '*' || pattern[0] == '?' || pattern[0] == '[')) return false;
  // After a mismatch the last star swallows one more character: no recursion, time at most |pattern| * |name|.
  std::string_view after_star;
  std::string_view star_rest;
  bool starred = false;
  for (;;) {
    if (!pattern.empty() && pattern[0] == '*') {
      while (!pattern.empty() && pattern[0] == '*') pattern.remove_prefix(1);
      starred = true;
      after_star = pattern;
      star_rest = name;
      continue;
    }
    if (pattern.empty() && name.empty()) return true;
    if (match_one(pattern, name)) continue;
    if (!starred || star_rest.empty()) return false;
    star_rest.remove_prefix(1);
    pattern = after_star;
    name = star_rest;
  }
}

Glob::Glob(std::string_view pattern) {
  const std::vector<std::string_view> parts = split(pattern);
  std::size_t literal = 0;
  while (literal + 1 < parts.size() && !has_wildcard(parts[literal])) ++literal;
  for (std::size_t i = 0; i < literal; ++i) root_.append("/").append(parts[i]);
  if (root_.empty()) root_ = "/";
  for (std::size_t i = literal; i < parts.size(); ++i) components_.emplace_back(parts[i]);
}

bool Glob::matches(std::string_view path) const {
  const std::string_view root = root_ == "/" ? std::string_view() : std::string_view(root_);
  if (path.substr(0, root.size()) != root || path.size() <= root.size() || path[root.size()] != '/') return false;
  return path_matches(components_, 0, split(path.substr(root.size())), 0);
}

Result<std::vector<Glob>> parse_globs(std::string_view pattern) {
  if (pattern.empty()) return Error{Code::invalid, "an empty pattern"};
  if (pattern.back() == '/') return Error{Code::invalid, "\"" + std::string(pattern) + "\" names a folder, not files"};
  Status classes = check_classes(pattern);
  if (!classes.ok()) return std::move(classes).error();
  std::string absolute(pattern);
  if (pattern.front() != '/') {
    char folder[PATH_MAX];
    if (::getcwd(folder, sizeof folder) == nullptr) return Error{Code::io, "the working folder has no name"};
    absolute = std::string(folder).append("/").append(pattern);
  }
  Result<std::vector<std::string>> expanded = expand_braces(absolute);
  if (!expanded.ok()) return std::move(expanded).error();
  std::vector<Glob> globs;
  for (const std::string& one : *expanded) globs.emplace_back(one);
  return globs;
}

Result<Excludes> Excludes::parse(const std::vector<std::string>& patterns) {
  Excludes excludes;
  for (const std::string& pattern : patterns) {
    if (pattern.find('/') != std::string::npos) {
      Result<std::vector<Glob>> globs = parse_globs(pattern);
      if (!globs.ok()) return std::move(globs).error();
      for (Glob& glob : *globs) excludes.paths_.push_back(std::move(glob));
      continue;
    }
    if (pattern.empty()) return Error{Code::invalid, "an empty pattern"};
    Status classes = check_classes(pattern);
    if (!classes.ok()) return std::move(classes).error();
    Result<std::vector<std::string>> names = expand_braces(pattern);
    if (!names.ok()) return std::move(names).error();
    for (std::string& name : *names) excludes.names_.push_back(std::move(name));
  }
  return excludes;
}

bool Excludes::match(std::string_view path) const {
  const std::string_view file_name = path.substr(path.rfind('/') + 1);
  for (const std::string& name : names_) {
    if (component_matches(name, file_name)) return true;
  }
  for (const Glob& glob : paths_) {
    if (glob.matches(path)) return true;
  }
  return false;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Glob: one path pattern, immutable. `*` and `?` stop at a slash and do not match a leading dot, `[a-z]` `[!a]` are
// byte classes, `**` as a whole component matches any number of folders, `\` quotes. {a,b} is expanded by parse_globs.
// Thread: any.

#include <string>
#include <string_view>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

// Whether one path component matches one pattern component.
[[nodiscard]] bool component_matches(std::string_view pattern, std::string_view name);

class Glob final {
 public:
  // REQUIRES: no braces left in `pattern`.
  explicit Glob(std::string_view pattern);

  [[nodiscard]] bool matches(std::string_view path) const;
  // The folder before the first component with a wildcard; the file's own folder when there is none.
  [[nodiscard]] const std::string& root() const { return root_; }
  // The components below root().
  [[nodiscard]] const std::vector<std::string>& components() const { return components_; }

 private:
  std::string root_;
  std::vector<std::string> components_;
};

// The patterns that `pattern` with its braces stands for. Code::invalid: empty, a folder, unbalanced brackets or
// braces. Code::limit: more than 1,000 of them. A relative pattern is taken from the working folder.
[[nodiscard]] Result<std::vector<Glob>> parse_globs(std::string_view pattern);

// The exclude patterns of one input. A pattern without a slash is held against the file name alone.
class Excludes final {
 public:
  [[nodiscard]] static Result<Excludes> parse(const std::vector<std::string>& patterns);
  [[nodiscard]] bool match(std::string_view path) const;

 private:
  std::vector<Glob> paths_;
  std::vector<std::string> names_;
};

}  // namespace tapewatch

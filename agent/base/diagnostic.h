// SPDX-License-Identifier: Apache-2.0
#pragma once
// Diagnostics: faults in something a person wrote (configuration, rules, queries), all of them in one run, each with
// its place, the lines around it, a caret and a suggestion. Thread: any, one at a time.
//
//   error[TW0101] tapewatch.yaml:14:7 unknown key "bulk_max_sise" in outputs.elasticsearch
//      14 |       bulk_max_sise: 8MiB
//         |       ^~~~~~~~~~~~~ did you mean "bulk_max_size"?
//
// Numbers: 100-199 configuration, 200-299 rules, 300-399 queries; never reused; docs in config/README.md.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  int number = 0;  // 101 prints as TW0101
  std::string file;
  int line = 0;         // 1-based; 0: the whole file
  int column = 0;       // 1-based, in bytes
  int length = 1;       // bytes to underline
  std::string message;  // 'unknown key "x" in y'
  std::string hint;     // 'did you mean "z"?': printed behind the caret; may be empty
};

class Diagnostics final {
 public:
  void add(Diagnostic diagnostic);
  // Keeps the text of a file, so that render() can show its lines.
  void add_source(std::string file, std::string text);

  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] int errors() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  // In the form above, in order of file, line and column; control bytes of the source are replaced. With colour: ANSI.
  [[nodiscard]] std::string render(bool colour) const;
  // One JSON object a line: severity, code, file, line, column, message, hint.
  [[nodiscard]] std::string render_json() const;

 private:
  struct Source {
    std::string file;
    std::string text;
  };
  [[nodiscard]] std::string_view source_line(std::string_view file, int line) const;

  std::vector<Diagnostic> all_;
  std::vector<Source> sources_;
  int errors_ = 0;
};

// The candidate nearest to `word` by edit distance, or "" when none is near enough to be meant.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace tapewatch

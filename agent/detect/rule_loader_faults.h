// SPDX-License-Identifier: Apache-2.0
#pragma once
// What goes wrong with the documents of one file, told with its place; counts the errors, so that whoever reads a
// document knows whether it is good. Used by RuleLoader alone. Thread: any.

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/yaml.h"
#include "detect/rule_fault.h"

namespace tapewatch {

class RuleFaults final {
 public:
  RuleFaults(std::string file, Diagnostics& diagnostics) : file_(std::move(file)), diagnostics_(diagnostics) {}

  void error(int number, const YamlPlace& place, std::string message, std::string hint = {}) {
    ++errors_;
    add(Severity::error, number, place, std::move(message), std::move(hint));
  }
  // A text is underlined without its quotes.
  void error(int number, const YamlNode& node, std::string message, std::string hint = {}) {
    error(number, node.place_of(0, node.text.size()), std::move(message), std::move(hint));
  }
  void warning(int number, const YamlNode& node, std::string message, std::string hint = {}) {
    add(Severity::warning, number, node.place_of(0, node.text.size()), std::move(message), std::move(hint));
  }
  [[nodiscard]] int errors() const { return errors_; }
  [[nodiscard]] const std::string& file() const { return file_; }

  // 'did you mean "x"?' or "".
  [[nodiscard]] static std::string suggest(std::string_view word, const std::vector<std::string_view>& candidates) {
    const std::string_view near = nearest(word, candidates);
    return near.empty() ? std::string() : "did you mean \"" + std::string(near) + "\"?";
  }

 private:
  void add(Severity severity, int number, const YamlPlace& place, std::string message, std::string hint) {
    diagnostics_.add(
        {severity, number, file_, place.line, place.column, place.length, std::move(message), std::move(hint)});
  }

  const std::string file_;
  Diagnostics& diagnostics_;
  int errors_ = 0;
};

}  // namespace tapewatch

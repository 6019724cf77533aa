// SPDX-License-Identifier: Apache-2.0
#pragma once
// Annotations of alerts: texts with {{names}} in them, filled from the alert and from the last event's masked document.
// Templates are read once, when the rules are loaded. AnnotationWriter is owned by the Detector. Thread: worker.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/alert.h"
#include "event/field_table.h"
#include "event/parser.h"

namespace tapewatch {

// "{{ count }} failures of {{ user.id }}": text and names by turns, the text first.
struct AnnotationTemplate {
  std::string name;
  std::vector<std::string> parts;
};

// nullopt: a brace has no end, or a name is none; `fault` is where.
[[nodiscard]] std::optional<std::vector<std::string>> parse_annotation(std::string_view text, std::size_t& fault);

class AnnotationWriter final {
 public:
  struct Options {
    std::size_t value_bytes_max = 1024;       // of one name's value
    std::size_t annotation_bytes_max = 4096;  // longer ones are cut
  };
  explicit AnnotationWriter(Options options) : options_(options) {}
  AnnotationWriter() : AnnotationWriter(Options{}) {}

  // Fields that templates name; all of them before the first write().
  void learn(const std::vector<AnnotationTemplate>& templates);
  // Fills alert.annotations. `document`: of the last event, as it left masking; fields of none are "(none)".
  void write(const std::vector<AnnotationTemplate>& templates, double value, std::string_view document, Alert& alert);

 private:
  [[nodiscard]] std::string text_of(std::string_view name, double value, Event* event, const Alert& alert) const;

  const Options options_;
  FieldTable fields_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace tapewatch

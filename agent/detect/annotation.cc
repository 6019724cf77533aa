// SPDX-License-Identifier: Apache-2.0
#include "detect/annotation.h"

#include <cmath>
#include <cstdio>

#include "base/utf8.h"

namespace tapewatch {
namespace {

constexpr std::string_view blank = " \t";
constexpr std::string_view group_prefix = "group.";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool is_own(std::string_view name) {
  return name == "value" || name == "count" || name == "group" || name.starts_with(group_prefix);
}

std::string number_text(double value) {
  char text[40];
  const bool whole = std::fabs(value) < 1e15 && value == std::floor(value);
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", value);
  return text;
}

// Not in the middle of a character.
void cut_to(std::string& text, std::size_t bytes_max) { text.resize(utf8_cut(text, bytes_max)); }

}  // namespace

std::optional<std::vector<std::string>> parse_annotation(std::string_view text, std::size_t& fault) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (;;) {
    const std::size_t open = text.find("{{", at);
    parts.emplace_back(text.substr(at, open == std::string_view::npos ? open : open - at));
    if (open == std::string_view::npos) return parts;
    const std::size_t close = text.find("}}", open);
    fault = open;
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view name = trimmed(text.substr(open + 2, close - open - 2));
    if (name.empty() || name.find_first_of("{} \t") != std::string_view::npos) return std::nullopt;
    parts.emplace_back(name);
    at = close + 2;
  }
}

void AnnotationWriter::learn(const std::vector<AnnotationTemplate>& templates) {
  for (const AnnotationTemplate& annotation : templates) {
    for (std::size_t i = 1; i < annotation.parts.size(); i += 2) {
      if (!is_own(annotation.parts[i])) fields_.add(annotation.parts[i]);
    }
  }
}

void AnnotationWriter::write(const std::vector<AnnotationTemplate>& templates, double value, std::string_view document,
                             Alert& alert) {
  if (templates.empty()) return;
  if (!parser_) parser_ = std::make_unique<Parser>(fields_, nullptr);
  const SourceFile source;
  Event* event = nullptr;
  if (!document.empty() && fields_.size() > 0) {
    Line line;
    line.text = document;
    line.full_bytes = document.size();
    event = &parser_->parse(line, source, 0);
  }
  for (const AnnotationTemplate& annotation : templates) {
    std::string text = annotation.parts.front();
    for (std::size_t i = 1; i + 1 < annotation.parts.size(); i += 2) {
      text += text_of(annotation.parts[i], value, event, alert) + annotation.parts[i + 1];
    }
    cut_to(text, options_.annotation_bytes_max);
    alert.annotations.emplace_back(annotation.name, std::move(text));
  }
}

std::string AnnotationWriter::text_of(std::string_view name, double value, Event* event, const Alert& alert) const {
  if (name == "value") return number_text(value);
  if (name == "count") return std::to_string(alert.count);
  std::string text = "(none)";
  if (name == "group") {
    text = alert_group_text(alert);
  } else if (name.starts_with(group_prefix)) {
    for (const auto& [field, shown] : alert.group) {
      if (field == name.substr(group_prefix.size())) text = shown;
    }
  } else if (event != nullptr) {
    const FieldValue& field = event->field(fields_.find(name));
    if (field.present()) text = event->text(field);
  }
  cut_to(text, options_.value_bytes_max);
  return text;
}

}  // namespace tapewatch

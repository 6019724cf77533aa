// SPDX-License-Identifier: Apache-2.0
#pragma once
// RulesFixture: rules as text, events as text, what comes of them. The event's time is its member "t" in seconds.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/rule_loader.h"
#include "event/parser.h"

namespace tapewatch {

class RulesFixture : public testing::Test {
 protected:
  // Every fault as "number line:column length message | hint".
  std::vector<std::string> faults() const {
    std::vector<std::string> all;
    for (const Diagnostic& d : diagnostics_.all()) {
      all.push_back(std::to_string(d.number) + " " + std::to_string(d.line) + ":" + std::to_string(d.column) + " " +
                    std::to_string(d.length) + " " + d.message + (d.hint.empty() ? "" : " | " + d.hint));
    }
    return all;
  }

  RuleSet load(const std::string& yaml) {
    RuleLoader loader(fields_, options_, diagnostics_);
    if (!pipeline_.empty()) loader.add_pipeline_text("pipeline.yaml", pipeline_);
    loader.add_text("rules.yaml", yaml);
    return loader.finish();
  }

  // Loads rules that must be good, and makes the detector.
  void start(const std::string& yaml) {
    time_ = fields_.add("t");
    RuleSet rules = load(yaml);
    ASSERT_FALSE(diagnostics_.has_errors()) << diagnostics_.render(false);
    detector_ = std::make_unique<Detector>(std::move(rules), detector_options_);
    parser_ = std::make_unique<Parser>(fields_, nullptr);
  }

  // The alerts of one line.
  std::vector<Alert> see(const std::string& text) {
    text_ = text;
    Line line;
    line.text = text_;
    line.full_bytes = text_.size();
    line.offset = offset_;
    offset_ += text_.size() + 1;
    Event& event = parser_->parse(line, source_, 0);
    if (event.field(time_).present()) {
      event.time_ns = std::stoll(std::string(event.field(time_).raw)) * 1'000'000'000;
    }
    if (before_) before_(event);
    std::vector<Alert> alerts;
    detector_->see(event, document_, alerts);
    return alerts;
  }

  // A rule with the one search identifier `sel`, given as indented YAML lines.
  static std::string rule(const std::string& selection, const std::string& condition = "sel") {
    return "title: t\ndetection:\n  sel:\n" + selection + "\n  condition: " + condition + "\n";
  }
  // Whether a rule with the one item `item: value` matches the line: woken by its witnesses, and asked of every event.
  bool matches(const std::string& item, const std::string& line) {
    start(rule("    " + item));
    if (HasFatalFailure()) return false;
    const bool woken = !see(line).empty();
    start(rule("    " + item, "not not sel"));
    EXPECT_EQ(!see(line).empty(), woken) << "the witnesses of " << item << " lose or add a match";
    return woken;
  }

  FieldTable fields_;
  RuleLoader::Options options_;
  Detector::Options detector_options_;
  Diagnostics diagnostics_;
  SourceFile source_;
  FieldId time_ = no_field;
  std::unique_ptr<Detector> detector_;
  std::unique_ptr<Parser> parser_;
  std::string text_;
  std::string document_;
  std::string pipeline_;
  std::uint64_t offset_ = 0;
  std::function<void(Event&)> before_;  // what earlier stages do to each event
};

}  // namespace tapewatch

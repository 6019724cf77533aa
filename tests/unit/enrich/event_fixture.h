// SPDX-License-Identifier: Apache-2.0
#pragma once
// EventFixture: parses one line at a time and shows the event as JSON.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "event/parser.h"
#include "metrics/series.h"

namespace tapewatch {

class EventFixture : public testing::Test {
 protected:
  EventFixture() : masked_fields_({"masked_fields", "", {"rule"}}, [] { return std::make_unique<Counter>(); }) {
    source_.file = 1;
    source_.path = "/var/log/a.log";
  }

  // Fields are registered before the first line.
  Event& parse(std::string_view text, std::uint64_t offset = 0) {
    text_ = text;
    line_.text = text_;
    line_.offset = offset;
    line_.full_bytes = text_.size();
    if (!parser_) parser_ = std::make_unique<Parser>(fields_, policy_);
    return parser_->parse(line_, source_, read_ns_);
  }
  static std::string json(Event& event) {
    std::string out;
    event.append_json(out);
    return out;
  }
  std::string text_of(Event& event, FieldId id) { return std::string(event.text(event.field(id))); }

  FieldTable fields_;
  const KeyPolicy* policy_ = nullptr;
  SourceFile source_;
  Line line_;
  std::int64_t read_ns_ = 1'767'571'200'000'000'000;  // 2026-01-05T00:00:00Z
  std::unique_ptr<Parser> parser_;
  std::string text_;
  Family<Counter> masked_fields_;
};

}  // namespace tapewatch

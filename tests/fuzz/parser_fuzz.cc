// SPDX-License-Identifier: Apache-2.0
// The parser on any line: what it takes for JSON comes out as it went in, and a second reading agrees with the first.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "event/parser.h"

using namespace tapewatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FieldTable fields;
  static const FieldId field = fields.add("a.b");
  static Parser parser(fields, nullptr);
  static const SourceFile source;
  if (size == 0) return 0;
  Line line;
  line.text = {reinterpret_cast<const char*>(data), size};
  Event& event = parser.parse(line, source, 1);
  const bool is_json = event.is_json();
  const std::string value(event.text(event.field(field)));
  event.for_each_scalar([&](std::string_view raw, bool, JsonType, std::uint32_t begin, std::uint32_t end) {
    if (begin > end || end > size || raw.size() > end - begin) std::abort();
  });
  std::string out;
  event.append_json(out);
  line.text = out;
  Event& second = parser.parse(line, source, 1);
  if (!second.is_json()) std::abort();
  if (is_json && second.text(second.field(field)) != value) std::abort();
  return 0;
}

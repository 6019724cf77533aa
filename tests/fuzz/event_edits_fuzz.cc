// SPDX-License-Identifier: Apache-2.0
// Edits on any JSON line: names and values are replaced as the first bytes say. What comes out is one JSON object, and
// a masked value shows nowhere but by its replacement.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "event/parser.h"

using namespace tapewatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FieldTable fields;
  static const FieldId known[] = {fields.add("a"), fields.add("a.b"), fields.add("b.c")};
  static Parser parser(fields, nullptr);
  static Parser again(fields, nullptr);
  static const SourceFile source;
  if (size < 5) return 0;
  Line line;
  line.text = {reinterpret_cast<const char*>(data) + 4, size - 4};
  Event& event = parser.parse(line, source, 1);
  if (!event.is_json()) return 0;
  std::uint32_t choice = 0;
  std::memcpy(&choice, data, sizeof choice);
  std::vector<LineToken> tokens;
  event.for_each_token([&](const LineToken& token) { tokens.push_back(token); });
  std::size_t masked = 0;
  for (const LineToken& token : tokens) {
    if ((choice = choice >> 1 | choice << 31) % 2 == 0) continue;
    if (event.token_at(token.begin).begin != token.begin) std::abort();
    if (token.is_key) {
      event.edit(token.begin, token.end, "\"renamed\"");
    } else {
      event.mask(token.begin, token.end, "\"-\"", "-");
      ++masked;
    }
  }
  event.add("added", std::string_view(data[0] % 2 == 0 ? "x\"\n" : ""));
  event.add("number", std::int64_t{-1});
  event.for_each_scalar([&](std::string_view raw, bool, JsonType, std::uint32_t begin, std::uint32_t) {
    if (event.is_masked(begin)) masked -= raw == "-" ? 1 : 0;
  });
  if (masked != 0) std::abort();
  for (const FieldId field : known) static_cast<void>(event.text(event.field(field)));
  std::string out;
  event.append_json(out);
  if (out.size() > line.text.size() + event.json_bytes_max()) std::abort();
  line.text = out;
  if (!again.parse(line, source, 1).is_json()) std::abort();
  return 0;
}

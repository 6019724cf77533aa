// SPDX-License-Identifier: Apache-2.0
// Any bytes as one line: parsed or delivered as text, and either way what goes out is an object of valid JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "event/parser.h"

namespace {
class SomeKeys final : public tapewatch::KeyPolicy {
 public:
  bool sensitive(std::string_view key) const override { return key.find("pass") != std::string_view::npos; }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewatch;
  const std::unique_ptr<char[]> block(new char[size]);  // of this very size: reading past it is found
  for (std::size_t i = 0; i < size; ++i) block[i] = static_cast<char>(data[i]);
  FieldTable fields;
  const FieldId message = fields.add("message");
  (void)fields.add("order.id");
  const SomeKeys policy;
  Parser parser(fields, &policy);
  const SourceFile source;
  Line line;
  line.text = std::string_view(block.get(), size);
  Event& event = parser.parse(line, source, 0);
  (void)event.text(event.field(message));
  event.add("added", "text \"and\" more");
  std::string out;
  event.append_json(out);
  Line again;
  again.text = out;
  Parser second(fields, nullptr);
  if (!second.parse(again, source, 0).is_json()) std::abort();
  return 0;
}

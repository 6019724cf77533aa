// SPDX-License-Identifier: Apache-2.0
// Answers of an API as the commands show them on a terminal: no control character of a stranger but the tab gets there.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli_events.h"

using namespace tapewatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto flat = flatten_json(text);
  if (flat.ok() && flat->size() > scalars_max) std::abort();
  static_cast<void>(top_scalar(text, "next"));
  if (const auto items = list_items(text, "events"); items.ok()) {
    for (const std::string_view item : *items) {
      if (item.data() < text.data() || item.data() + item.size() > text.data() + text.size()) std::abort();
    }
  }
  for (const char c : event_line(text, false)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) std::abort();
  }
  return 0;
}

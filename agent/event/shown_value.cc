// SPDX-License-Identifier: Apache-2.0
#include "event/shown_value.h"

#include <cstring>

namespace tapewatch {
namespace {

bool is_boundary(char c) { return std::strchr(":,[]{} \t\"", c) != nullptr; }

}  // namespace

bool document_shows(std::string_view document, const FieldValue& value) {
  const std::string_view raw = value.raw;
  for (std::size_t at = document.find(raw); at != std::string_view::npos; at = document.find(raw, at + 1)) {
    const std::size_t end = at + raw.size();
    if (at == 0 || end >= document.size()) continue;
    if (value.type == JsonType::string ? document[at - 1] == '"' && document[end] == '"'
                                       : is_boundary(document[at - 1]) && is_boundary(document[end])) {
      return true;
    }
  }
  return false;
}

}  // namespace tapewatch

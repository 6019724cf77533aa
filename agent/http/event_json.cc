// SPDX-License-Identifier: Apache-2.0
#include "http/event_json.h"

#include <algorithm>

#include "base/json_writer.h"
#include "base/timestamp.h"
#include "http/json_check.h"

namespace tapewatch {

void append_event_json(std::string& out, const LogDocument& document) {
  if (is_json_object(document.json)) {
    const auto start = static_cast<std::ptrdiff_t>(out.size());
    out.append(document.json);
    // Outside of strings a line end is a blank.
    std::replace_if(
        out.begin() + start, out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return;
  }
  JsonObject o(out);
  o.add("@timestamp", format_rfc3339(document.time_ns));
  o.add("message", document.json);
  o.key("error");
  JsonObject error(out);
  error.add("type", "json");
  error.end();
  o.end();
}

}  // namespace tapewatch

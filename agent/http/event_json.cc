// SPDX-License-Identifier: Apache-2.0
#include "http/event_json.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/hash.h"
#include "base/json_writer.h"
#include "base/timestamp.h"
#include "http/json_check.h"

namespace tapewatch {
namespace {

// By the numbers of the store, which are those of the event's Level.
constexpr std::array<std::string_view, 6> level_names = {"", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

}  // namespace

void append_event_json(std::string& out, const LogDocument& document) {
  JsonObject o(out);
  o.add("sequence", document.sequence);
  std::array<char, base64url_length> id{};
  base64url(Hash128{document.id_high, document.id_low}, id.data());
  o.add("id", std::string_view(id.data(), id.size()));
  o.add("time", format_rfc3339(document.time_ns));
  o.add("level", level_names[std::min<std::size_t>(document.level, level_names.size() - 1)]);
  if (is_json_object(document.json)) {
    o.key("event");
    const std::size_t start = out.size();
    out.append(document.json);
    // Outside of strings a line end is a blank.
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), [](char c) { return c == '\n' || c == '\r'; },
        ' ');
  } else {
    o.add("text", document.json);
  }
  o.end();
}

}  // namespace tapewatch

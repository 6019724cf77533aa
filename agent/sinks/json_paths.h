// SPDX-License-Identifier: Apache-2.0
#pragma once
// JsonPaths: a small JSON text as the set of its leaves: "template.settings.index.mapping.ignore_malformed" -> "true".
// Strings, numbers and literals by their text, array elements by their index, names with dots as if nested: two texts
// that mean the same settings have the same leaves. For replies of a few hundred KiB, not for the stream. Thread: any.

#include <map>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

using JsonPaths = std::map<std::string, std::string, std::less<>>;

// Code::bad_reply when the text is not JSON, is nested deeper than 64, or has more than 100,000 leaves.
[[nodiscard]] Result<JsonPaths> read_json_paths(std::string_view text);

// The leaves below `prefix`, without it.
[[nodiscard]] JsonPaths paths_below(const JsonPaths& paths, std::string_view prefix);

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Events as people read them: one JSON document to one line. And the little JSON reading that the commands need.
// Thread: one.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tapewatch/result.h"

namespace tapewatch {

// The scalars of a document by dotted path, in the order of the text, unescaped; at most `scalars_max`. Items of lists
// share the path of the list.
using FlatDocument = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::size_t scalars_max = 512;
[[nodiscard]] Result<FlatDocument> flatten_json(std::string_view json);
// The first value at one of the paths; "" when there is none.
[[nodiscard]] std::string_view first_of(const FlatDocument& document, const std::vector<std::string_view>& paths);

// The texts of the values in the list `key` of the object `json`. The views point into `json`.
[[nodiscard]] Result<std::vector<std::string_view>> list_items(std::string_view json, std::string_view key);
// The scalar `key` of the object `json`, unescaped; "" when there is none.
[[nodiscard]] std::string top_scalar(std::string_view json, std::string_view key);

// "2026-01-05T00:00:00.123Z ERROR oms.gateway order rejected  order.id=ORD-1 ..." without line end, safe for a
// terminal. A text that is not JSON is shown as it is.
inline constexpr std::size_t shown_fields_max = 8;
[[nodiscard]] std::string event_line(std::string_view json, bool colour, std::size_t fields_max = shown_fields_max);

}  // namespace tapewatch

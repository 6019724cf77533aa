// SPDX-License-Identifier: Apache-2.0
#pragma once
// A dotted path, followed through a document by JsonWalk: it meets nested objects, keys with dots, and any mixture of
// both; elements of arrays stand where the array stands. The state of the walk is what remains of the path. Thread:
// any.

#include <optional>
#include <string>
#include <string_view>

#include "storage/json_walk.h"

namespace tapewatch {

// "": the path ends here; none: this part of the document is off the path.
using RestOfPath = std::optional<std::string_view>;

[[nodiscard]] inline RestOfPath follow_key(RestOfPath rest, std::string_view key) {
  if (!rest || rest->empty()) return std::nullopt;
  if (*rest == key) return std::string_view();
  if (rest->size() > key.size() && (*rest)[key.size()] == '.' && rest->starts_with(key))
    return rest->substr(key.size() + 1);
  return std::nullopt;
}

// The text of a scalar: its own bytes, or `scratch` filled with them unescaped.
[[nodiscard]] inline std::string_view text_of(const JsonScalar& scalar, std::string& scratch) {
  if (!scalar.escaped) return scalar.raw;
  scratch.clear();
  append_unescaped(scratch, scalar.raw);
  return scratch;
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether a text may stand as a value inside an answer: one whole JSON object (RFC 8259), at most 64 deep. Thread: any.

#include <string_view>

namespace tapewatch {

[[nodiscard]] bool is_json_object(std::string_view text);

}  // namespace tapewatch

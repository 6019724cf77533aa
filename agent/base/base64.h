// SPDX-License-Identifier: Apache-2.0
#pragma once
// Base64 (RFC 4648 section 4, padded). Thread: any.

#include <string>
#include <string_view>

namespace tapewatch {

[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace tapewatch

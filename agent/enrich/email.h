// SPDX-License-Identifier: Apache-2.0
#pragma once
// E-mail addresses as people have them (RFC 5321 with ASCII letters; "%40" counts as '@', as URLs write it).
// Thread: any.

#include <string_view>

#include "base/scan.h"

namespace tapewatch {

// The next address that starts at or behind `from`. False when there is no more.
[[nodiscard]] bool find_email(std::string_view text, std::size_t from, TextRange& address);

}  // namespace tapewatch

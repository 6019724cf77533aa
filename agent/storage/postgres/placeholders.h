// SPDX-License-Identifier: Apache-2.0
#pragma once
// Placeholders: a statement in the notation of Store (`?`, `?3`) as PostgreSQL wants it (`$1`, `$3`). Literals, quoted
// names, comments and dollar quotes are left as they are; `??` is the operator `?`, and `$3` stays. A `?` without a
// number is one more than the greatest before it. Thread: any.

#include <string>
#include <string_view>

namespace tapewatch {

[[nodiscard]] std::string numbered_placeholders(std::string_view sql);

}  // namespace tapewatch

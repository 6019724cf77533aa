// SPDX-License-Identifier: Apache-2.0
#pragma once
// The schema of a PgStore when it is opened. Of several that open at the same time one works and the others wait.
// Thread: that of open().

#include <functional>
#include <span>
#include <string>

#include "storage/postgres/connection.h"
#include "tapewatch/pg_store.h"

namespace tapewatch {

[[nodiscard]] Status run_schema(PgConnection& connection, const std::string& schema);
// `write` runs a step in a transaction of its own.
[[nodiscard]] Status migrate(std::span<const PgMigration> migrations,
                             const std::function<Status(std::function<Status(PgConnection&)>)>& write);

}  // namespace tapewatch

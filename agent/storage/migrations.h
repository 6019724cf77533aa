// SPDX-License-Identifier: Apache-2.0
#pragma once
// Brings a file to the schema that a program knows (tapewatch/migration.h). Thread: that of the writer connection.

#include <span>
#include <string>

#include "storage/database.h"
#include "tapewatch/migration.h"

namespace tapewatch {

// Code::schema_newer when the file has a step beyond the last one here, Code::invalid when the steps are out of order.
// Nothing is changed. Without any steps every file is taken.
[[nodiscard]] Status refuse_newer(Database& database, std::span<const Migration> migrations);
[[nodiscard]] Status migrate(Database& database, const std::string& path, std::span<const Migration> migrations);

}  // namespace tapewatch

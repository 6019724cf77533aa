// SPDX-License-Identifier: Apache-2.0
#pragma once
// What Tx::insert_many and its like come down to: the statements of one call, run in a savepoint. Thread: the writer's.

#include <string_view>

#include "storage/database.h"
#include "storage/row_source_table.h"
#include "tapewatch/bulk.h"

namespace tapewatch {

struct BulkPlan {
  enum class Kind : std::uint8_t { insert, upsert, update };
  Kind kind = Kind::insert;
  std::string_view table;
  Columns columns;
  Columns keys;  // of upsert and update: a unique key of the table, among the columns
  BulkOptions options;
};

[[nodiscard]] Result<BulkResult> run_bulk(Database& database, const BulkPlan& plan, const RowSource& source);

}  // namespace tapewatch

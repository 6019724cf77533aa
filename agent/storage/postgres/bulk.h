// SPDX-License-Identifier: Apache-2.0
#pragma once
// Many rows at once on PostgreSQL. Many go by COPY: straight into the table, or, where the rows may be there already,
// into a temporary table and on with one INSERT ... ON CONFLICT. Few, updates, and rows among which COPY met a fault go
// as pipelined statements, which tell the place of the fault. Thread: that of the transaction.

#include <string_view>

#include "storage/postgres/connection.h"
#include "tapewatch/bulk.h"

namespace tapewatch {

struct PgBulkPlan {
  enum class Kind : std::uint8_t { insert, upsert, update };
  Kind kind = Kind::insert;
  std::string_view table;
  Columns columns;
  Columns keys;
  BulkOptions options;
};

[[nodiscard]] Result<BulkResult> run_bulk(PgConnection& connection, const PgBulkPlan& plan, const RowSource& source);

}  // namespace tapewatch

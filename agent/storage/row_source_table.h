// SPDX-License-Identifier: Apache-2.0
#pragma once
// RowSourceTable: the rows of a RowSource as a table that SQLite reads: INSERT ... SELECT c0, c1 FROM
// tapewatch_rows(?). The fastest way in: no binding, no step per row. Thread: that of the connection.

#include <cstddef>

#include "storage/database.h"
#include "tapewatch/bulk.h"

namespace tapewatch {

// The part of a source that one statement reads, and how far it came.
struct RowRange {
  const RowSource* source = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t at = 0;  // the row that was given last
};

// The name by which such a pointer is bound.
inline constexpr char row_range_type[] = "tapewatch_row_range";

// Makes tapewatch_rows known to a connection.
[[nodiscard]] bool register_row_source_table(sqlite3* handle);

}  // namespace tapewatch

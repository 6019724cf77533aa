// SPDX-License-Identifier: Apache-2.0
#pragma once
// IndexAdvice: a statement of a Store that looked at many rows, and the indexes that would have spared it that. Advice
// alone: nothing here ever creates an index. Asked for with Store::Options::advise_indexes and Store::index_advice().
// Plain values.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tapewatch {

struct IndexAdvice {
  std::string sql;                     // as it was first run; others of its shape are counted with it
  std::int64_t runs = 0;               // that looked at many rows
  std::int64_t rows_scanned = 0;       // in all of them
  std::int64_t rows_indexed = 0;       // put into an index that SQLite made for one run and threw away
  std::int64_t sorts = 0;              // results that were sorted because no index had the order
  std::vector<std::string> plan;       // of the query as things are
  std::vector<std::string> create;     // statements for indexes that its plan would use; empty: none would help
  std::vector<std::string> plan_with;  // with them
};

struct IndexAdviceOptions {
  std::int64_t rows_min = 1000;        // looked at in one run, to be noted
  std::size_t statements_max = 256;    // noted; those beyond are not
  std::size_t columns_tried_max = 16;  // of one table and statement
};

}  // namespace tapewatch

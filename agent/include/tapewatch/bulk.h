// SPDX-License-Identifier: Apache-2.0
#pragma once
// Many rows at once: what Tx::insert_many, upsert_many and update_many take and answer. Rows are plain structs or
// tuples (row_members.h) whose members stand for the named columns in their order; they are read where they lie,
// nothing is copied. One statement takes a whole chunk of them, so a row costs less than a prepared INSERT in a loop.
// Each call has a savepoint of its own: when it fails, none of its rows is written. Thread: that of the job.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

enum class OnConflict : std::uint8_t {
  fail,    // the first row that violates a constraint fails the call; the message has its place
  skip,    // rows of a key that is there already are left out and counted; other violations fail the call
  report,  // every row that violates a constraint is left out and listed
};

struct BulkOptions {
  OnConflict on_conflict = OnConflict::fail;
  std::size_t chunk_rows = 4096;  // in one statement
  std::size_t errors_max = 1000;  // listed; further ones are counted
};

struct RowError {
  std::size_t row = 0;  // its place in the span
  Error error;
};

struct BulkResult {
  std::int64_t written = 0;  // rows inserted or updated
  std::int64_t left_out =
      0;  // rows not written: duplicates (skip), violations (report), keys that are not there (update)
  std::vector<RowError> errors;
};

// Names of columns; string literals mostly.
using Columns = std::span<const std::string_view>;

// Rows of any one type, behind a function that reads one of them. Made by the calls of Tx.
struct RowSource {
  const void* rows = nullptr;
  std::size_t count = 0;
  std::size_t row_bytes = 0;
  std::size_t columns = 0;
  void (*read)(const void* row, Value* out) = nullptr;

  void read_at(std::size_t index, Value* out) const { read(static_cast<const char*>(rows) + index * row_bytes, out); }
};

template <typename Element, std::size_t Extent>
RowSource source_of(std::span<Element, Extent> rows) {
  using Row = std::remove_const_t<Element>;
  constexpr std::size_t columns = row_detail::member_count<Row>();
  static_assert(columns <= row_detail::members_max);
  const auto read = [](const void* row, Value* out) {
    std::apply([&](const auto&... member) { ((*out++ = Value(member)), ...); },
               row_detail::tie_members(*static_cast<const Row*>(row)));
  };
  return RowSource{rows.data(), rows.size(), sizeof(Row), columns, read};
}

}  // namespace tapewatch

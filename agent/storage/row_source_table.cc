// SPDX-License-Identifier: Apache-2.0
#include "storage/row_source_table.h"

#include <array>

namespace tapewatch {
namespace {

constexpr int source_column = static_cast<int>(row_detail::members_max);  // the hidden one, behind all others
constexpr int by_source = 1;

struct Cursor {
  sqlite3_vtab_cursor base{};  // first: SQLite knows the cursor by it
  RowRange* range = nullptr;
  std::array<Value, row_detail::members_max> values{};

  void read() {
    if (range != nullptr && range->at < range->end) range->source->read_at(range->at, values.data());
  }
};

int connect(sqlite3* handle, void*, int, const char* const*, sqlite3_vtab** out, char**) {
  const int declared = sqlite3_declare_vtab(
      handle, "CREATE TABLE x(c0,c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,source HIDDEN)");
  if (declared != SQLITE_OK) return declared;
  sqlite3_vtab_config(handle, SQLITE_VTAB_DIRECTONLY);  // never from a trigger or view of the file
  *out = new sqlite3_vtab{};
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete table;
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* plan) {
  for (int i = 0; i < plan->nConstraint; ++i) {
    const auto& constraint = plan->aConstraint[i];
    if (constraint.iColumn != source_column || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (constraint.usable == 0) return SQLITE_CONSTRAINT;
    plan->aConstraintUsage[i].argvIndex = 1;
    plan->aConstraintUsage[i].omit = 1;
    plan->idxNum = by_source;
    plan->estimatedCost = 1;
    plan->estimatedRows = 1000;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = &(new Cursor)->base;
  return SQLITE_OK;
}

Cursor& cursor_of(sqlite3_vtab_cursor* base) { return *reinterpret_cast<Cursor*>(base); }

int close(sqlite3_vtab_cursor* base) {
  delete &cursor_of(base);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int, const char*, int count, sqlite3_value** values) {
  Cursor& cursor = cursor_of(base);
  cursor.range = count == 1 ? static_cast<RowRange*>(sqlite3_value_pointer(values[0], row_range_type)) : nullptr;
  if (cursor.range != nullptr) cursor.range->at = cursor.range->begin;
  cursor.read();
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = cursor_of(base);
  ++cursor.range->at;
  cursor.read();
  return SQLITE_OK;
}

int at_end(sqlite3_vtab_cursor* base) {
  const RowRange* range = cursor_of(base).range;
  return range == nullptr || range->at >= range->end ? 1 : 0;
}

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int number) {
  const Cursor& cursor = cursor_of(base);
  if (number < 0 || number >= source_column) return SQLITE_OK;
  const Value& value = cursor.values[static_cast<std::size_t>(number)];
  // The rows outlive the statement, so their bytes are not copied.
  switch (value.type) {
    case Value::Type::null:
      break;
    case Value::Type::integer:
      sqlite3_result_int64(context, value.integer);
      break;
    case Value::Type::real:
      sqlite3_result_double(context, value.real);
      break;
    case Value::Type::text:
      sqlite3_result_text64(context, value.bytes.data() != nullptr ? value.bytes.data() : "", value.bytes.size(),
                            SQLITE_STATIC, SQLITE_UTF8);
      break;
    case Value::Type::blob:
      sqlite3_result_blob64(context, value.bytes.data() != nullptr ? value.bytes.data() : "", value.bytes.size(),
                            SQLITE_STATIC);
      break;
  }
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(cursor_of(base).range->at);
  return SQLITE_OK;
}

constexpr sqlite3_module table_module() {
  sqlite3_module out{};
  out.xConnect = connect;
  out.xBestIndex = best_index;
  out.xDisconnect = disconnect;
  out.xOpen = open;
  out.xClose = close;
  out.xFilter = filter;
  out.xNext = next;
  out.xEof = at_end;
  out.xColumn = column;
  out.xRowid = row_id;
  return out;
}
constexpr sqlite3_module rows_module = table_module();

}  // namespace

bool register_row_source_table(sqlite3* handle) {
  return sqlite3_create_module_v2(handle, "tapewatch_rows", &rows_module, nullptr, nullptr) == SQLITE_OK;
}

}  // namespace tapewatch

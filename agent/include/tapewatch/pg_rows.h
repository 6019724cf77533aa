// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgRows: the result of one statement on PostgreSQL, with the calls of Rows, so that a row type reads from either. It
// was received whole (bounded by PgStore::Options::result_bytes_max), so statements may run while it is walked.
// Integers and reals are read from the server's text; a bytea is its bytes, a boolean 0 or 1. Thread: that of the
// closure.

#include <cstdint>
#include <memory>
#include <string_view>

#include "tapewatch/api.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

class PgRowBuffer;

class TAPEWATCH_API PgRows final {
 public:
  explicit PgRows(std::shared_ptr<const PgRowBuffer> buffer);
  PgRows(PgRows&&) noexcept;
  PgRows& operator=(PgRows&&) = delete;
  ~PgRows();

  // True when there is a row to read, false at the end.
  [[nodiscard]] Result<bool> next();
  enum class Step : std::uint8_t { row, end, failed };
  [[nodiscard]] Step step();
  // Nothing fails while rows are walked: they are here.
  [[nodiscard]] Error failure() const;
  [[nodiscard]] bool is_null(int column) const;
  // Zero for what is no number. A numeric is cut off behind its point.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  // Valid as long as the result.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  // As the column's type says: integer, real, blob, otherwise text (numeric, timestamp, uuid, json, ...).
  [[nodiscard]] Value value(int column) const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view name(int column) const;

 private:
  std::shared_ptr<const PgRowBuffer> buffer_;
  std::size_t next_ = 0;  // the row behind the current one
};

}  // namespace tapewatch

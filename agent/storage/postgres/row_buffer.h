// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgRowBuffer: rows as the server sent them, as text, in one piece of memory, with the names and types of their
// columns. Filled by PgConnection, read by PgRows. Thread: one.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapewatch {

namespace pg_type {
inline constexpr std::uint32_t boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, oid = 26, float4 = 700,
                               float8 = 701;
}  // namespace pg_type

class PgRowBuffer final {
 public:
  struct Column {
    std::string name;
    std::uint32_t type = 0;
  };

  void set_columns(std::vector<Column> columns) { columns_ = std::move(columns); }
  void clear() {
    bytes_.clear();
    cells_.clear();
  }
  void add_null() { cells_.push_back(Cell{bytes_.size(), null_size}); }
  // A bytea comes as \x and digits.
  void add(std::string_view text, std::uint32_t type);

  [[nodiscard]] std::size_t rows() const { return columns_.empty() ? 0 : cells_.size() / columns_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size() + cells_.size() * sizeof(Cell); }
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  // A column that is not there is NULL.
  [[nodiscard]] std::uint32_t type(std::size_t column) const {
    return column < columns_.size() ? columns_[column].type : 0;
  }
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const { return cell(row, column).size == null_size; }
  [[nodiscard]] std::string_view at(std::size_t row, std::size_t column) const {
    const Cell found = cell(row, column);
    return found.size == null_size ? std::string_view() : std::string_view(bytes_).substr(found.begin, found.size);
  }

 private:
  static constexpr std::size_t null_size = static_cast<std::size_t>(-1);
  struct Cell {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  [[nodiscard]] Cell cell(std::size_t row, std::size_t column) const {
    return column < columns_.size() ? cells_[row * columns_.size() + column] : Cell{0, null_size};
  }

  std::vector<Column> columns_;
  std::string bytes_;
  std::vector<Cell> cells_;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values that go into a statement and rows that come out of it, typed, without any SQLite type. A Row is a scalar, a
// std::tuple, or an aggregate of up to 16 members (row_members.h); a std::string_view or Blob among them is valid until
// the next row, a std::optional takes NULL, anything else reads NULL as zero or empty. Thread: that of the closure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tapewatch/api.h"
#include "tapewatch/result.h"
#include "tapewatch/row_members.h"

namespace tapewatch {

class Database;
class Statement;

// One bound argument. A view of text and blobs: the argument outlives the call that takes it.
struct Value {
  enum class Type : std::uint8_t { null, integer, real, text, blob };
  Type type = Type::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view bytes;

  Value() = default;
  Value(std::nullptr_t) {}                                     // NOLINT(google-explicit-constructor)
  Value(double v) : type(Type::real), real(v) {}               // NOLINT(google-explicit-constructor)
  Value(std::string_view v) : type(Type::text), bytes(v) {}    // NOLINT(google-explicit-constructor)
  Value(const std::string& v) : Value(std::string_view(v)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* v) : Value(std::string_view(v)) {}         // NOLINT(google-explicit-constructor)
  Value(const Blob& v) : type(Type::blob), bytes(v.bytes) {}   // NOLINT(google-explicit-constructor)
  template <typename I>
  requires std::is_integral_v<I> Value(I v)  // NOLINT(google-explicit-constructor)
      : type(Type::integer), integer(static_cast<std::int64_t>(v)) {}
  template <typename T>
  Value(const std::optional<T>& v) {  // NOLINT(google-explicit-constructor)
    if (v.has_value()) *this = Value(*v);
  }
};

// The rows of one running statement. Made by Reader and Tx; gives the statement back to the cache when it goes.
class TAPEWATCH_API Rows final {
 public:
  Rows(Database& database, Statement& statement) : database_(&database), statement_(&statement) {}
  Rows(Rows&& other) noexcept : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  // True when there is a row to read, false at the end.
  [[nodiscard]] Result<bool> next();
  // The same for a loop over many rows: after `failed`, failure() tells why.
  enum class Step : std::uint8_t { row, end, failed };
  [[nodiscard]] Step step();
  [[nodiscard]] Error failure() const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  // Valid until the next call of next().
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  // Of whatever type it is stored as; a view likewise.
  [[nodiscard]] Value value(int column) const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view name(int column) const;

 private:
  Database* database_;
  Statement* statement_;
};

namespace row_detail {

// `From` is Rows, or what another database has with the same calls.
template <typename T, typename From>
T read_column(const From& rows, int column) {
  if constexpr (IsOptional<T>::value) {
    if (rows.is_null(column)) return std::nullopt;
    return read_column<typename T::value_type>(rows, column);
  } else if constexpr (std::is_same_v<T, bool>) {
    return rows.integer(column) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(rows.integer(column));
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(rows.real(column));
  } else if constexpr (std::is_same_v<T, Blob>) {
    return Blob{rows.blob(column)};
  } else {
    return T(rows.text(column));
  }
}

template <typename Row, typename From>
Row read_row(const From& rows) {
  if constexpr (is_column<Row>) {
    return read_column<Row>(rows, 0);
  } else {
    static_assert(member_count<Row>() > 0);
    Row row{};
    int column = 0;
    std::apply(
        [&](auto&... member) {
          ((member = read_column<std::remove_reference_t<decltype(member)>>(rows, column++)), ...);
        },
        tie_members(row));
    return row;
  }
}

// Hands every row to visit(row), which returns void or Status; `seen` counts them.
template <typename Row, typename From, typename Visit>
Status each_row(From& rows, Visit&& visit, std::int64_t* seen = nullptr) {
  for (std::int64_t count = 0;; ++count) {
    const typename From::Step step = rows.step();
    if (step == From::Step::failed) return rows.failure();
    if (step == From::Step::end) {
      if (seen != nullptr) *seen = count;
      return success();
    }
    if constexpr (std::is_same_v<std::invoke_result_t<Visit&, Row>, void>) {
      visit(read_row<Row>(rows));
    } else {
      Status status = visit(read_row<Row>(rows));
      if (!status.ok()) return status;
    }
  }
}

}  // namespace row_detail
}  // namespace tapewatch

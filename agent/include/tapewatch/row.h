// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values that go into a statement and rows that come out of it, typed, without any SQLite type. A Row is a scalar, a
// std::tuple, or an aggregate of up to 12 members; members are integers, double, bool, std::string, std::string_view
// (valid until the next row), Blob (likewise) and std::optional of these (NULL). Thread: that of the closure.

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

namespace tapewatch {

class Database;
class Statement;

// Bytes that are not text. A view.
struct Blob {
  std::string_view bytes;
};

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
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  // Valid until the next call of next().
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;

 private:
  Database* database_;
  Statement* statement_;
};

namespace row_detail {

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsTuple : std::false_type {};
template <typename... T>
struct IsTuple<std::tuple<T...>> : std::true_type {};

template <typename T>
inline constexpr bool is_column =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view> ||
    std::is_same_v<T, Blob> || IsOptional<T>::value;

template <typename T>
T read_column(const Rows& rows, int column) {
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

// Becomes whatever type a member of an aggregate asks for; only to count the members.
struct Anything {
  template <typename T>
  requires is_column<T>
  operator T() const;  // NOLINT(google-explicit-constructor)
};

template <std::size_t>
using AnythingAt = Anything;
template <typename Row, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { Row{std::declval<AnythingAt<I>>()...}; };
}
template <typename Row, std::size_t N = 12>
constexpr std::size_t member_count() {
  if constexpr (N == 0 || takes<Row>(std::make_index_sequence<N>())) {
    return N;
  } else {
    return member_count<Row, N - 1>();
  }
}

template <typename... Members>
void read_each(const Rows& rows, Members&... members) {
  int column = 0;
  ((members = read_column<Members>(rows, column++)), ...);
}

template <typename Row>
Row read_members(const Rows& rows) {
  constexpr std::size_t n = member_count<Row>();
  Row row{};
  if constexpr (n == 1) {
    auto& [a] = row;
    read_each(rows, a);
  }
  if constexpr (n == 2) {
    auto& [a, b] = row;
    read_each(rows, a, b);
  }
  if constexpr (n == 3) {
    auto& [a, b, c] = row;
    read_each(rows, a, b, c);
  }
  if constexpr (n == 4) {
    auto& [a, b, c, d] = row;
    read_each(rows, a, b, c, d);
  }
  if constexpr (n == 5) {
    auto& [a, b, c, d, e] = row;
    read_each(rows, a, b, c, d, e);
  }
  if constexpr (n == 6) {
    auto& [a, b, c, d, e, f] = row;
    read_each(rows, a, b, c, d, e, f);
  }
  if constexpr (n == 7) {
    auto& [a, b, c, d, e, f, g] = row;
    read_each(rows, a, b, c, d, e, f, g);
  }
  if constexpr (n == 8) {
    auto& [a, b, c, d, e, f, g, h] = row;
    read_each(rows, a, b, c, d, e, f, g, h);
  }
  if constexpr (n == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = row;
    read_each(rows, a, b, c, d, e, f, g, h, i);
  }
  if constexpr (n == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = row;
    read_each(rows, a, b, c, d, e, f, g, h, i, j);
  }
  if constexpr (n == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = row;
    read_each(rows, a, b, c, d, e, f, g, h, i, j, k);
  }
  if constexpr (n == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = row;
    read_each(rows, a, b, c, d, e, f, g, h, i, j, k, l);
  }
  return row;
}
template <typename Tuple, std::size_t... I>
Tuple read_tuple(const Rows& rows, std::index_sequence<I...>) {
  return Tuple(read_column<std::tuple_element_t<I, Tuple>>(rows, static_cast<int>(I))...);
}

template <typename Row>
Row read_row(const Rows& rows) {
  if constexpr (is_column<Row>) {
    return read_column<Row>(rows, 0);
  } else if constexpr (IsTuple<Row>::value) {
    return read_tuple<Row>(rows, std::make_index_sequence<std::tuple_size_v<Row>>());
  } else {
    static_assert(std::is_aggregate_v<Row> && member_count<Row>() > 0, "a row is a scalar, a tuple or a flat struct");
    return read_members<Row>(rows);
  }
}

}  // namespace row_detail
}  // namespace tapewatch

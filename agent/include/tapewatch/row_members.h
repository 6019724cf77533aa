// SPDX-License-Identifier: Apache-2.0
#pragma once
// The members of a plain struct or tuple as a tuple of references, so that rows are read into it and written from it
// without a line of mapping. At most 16; each is a column: an integer, double, bool, std::string, std::string_view,
// Blob, or a std::optional of these. Thread: any.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tapewatch {

// Bytes that are not text. A view.
struct Blob {
  std::string_view bytes;
};

namespace row_detail {

inline constexpr std::size_t members_max = 16;

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
template <typename Row, std::size_t N = members_max + 1>
constexpr std::size_t aggregate_members() {
  if constexpr (N == 0 || takes<Row>(std::make_index_sequence<N>())) {
    return N;
  } else {
    return aggregate_members<Row, N - 1>();
  }
}

// How many columns a Row has.
template <typename Row>
constexpr std::size_t member_count() {
  if constexpr (is_column<Row>) {
    return 1;
  } else if constexpr (IsTuple<Row>::value) {
    return std::tuple_size_v<Row>;
  } else {
    static_assert(std::is_aggregate_v<Row>, "a row is a scalar, a tuple or a flat struct");
    constexpr std::size_t n = aggregate_members<Row>();
    static_assert(n > 0 && n <= members_max, "a row has 1 to 16 members, each of a column's type");
    return n;
  }
}

// std::tie of the members of an aggregate.
template <typename Row>
constexpr auto tie_aggregate(Row& row) {
  constexpr std::size_t count = member_count<std::remove_const_t<Row>>();
  if constexpr (count == 1) {
    auto& [a] = row;
    return std::tie(a);
  }
  if constexpr (count == 2) {
    auto& [a, b] = row;
    return std::tie(a, b);
  }
  if constexpr (count == 3) {
    auto& [a, b, c] = row;
    return std::tie(a, b, c);
  }
  if constexpr (count == 4) {
    auto& [a, b, c, d] = row;
    return std::tie(a, b, c, d);
  }
  if constexpr (count == 5) {
    auto& [a, b, c, d, e] = row;
    return std::tie(a, b, c, d, e);
  }
  if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = row;
    return std::tie(a, b, c, d, e, f);
  }
  if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = row;
    return std::tie(a, b, c, d, e, f, g);
  }
  if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = row;
    return std::tie(a, b, c, d, e, f, g, h);
  }
  if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = row;
    return std::tie(a, b, c, d, e, f, g, h, i);
  }
  if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j);
  }
  if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k);
  }
  if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
  }
  if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m);
  }
  if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  }
  if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  }
  if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = row;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  }
}

// std::tie of a row's columns, whatever kind of row it is.
template <typename Row>
constexpr auto tie_members(Row& row) {
  using Plain = std::remove_const_t<Row>;
  if constexpr (is_column<Plain>) {
    return std::tie(row);
  } else if constexpr (IsTuple<Plain>::value) {
    return std::apply([](auto&... each) { return std::tie(each...); }, row);
  } else {
    return tie_aggregate(row);
  }
}

}  // namespace row_detail
}  // namespace tapewatch

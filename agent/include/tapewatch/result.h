// SPDX-License-Identifier: Apache-2.0
#pragma once
// Result<T>: a value or an Error, the answer of every call that can fail. No exception leaves a tapewatch function.
// Both types are plain values and belong to whoever holds them.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tapewatch {

// Numbered, grouped by module, never reused; the number is what logs and documentation show (TW0101).
enum class Code : std::uint16_t {
  internal = 1,
  io = 2,
  not_found = 3,
  invalid = 4,
  limit = 5,   // a configured limit was reached
  closed = 6,  // the object was closed, or is closing
  timeout = 7,
  cancelled = 8,
  busy = 9,   // somebody else holds the lock
  full = 10,  // no space left on the device
  corrupt = 11,
  permission = 12,
  unsupported = 13,
  // 100-199 configuration, 200-299 rules, 300-399 queries: see base/diagnostic.h
  sql = 400,             // SQLite refused a statement
  constraint = 401,      // a constraint of the schema was violated
  queue_full = 402,      // the writer's queue is at its limit
  read_only = 403,       // a write was tried on a read-only connection
  schema_newer = 404,    // the database was written by a newer version
  repeated_query = 405,  // a list was followed by one query a row, and the watch is to refuse that
  wal_full = 406,        // the write-ahead log is at its limit, because readers keep it from being cut
  network = 500,
  http_status = 501,
  tls = 502,
  bad_reply = 503,  // the peer's answer cannot be understood
};

struct Error {
  Code code = Code::internal;
  std::string message;

  // "opening /x: permission denied": what was tried, before what went wrong.
  [[nodiscard]] Error with_context(std::string_view context) && {
    return Error{code, std::string(context) + ": " + message};
  }
};

struct Unit {};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok(). Asking a failed result for its value ends the program.
  [[nodiscard]] T& value() & {
    require(ok());
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    require(ok());
    return std::get<0>(state_);
  }
  [[nodiscard]] T value() && {
    require(ok());
    return std::move(std::get<0>(state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

  // REQUIRES: !ok(). By value on a temporary, so that `const Error& e = f().error();` does not dangle.
  [[nodiscard]] const Error& error() const& {
    require(!ok());
    return std::get<1>(state_);
  }
  [[nodiscard]] Error error() && {
    require(!ok());
    return std::move(std::get<1>(state_));
  }

 private:
  static void require(bool condition) {
    if (!condition) std::abort();
  }
  std::variant<T, Error> state_;
};

using Status = Result<Unit>;
inline Status success() { return Unit{}; }

}  // namespace tapewatch

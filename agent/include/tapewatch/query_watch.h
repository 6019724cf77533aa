// SPDX-License-Identifier: Apache-2.0
#pragma once
// QueryWatch: counts the statements of one request or unit of work by their shape and tells when a list was followed by
// one query for each of its rows (N+1). Handed to Store::read; without one, a read pays a null test a statement.
// ExpectQueries is for tests. Thread: one at a time. Never keeps arguments, only a hash of them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tapewatch/api.h"
#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

// A statement without its literals, in one spelling: lists of values are one '?', blanks and letter case are folded.
[[nodiscard]] TAPEWATCH_API std::string shape_of(std::string_view sql);

class TAPEWATCH_API QueryWatch final {
 public:
  enum class Mode : std::uint8_t {
    off,    // counts nothing
    warn,   // calls on_report once a shape
    raise,  // also fails the statement that is one too many with Code::repeated_query
  };
  struct Report {
    std::string shape;   // of the repeated statement
    std::string parent;  // of the list before it
    std::int64_t times = 0;
  };
  struct Options {
    Mode mode = Mode::warn;
    std::size_t repeats_min = 5;       // with different arguments
    std::int64_t parent_rows_min = 5;  // of another shape's result before them
    std::size_t shapes_max = 1000;     // shapes beyond are counted in queries() alone
    std::function<void(const Report&)> on_report;
  };

  explicit QueryWatch(Options options) : options_(std::move(options)) {}
  QueryWatch() : QueryWatch(Options()) {}

  // Called by Reader for each statement before it runs, and with its rows behind it.
  [[nodiscard]] Status ran(std::string_view sql, const Value* arguments, std::size_t count);
  void returned(std::string_view sql, std::int64_t rows);

  [[nodiscard]] std::int64_t queries() const { return queries_; }
  [[nodiscard]] const std::vector<Report>& reports() const { return reports_; }

 private:
  struct Shape {
    std::vector<std::uint64_t> arguments;  // hashes, all different, at most repeats_min
    std::string parent;                    // the list before its first run
    std::int64_t times = 0;
    std::size_t report = 0;  // its place in reports_, plus one; 0: none
  };

  const Options options_;
  std::int64_t queries_ = 0;
  std::unordered_map<std::string, Shape> shapes_;
  std::string parent_;  // the newest shape that returned a list
  std::vector<Report> reports_;
};

// Says whether exactly so many statements ran since it was made.
class ExpectQueries final {
 public:
  ExpectQueries(const QueryWatch& watch, std::int64_t queries)
      : watch_(watch), before_(watch.queries()), expected_(queries) {}
  [[nodiscard]] Status check() const {
    const std::int64_t ran = watch_.queries() - before_;
    if (ran == expected_) return success();
    return Error{Code::invalid,
                 "expected " + std::to_string(expected_) + " statements, and " + std::to_string(ran) + " ran"};
  }

 private:
  const QueryWatch& watch_;
  const std::int64_t before_;
  const std::int64_t expected_;
};

}  // namespace tapewatch

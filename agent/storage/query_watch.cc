// SPDX-License-Identifier: Apache-2.0
#include "tapewatch/query_watch.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/ascii.h"
#include "base/hash.h"

namespace tapewatch {
namespace {

bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The end of what is quoted at `at`; a doubled quote is part of it.
std::size_t quoted_end(std::string_view sql, std::size_t at) {
  const char quote = sql[at];
  for (std::size_t i = at + 1; i < sql.size(); ++i) {
    if (sql[i] != quote) continue;
    if (i + 1 == sql.size() || sql[i + 1] != quote) return i + 1;
    ++i;
  }
  return sql.size();
}

std::size_t comment_end(std::string_view sql, std::size_t at) {
  const bool line = sql.substr(at, 2) == "--";
  const std::size_t end = sql.find(line ? "\n" : "*/", at + 2);
  return end == std::string_view::npos ? sql.size() : end + (line ? 1 : 2);
}

std::size_t word_end(std::string_view sql, std::size_t at) {
  while (at < sql.size() && (starts_word(sql[at]) || is_digit(sql[at]) || sql[at] == '.')) ++at;
  return at;
}

// A value; a list of them is one, so that batches of different sizes have one shape.
void add_value(std::string& shape) {
  if (shape.ends_with("?,"))
    shape.pop_back();
  else
    shape += '?';
}

std::uint64_t hash_of(std::string_view sql, const Value* arguments, std::size_t count) {
  std::uint64_t hash = hash64(sql);
  for (std::size_t i = 0; i < count; ++i) {
    const Value& v = arguments[i];
    const std::uint64_t numbers[3] = {static_cast<std::uint64_t>(v.type), static_cast<std::uint64_t>(v.integer),
                                      std::bit_cast<std::uint64_t>(v.real)};
    hash = hash64({reinterpret_cast<const char*>(numbers), sizeof numbers}, hash);
    hash = hash64(v.bytes, hash);
  }
  return hash;
}

}  // namespace

std::string shape_of(std::string_view sql) {
  std::string shape;
  bool blank = false;
  // A blank stays where it parts two words; nowhere else.
  const auto part = [&] {
    if (blank && !shape.empty() &&
        (starts_word(shape.back()) || is_digit(shape.back()) || shape.back() == '?' || shape.back() == '"' ||
         shape.back() == ')'))
      shape += ' ';
    blank = false;
  };
  for (std::size_t at = 0; at < sql.size();) {
    const char c = sql[at];
    const std::string_view two = sql.substr(at, 2);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = true;
      ++at;
    } else if (two == "--" || two == "/*") {
      blank = true;
      at = comment_end(sql, at);
    } else if (c == '\'') {
      part();
      add_value(shape);
      at = quoted_end(sql, at);
    } else if (is_digit(c) || c == '?' || c == ':' || c == '@' || c == '$') {
      part();
      add_value(shape);
      at = word_end(sql, at + 1);
    } else if (c == '"' || c == '`') {
      part();
      const std::size_t end = quoted_end(sql, at);
      shape += sql.substr(at, end - at);
      at = end;
    } else if (starts_word(c)) {
      part();
      for (const std::size_t end = word_end(sql, at); at < end; ++at) shape += ascii_lower(sql[at]);
    } else {
      blank = false;
      shape += c;
      ++at;
    }
  }
  while (shape.ends_with(';')) shape.pop_back();
  return shape;
}

Status QueryWatch::ran(std::string_view sql, const Value* arguments, std::size_t count) {
  if (options_.mode == Mode::off) return success();
  ++queries_;
  std::string text = shape_of(sql);
  auto found = shapes_.find(text);
  if (found == shapes_.end()) {
    if (shapes_.size() >= options_.shapes_max) return success();
    found = shapes_.emplace(std::move(text), Shape()).first;
  }
  Shape& shape = found->second;
  ++shape.times;
  if (shape.report > 0) reports_[shape.report - 1].times = shape.times;
  if (shape.parent.empty() && parent_ != found->first) shape.parent = parent_;
  if (shape.parent.empty()) return success();
  const std::uint64_t hash = hash_of(sql, arguments, count);
  if (shape.arguments.size() < options_.repeats_min &&
      std::ranges::find(shape.arguments, hash) == shape.arguments.end())
    shape.arguments.push_back(hash);
  if (shape.arguments.size() < options_.repeats_min) return success();
  if (shape.report == 0) {
    reports_.push_back(Report{found->first, shape.parent, shape.times});
    shape.report = reports_.size();
    if (options_.on_report) options_.on_report(reports_.back());
  }
  if (options_.mode != Mode::raise) return success();
  return Error{Code::repeated_query, "one query a row: '" + found->first + "' ran " + std::to_string(shape.times) +
                                         " times after '" + shape.parent + "'"};
}

void QueryWatch::returned(std::string_view sql, std::int64_t rows) {
  if (options_.mode == Mode::off || rows < options_.parent_rows_min) return;
  parent_ = shape_of(sql);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <utility>

#include "storage/postgres/row_buffer.h"
#include "tapewatch/pg_rows.h"

namespace tapewatch {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <typename T>
T number_of(std::string_view text, bool is_boolean) {
  if (is_boolean) return static_cast<T>(text == "t" ? 1 : 0);
  T out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

void PgRowBuffer::add(std::string_view text, std::uint32_t type) {
  const std::size_t begin = bytes_.size();
  if (type == pg_type::bytea && text.starts_with("\\x")) {
    for (std::size_t i = 2; i + 1 < text.size(); i += 2)
      bytes_ += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  } else {
    bytes_.append(text);
  }
  cells_.push_back(Cell{begin, bytes_.size() - begin});
}

PgRows::PgRows(std::shared_ptr<const PgRowBuffer> buffer) : buffer_(std::move(buffer)) {}
PgRows::PgRows(PgRows&&) noexcept = default;
PgRows::~PgRows() = default;

PgRows::Step PgRows::step() {
  if (next_ >= buffer_->rows()) return Step::end;
  ++next_;
  return Step::row;
}
Result<bool> PgRows::next() { return step() == Step::row; }
Error PgRows::failure() const { return Error{Code::internal, "the rows are here, and nothing failed"}; }

bool PgRows::is_null(int column) const { return buffer_->is_null(next_ - 1, static_cast<std::size_t>(column)); }
std::int64_t PgRows::integer(int column) const {
  return number_of<std::int64_t>(text(column), buffer_->type(static_cast<std::size_t>(column)) == pg_type::boolean);
}
double PgRows::real(int column) const {
  return number_of<double>(text(column), buffer_->type(static_cast<std::size_t>(column)) == pg_type::boolean);
}
std::string_view PgRows::text(int column) const { return buffer_->at(next_ - 1, static_cast<std::size_t>(column)); }
std::string_view PgRows::blob(int column) const { return text(column); }

Value PgRows::value(int column) const {
  if (is_null(column)) return {};
  switch (buffer_->type(static_cast<std::size_t>(column))) {
    case pg_type::boolean:
    case pg_type::int2:
    case pg_type::int4:
    case pg_type::int8:
    case pg_type::oid:
      return integer(column);
    case pg_type::float4:
    case pg_type::float8:
      return real(column);
    case pg_type::bytea:
      return Blob{text(column)};
    default:
      return text(column);
  }
}

int PgRows::columns() const { return static_cast<int>(buffer_->columns().size()); }
std::string_view PgRows::name(int column) const { return buffer_->columns()[static_cast<std::size_t>(column)].name; }

}  // namespace tapewatch

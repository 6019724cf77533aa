// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/arguments.h"

#include <array>
#include <charconv>

#include "storage/postgres/row_buffer.h"

namespace tapewatch {

void append_number(std::string& out, const Value& value) {
  std::array<char, 32> digits{};
  const auto end = value.type == Value::Type::integer ? std::to_chars(digits.begin(), digits.end(), value.integer)
                                                      : std::to_chars(digits.begin(), digits.end(), value.real);
  out.append(digits.data(), end.ptr);
}

Status check_text(std::span<const Value> values) {
  for (const Value& value : values) {
    if (value.type == Value::Type::text && value.bytes.find('\0') != std::string_view::npos)
      return Error{Code::invalid, "a text has a zero byte, which PostgreSQL cannot store: make it a Blob"};
  }
  return success();
}

PgArguments::PgArguments(std::span<const Value> values) {
  for (const Value& value : values) {
    const bool blob = value.type == Value::Type::blob;
    places_.push_back(value.type == Value::Type::null ? null : bytes_.size());
    lengths_.push_back(static_cast<int>(value.bytes.size()));
    formats_.push_back(blob ? 1 : 0);
    types_.push_back(blob ? pg_type::bytea : 0);
    if (value.type == Value::Type::integer || value.type == Value::Type::real)
      append_number(bytes_, value);
    else
      bytes_.append(value.bytes);
    bytes_ += '\0';
  }
  for (const std::size_t place : places_) pointers_.push_back(place == null ? nullptr : bytes_.data() + place);
}

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgArguments: values as libpq wants them: text that ends in a zero byte, with the type left to the server, and blobs
// as the bytes they are. They live as long as it. Thread: one.

#include <libpq-fe.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tapewatch/result.h"
#include "tapewatch/row.h"

namespace tapewatch {

// A number as the server reads it.
void append_number(std::string& out, const Value& value);
// Whether texts can be the server's, which have no zero byte.
[[nodiscard]] Status check_text(std::span<const Value> values);

class PgArguments final {
 public:
  explicit PgArguments(std::span<const Value> values);

  [[nodiscard]] int count() const { return static_cast<int>(places_.size()); }
  [[nodiscard]] const char* const* values() const { return pointers_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }
  // Zero where the server is to find out.
  [[nodiscard]] const Oid* types() const { return types_.data(); }

 private:
  static constexpr std::size_t null = static_cast<std::size_t>(-1);
  std::string bytes_;
  std::vector<std::size_t> places_;
  std::vector<const char*> pointers_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<Oid> types_;
};

}  // namespace tapewatch

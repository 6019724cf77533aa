// SPDX-License-Identifier: Apache-2.0
#pragma once
// QueryParams: what stands behind the '?' of an address, decoded, each name at most once. Thread: any.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tapewatch/result.h"

namespace tapewatch {

class QueryParams final {
 public:
  // Code::invalid for a name that comes twice, is not among `known`, or a value that is not UTF-8. REQUIRES well-formed
  // percent signs (RequestParser saw to that).
  [[nodiscard]] static Result<QueryParams> parse(std::string_view query, std::initializer_list<std::string_view> known);

  // "" when it is not there.
  [[nodiscard]] const std::string& text(std::string_view name) const;
  // A whole number from `low` to `high`; `missing` when it is not there.
  [[nodiscard]] Result<std::int64_t> number(std::string_view name, std::int64_t low, std::int64_t high,
                                            std::int64_t missing) const;
  // A point in time: RFC 3339, an epoch number, "now", or how long ago ("15m": s, m, h or d). `missing` when it is not
  // there.
  [[nodiscard]] Result<std::int64_t> time(std::string_view name, std::int64_t now_ns, std::int64_t missing) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// Percent signs and plus signs undone.
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace tapewatch

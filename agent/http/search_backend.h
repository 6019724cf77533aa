// SPDX-License-Identifier: Apache-2.0
#pragma once
// SearchBackend: the log store as the API sees it, so that tests put another in its place. Called by HTTP threads
// (search, trace, histogram, top_values) and by the loop (compile, read_since, newest): no call of the loop waits for
// the disk.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

#include "tapewatch/log_store.h"
#include "tapewatch/query.h"
#include "tapewatch/result.h"

namespace tapewatch {

class SearchBackend {
 public:
  template <typename T>
  using Answer = std::variant<T, QueryFault, Error>;
  // Whether a document (JSON) is what the query asks for.
  using Filter = std::function<bool(std::string_view document)>;

  virtual ~SearchBackend() = default;
  [[nodiscard]] virtual Answer<SearchPage> search(std::string_view query, const SearchRange& range,
                                                  const SearchLimits& limits, std::int64_t cursor) = 0;
  [[nodiscard]] virtual Answer<SearchPage> trace(std::string_view id, const SearchLimits& limits) = 0;
  [[nodiscard]] virtual Answer<Histogram> histogram(std::string_view query, const SearchRange& range, int buckets) = 0;
  [[nodiscard]] virtual Answer<TopValues> top_values(std::string_view query, const SearchRange& range,
                                                     std::string_view field, std::size_t values_max) = 0;
  [[nodiscard]] virtual std::variant<Filter, QueryFault> compile(std::string_view query) = 0;
  [[nodiscard]] virtual LiveRead read_since(std::int64_t sequence, std::size_t documents_max) = 0;
  // The sequence of the newest document.
  [[nodiscard]] virtual std::int64_t newest() = 0;
};

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// StoreBackend: the SearchBackend over the embedded log store. Owned by the wiring; the store outlives it. Thread: any.

#include <chrono>

#include "http/search_backend.h"

namespace tapewatch {

class StoreBackend final : public SearchBackend {
 public:
  explicit StoreBackend(LogStore& store) : store_(store) {}
  [[nodiscard]] Answer<SearchPage> search(std::string_view query, const SearchRange& range, const SearchLimits& limits,
                                          std::int64_t cursor) override;
  [[nodiscard]] Answer<SearchPage> trace(std::string_view id, const SearchLimits& limits) override;
  [[nodiscard]] Answer<Histogram> histogram(std::string_view query, const SearchRange& range, int buckets) override;
  [[nodiscard]] Answer<TopValues> top_values(std::string_view query, const SearchRange& range, std::string_view field,
                                             std::size_t values_max) override;
  [[nodiscard]] std::variant<Filter, QueryFault> compile(std::string_view query) override;
  [[nodiscard]] LiveRead read_since(std::int64_t sequence, std::size_t documents_max) override;
  [[nodiscard]] std::int64_t newest() override;

 private:
  LogStore& store_;
};

}  // namespace tapewatch

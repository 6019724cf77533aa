// SPDX-License-Identifier: Apache-2.0
#include "http/store_backend.h"

#include <utility>

namespace tapewatch {
namespace {

constexpr std::chrono::milliseconds counting_time_max{2000};

template <typename T>
SearchBackend::Answer<T> as_answer(Result<T> result) {
  if (!result) return std::move(result).error();
  return std::move(result).value();
}

}  // namespace

SearchBackend::Answer<SearchPage> StoreBackend::search(std::string_view query, const SearchRange& range,
                                                       const SearchLimits& limits, std::int64_t cursor) {
  const std::variant<Query, QueryFault> parsed = Query::parse(query);
  if (const auto* fault = std::get_if<QueryFault>(&parsed)) return *fault;
  return as_answer(store_.search(std::get<Query>(parsed), range, limits, cursor));
}

SearchBackend::Answer<SearchPage> StoreBackend::trace(std::string_view id, const SearchLimits& limits) {
  return as_answer(store_.trace(id, limits));
}

SearchBackend::Answer<Histogram> StoreBackend::histogram(std::string_view query, const SearchRange& range,
                                                         int buckets) {
  const std::variant<Query, QueryFault> parsed = Query::parse(query);
  if (const auto* fault = std::get_if<QueryFault>(&parsed)) return *fault;
  return as_answer(store_.histogram(std::get<Query>(parsed), range, buckets, counting_time_max));
}

SearchBackend::Answer<TopValues> StoreBackend::top_values(std::string_view query, const SearchRange& range,
                                                          std::string_view field, std::size_t values_max) {
  const std::variant<Query, QueryFault> parsed = Query::parse(query);
  if (const auto* fault = std::get_if<QueryFault>(&parsed)) return *fault;
  return as_answer(store_.top_values(std::get<Query>(parsed), range, field, values_max, counting_time_max));
}

std::variant<SearchBackend::Filter, QueryFault> StoreBackend::compile(std::string_view query) {
  std::variant<Query, QueryFault> parsed = Query::parse(query);
  if (const auto* fault = std::get_if<QueryFault>(&parsed)) return *fault;
  return Filter([query_of_client = std::get<Query>(std::move(parsed))](std::string_view document) {
    return query_of_client.matches_all() || query_of_client.matches(document);
  });
}

LiveRead StoreBackend::read_since(std::int64_t sequence, std::size_t documents_max) {
  return store_.read_since(sequence, documents_max);
}

std::int64_t StoreBackend::newest() { return store_.stats().sequence; }

}  // namespace tapewatch

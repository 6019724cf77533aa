// SPDX-License-Identifier: Apache-2.0
#pragma once
// FakeSearchBackend: a few documents in memory; a query is a part of the text, and "(" is at fault. Thread: any.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "http/search_backend.h"

namespace tapewatch {

class FakeSearchBackend final : public SearchBackend {
 public:
  void add(std::string json, std::uint8_t level = 2) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    LogDocument document;
    document.sequence = static_cast<std::int64_t>(documents_.size()) + 1;
    document.time_ns = 1'767'571'200'000'000'000 + document.sequence * 1'000'000;
    document.level = level;
    document.id_low = static_cast<std::uint64_t>(document.sequence);
    document.json = std::move(json);
    documents_.push_back(std::move(document));
  }

  Answer<SearchPage> search(std::string_view query, const SearchRange& range, const SearchLimits& limits,
                            std::int64_t cursor) override EXCLUDES(mutex_) {
    if (query == "(") return fault();
    if (query == "busy") return Error{Code::busy, "too many searches"};
    if (query == "throw") throw std::runtime_error("secret words");
    MutexLock lock(mutex_);
    SearchPage page;
    for (auto it = documents_.rbegin(); it != documents_.rend(); ++it) {
      if ((cursor != 0 && it->sequence >= cursor) || it->time_ns < range.from_ns || it->time_ns > range.to_ns) continue;
      if (it->json.find(query) == std::string::npos) continue;
      if (page.documents.size() == limits.results_max) {
        page.next_cursor = page.documents.back().sequence;
        break;
      }
      page.documents.push_back(*it);
    }
    page.scanned_lines = static_cast<std::int64_t>(documents_.size());
    page.elapsed_ns = 1'234'567;
    return page;
  }
  Answer<SearchPage> trace(std::string_view id, const SearchLimits& limits) override {
    auto answer = search(id, {}, limits, 0);
    if (auto* page = std::get_if<SearchPage>(&answer)) std::reverse(page->documents.begin(), page->documents.end());
    return answer;
  }
  Answer<Histogram> histogram(std::string_view query, const SearchRange& range, int buckets) override {
    if (query == "(") return fault();
    Histogram histogram;
    const std::int64_t step = (range.to_ns - range.from_ns) / buckets;
    for (int i = 0; i < buckets; ++i)
      histogram.buckets.push_back({range.from_ns + i * step, {0, 0, i, 0, 1, 0}, i + 1});
    return histogram;
  }
  Answer<TopValues> top_values(std::string_view query, const SearchRange&, std::string_view field,
                               std::size_t values_max) override {
    if (query == "(") return fault();
    TopValues top;
    for (std::size_t i = 0; i < values_max; ++i) top.values.push_back({std::string(field), static_cast<int>(i) + 1});
    top.without = 7;
    return top;
  }
  std::variant<Filter, QueryFault> compile(std::string_view query) override {
    if (query == "(") return fault();
    return Filter([text = std::string(query)](std::string_view json) { return json.find(text) != std::string::npos; });
  }
  LiveRead read_since(std::int64_t sequence, std::size_t documents_max) override EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    LiveRead read;
    read.sequence = sequence;
    const std::int64_t oldest = std::max<std::int64_t>(static_cast<std::int64_t>(documents_.size()) - kept, 0);
    read.missed = std::max<std::int64_t>(oldest - sequence, 0);
    read.sequence = std::max(sequence, oldest);
    while (read.sequence < static_cast<std::int64_t>(documents_.size()) && read.documents.size() < documents_max) {
      read.documents.push_back(documents_[static_cast<std::size_t>(read.sequence++)]);
    }
    return read;
  }
  std::int64_t newest() override EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return static_cast<std::int64_t>(documents_.size());
  }

  std::int64_t kept = 1'000'000;  // documents that read_since still has

 private:
  static QueryFault fault() { return QueryFault{301, 0, 1, "a bracket is not closed", "write )"}; }

  Mutex mutex_;
  std::vector<LogDocument> documents_ GUARDED_BY(mutex_);
};

}  // namespace tapewatch

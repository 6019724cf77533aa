// SPDX-License-Identifier: Apache-2.0
#pragma once
// Api: what each address under /api/v1 answers, from the status board and the store. Knows nothing of sockets or
// threads. Owned by ApiServer. Thread: any.

#include <cstddef>
#include <string_view>

#include "base/clock.h"
#include "http/answer.h"
#include "http/search_backend.h"
#include "http/status.h"

namespace tapewatch {

class Api final {
 public:
  struct Limits {
    std::int64_t results_max = 1000;
    std::int64_t results_default = 100;
    std::int64_t trace_results_max = 5000;
    std::size_t bytes_max = 4u << 20;  // of documents in one answer
    std::int64_t buckets_max = 240;
  };

  // `backend` is null when the embedded store is off; what it would answer is then a 404 that says so.
  Api(const StatusBoard& status, SearchBackend* backend, const Clock& clock, Limits limits)
      : status_(status), backend_(backend), clock_(clock), limits_(limits) {}

  // `query` is what stands behind the '?', as sent.
  [[nodiscard]] HttpAnswer search(std::string_view query) const;
  [[nodiscard]] HttpAnswer trace(std::string_view query) const;
  [[nodiscard]] HttpAnswer histogram(std::string_view query) const;
  [[nodiscard]] HttpAnswer top(std::string_view query) const;
  [[nodiscard]] HttpAnswer alerts() const;
  [[nodiscard]] HttpAnswer rules() const;
  [[nodiscard]] HttpAnswer files() const;
  [[nodiscard]] HttpAnswer status() const;

 private:
  const StatusBoard& status_;
  SearchBackend* const backend_;
  const Clock& clock_;
  const Limits limits_;
};

// The answer to a failed search.
[[nodiscard]] HttpAnswer search_problem(const QueryFault& fault);
[[nodiscard]] HttpAnswer search_problem(const Error& error);
[[nodiscard]] HttpAnswer no_store_problem();

}  // namespace tapewatch

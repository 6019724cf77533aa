// SPDX-License-Identifier: Apache-2.0
#pragma once
// PgCounts: what the connections of one PgStore counted together. Thread: any.

#include <atomic>
#include <cstdint>

namespace tapewatch {

struct PgCounts {
  std::atomic<std::int64_t> open{0};
  std::atomic<std::int64_t> made{0};
  std::atomic<std::int64_t> lost{0};
  std::atomic<std::int64_t> refused{0};
  std::atomic<std::int64_t> round_trips{0};
  std::atomic<std::int64_t> reads{0};
  std::atomic<std::int64_t> writes{0};
  std::atomic<std::int64_t> writes_failed{0};
  std::atomic<std::int64_t> retries{0};
  std::atomic<std::int64_t> outcomes_unknown{0};
  std::atomic<std::int64_t> statement_hits{0};
  std::atomic<std::int64_t> statement_misses{0};
  std::atomic<std::int64_t> streams_open{0};
};

}  // namespace tapewatch

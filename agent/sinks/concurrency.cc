// SPDX-License-Identifier: Apache-2.0
#include "sinks/concurrency.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/clock.h"

namespace tapewatch {
namespace {

constexpr double weight = 0.3;  // of the newest measurement in the averages
constexpr double spread_factor = 2.5;
constexpr double noise_ms = 5;  // below this, a difference means nothing
constexpr double slow_factor = 0.9;
constexpr double refused_factor = 0.5;

}  // namespace

Concurrency::Concurrency(int max) : max_(max) { CHECK(max >= 1); }

void Concurrency::succeeded(std::int64_t started_ns, std::int64_t now_ns, int in_flight) {
  const double ms = static_cast<double>(now_ns - started_ns) / static_cast<double>(ns_per_ms);
  if (!measured_) {
    measured_ = true;
    usual_ms_ = ms;
  }
  const bool slow = ms > usual_ms_ + spread_factor * spread_ms_ + noise_ms;
  spread_ms_ += weight * (std::abs(ms - usual_ms_) - spread_ms_);
  usual_ms_ += weight * (ms - usual_ms_);
  if (slow) {
    lower(slow_factor, started_ns, now_ns);
  } else if (in_flight >= limit()) {
    limit_ = std::min<double>(limit_ + 1 / limit_, max_);
  }
}

void Concurrency::refused(std::int64_t started_ns, std::int64_t now_ns) { lower(refused_factor, started_ns, now_ns); }

// Once per round trip: requests that were in flight together bring the same news.
void Concurrency::lower(double factor, std::int64_t started_ns, std::int64_t now_ns) {
  if (started_ns < lowered_ns_) return;
  limit_ = std::max(1.0, limit_ * factor);
  lowered_ns_ = now_ns;
}

}  // namespace tapewatch

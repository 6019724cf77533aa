// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <ctime>

namespace tapewatch {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * ns_per_second + t.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::wall_ns() const { return read_clock(CLOCK_REALTIME); }
std::int64_t SystemClock::steady_ns() const { return read_clock(CLOCK_MONOTONIC); }

}  // namespace tapewatch

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What another program's /metrics says, in the old text form or as OpenMetrics, taken apart into families: types,
// timestamps and exemplars as they stand, one label more that tells whose they are. Strict, and all or nothing, as
// Prometheus is: a text with a fault says nothing. Thread: any.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/exposition.h"
#include "tapewatch/result.h"

namespace tapewatch {

struct ExpositionLimits {
  std::size_t samples_max = 20'000;
  std::size_t line_bytes_max = 64 * 1024;
  std::size_t labels_max = 64;  // of one sample
};

struct ExpositionText {
  std::vector<SampleFamily> families;
  std::size_t samples = 0;
};

// Every sample gets the label app="`app`"; one of its own by that name becomes exported_app. Code::limit when there is
// too much of something, Code::bad_reply with the line for what is no exposition.
[[nodiscard]] Result<ExpositionText> read_exposition(std::string_view text, MetricsFormat format, std::string_view app,
                                                     const ExpositionLimits& limits);

}  // namespace tapewatch

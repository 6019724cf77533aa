// SPDX-License-Identifier: Apache-2.0
// Points in time as applications write them: what is read is written and read again as the same moment.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/timestamp.h"
#include "http/query_params.h"

using namespace tapewatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto time : {parse_rfc3339(text), parse_epoch(text)}) {
    if (!time) continue;
    if (*time < 0) std::abort();
    const std::string written = format_rfc3339(*time);
    char nanos[30];
    if (format_rfc3339_nanos(*time, nanos) != nanos + sizeof nanos) std::abort();
    if (parse_rfc3339(written) != time || parse_rfc3339({nanos, sizeof nanos}) != time) std::abort();
  }
  if (text.find('%') != std::string_view::npos) return 0;  // well-formed percent signs are the caller's business
  const auto params = QueryParams::parse(text, {"from", "limit"});
  if (!params.ok()) return 0;
  static_cast<void>(params->time("from", 1'767'571'200'000'000'000, 0).ok());
  const auto limit = params->number("limit", 1, 1000, 100);
  if (limit.ok() && (*limit < 1 || *limit > 1000)) std::abort();
  return 0;
}

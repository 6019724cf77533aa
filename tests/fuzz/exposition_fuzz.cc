// SPDX-License-Identifier: Apache-2.0
// Another program's metrics, any bytes: what is taken in is written in both forms, and each can be read again with as
// many samples. The first byte tells the form.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metrics/exposition_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tapewatch::MetricsFormat;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const MetricsFormat form = data[0] % 2 == 0 ? MetricsFormat::text : MetricsFormat::openmetrics;
  auto taken = tapewatch::read_exposition(text, form, "app", {});
  if (!taken) return 0;
  if (tapewatch::merge_families(taken->families) > 0) return 0;
  tapewatch::ExpositionLimits limits;
  limits.line_bytes_max *= 4;
  limits.labels_max *= 2;
  for (const MetricsFormat out : {MetricsFormat::text, MetricsFormat::openmetrics}) {
    const auto again = tapewatch::read_exposition(serialize(taken->families, out), out, "app", limits);
    if (!again || again->samples != taken->samples) std::abort();
  }
  return 0;
}

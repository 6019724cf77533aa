// SPDX-License-Identifier: Apache-2.0
#include "event/batch.h"

namespace tapewatch {

void add_span(std::vector<Span>& spans, const Span& span) {
  if (!spans.empty() && spans.back().file == span.file && spans.back().end == span.begin) {
    spans.back().end = span.end;
  } else {
    spans.push_back(span);
  }
}

std::uint64_t file_seed(std::string_view instance, std::string_view input, const Hash128& head) {
  const std::uint64_t names = hash64(input, hash64(instance));
  return names ^ head.high ^ (head.low * 0x9E3779B97F4A7C15u);
}

Hash128 event_id(std::uint64_t seed, std::uint64_t offset, std::string_view line) {
  return hash128(line, seed + offset * 0xD6E8FEB86659FD93u);
}

}  // namespace tapewatch

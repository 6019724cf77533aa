// SPDX-License-Identifier: Apache-2.0
// The query parser and the matcher on any bytes: the first line is the query, the rest the document.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tapewatch/query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find('\n');
  const std::string_view text = input.substr(0, split);
  const std::string_view document = split == std::string_view::npos ? std::string_view() : input.substr(split + 1);
  const auto parsed = tapewatch::Query::parse(text);
  if (const auto* fault = std::get_if<tapewatch::QueryFault>(&parsed)) {
    if (fault->offset > text.size() || fault->length > text.size() + 1 || fault->message.empty()) std::abort();
    return 0;
  }
  static_cast<void>(std::get<tapewatch::Query>(parsed).matches(document));
  static_cast<void>(tapewatch::Query::trace(text).matches(document));
  return 0;
}
